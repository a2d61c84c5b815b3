// Numbers as they were recorded. The browser reads JSON numbers as doubles, which changes what people see of long ones
// (12345678901234567890) and of forms (1.0). In an audit log that would be a lie, so a number that a double does not
// keep is carried, from the answer to where it is shown, as an object with one member: the mark, with its digits.
//
// No recorded value can be taken for such a number. Texts stay as they are, and the name of a recorded member that
// begins with the mark has it once more on the way, so the mark alone is the name of nothing else.

/** From Unicode's private use area. */
const NUMBER_KEY = '\uE000'

const STRING_OR_NUMBER = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|-?\d[\d.eE+-]*/g
/** The mark at the beginning of a JSON text, written in either way. */
const STARTS_WITH_NUMBER_KEY = /^"(?:\uE000|\\u[eE]000)/

/** A JSON text with each number that a double would change put as a marked object. */
export function preserveNumbers(json: string): string {
  return json.replace(STRING_OR_NUMBER, (token: string, string?: string, colon?: string) => {
    if (string === undefined) return String(Number(token)) === token ? token : `{"${NUMBER_KEY}":"${token}"}`
    return colon !== undefined && STARTS_WITH_NUMBER_KEY.test(string) ? `"${NUMBER_KEY}${token.slice(1)}` : token
  })
}

/** Whether a value is an object with members of its own, and no number. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, NUMBER_KEY)
}

/** A member's name as it was recorded, in quotes. */
export function quoteKey(name: string): string {
  return JSON.stringify(name.startsWith(NUMBER_KEY) ? name.slice(NUMBER_KEY.length) : name)
}

/** A value as JSON, numbers in their own digits. */
export function toJson(value: unknown, indent = 0): string {
  return stringify(value, ' '.repeat(indent), '\n')
}

function stringify(value: unknown, step: string, lineBreak: string): string {
  const innerBreak = lineBreak + step
  if (Array.isArray(value))
    return bracketed(
      '[',
      ']',
      value.map((item) => stringify(item, step, innerBreak)),
      step,
      lineBreak,
    )
  if (!isJsonObject(value)) return exactDigits(value) ?? JSON.stringify(value)
  const colon = step === '' ? ':' : ': '
  const members = Object.entries(value).map(
    ([name, item]) => quoteKey(name) + colon + stringify(item, step, innerBreak),
  )
  return bracketed('{', '}', members, step, lineBreak)
}

function bracketed(open: string, close: string, parts: string[], step: string, line: string): string {
  if (step === '' || parts.length === 0) return open + parts.join(',') + close
  return open + line + step + parts.join(`,${line}${step}`) + line + close
}

/** The digits of a number that was put as a marked object. */
function exactDigits(value: unknown): string | undefined {
  const digits =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[NUMBER_KEY] : undefined
  return typeof digits === 'string' ? digits : undefined
}

/** `fetch`, with numbers kept. */
export async function exactFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init)
  const { status, statusText, headers } = response
  return new Response(preserveNumbers(await response.text()), { status, statusText, headers })
}
