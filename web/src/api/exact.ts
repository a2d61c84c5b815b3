// Numbers as they were recorded. The browser reads JSON numbers as doubles, which changes what people see of long ones
// (12345678901234567890) and of forms (1.0). In an audit log that would be a lie, so numbers that a double does not
// keep are carried as marked texts from the answer to where they are shown.

/** From Unicode's private use area; the server hands out no text that begins with it followed by a number alone. */
const MARK = '\uE000'

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g

/** A JSON text with each number that a double would change put as a marked text. */
export function marked(json: string): string {
  return json.replace(STRING_OR_NUMBER, (token) =>
    token.startsWith('"') || String(Number(token)) === token ? token : `"${MARK}${token}"`,
  )
}

/** The number that a value stands for, in its own digits; undefined for what is no number. */
export function digits(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : undefined
}

/** A value as JSON, numbers in their own digits. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(new RegExp(`"${MARK}(-?\\d[\\d.eE+-]*)"`, 'g'), '$1')
}

/** `fetch`, with numbers kept. */
export async function exactFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const answer = await fetch(input, init)
  const { status, statusText, headers } = answer
  return new Response(marked(await answer.text()), { status, statusText, headers })
}
