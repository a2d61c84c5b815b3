// Numbers as they were recorded. The browser reads JSON numbers as doubles, which changes what people see of long ones
// (12345678901234567890) and of forms (1.0). In an audit log that would be a lie, so a number that a double does not
// keep is carried, from the answer to where it is shown, as an object with one member: the mark, with its digits.
//
// No recorded value can be taken for such a number. Texts stay as they are, and the name of a recorded member that
// begins with the mark has it once more on the way, so the mark alone is the name of nothing else.

/** From Unicode's private use area. */
const MARK = '\uE000'

const TEXT_OR_NUMBER = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|-?\d[\d.eE+-]*/g
/** The mark at the beginning of a JSON text, written in either way. */
const BEGINS_WITH_MARK = /^"(?:\uE000|\\u[eE]000)/

/** A JSON text with each number that a double would change put as a marked object. */
export function marked(json: string): string {
  return json.replace(TEXT_OR_NUMBER, (token: string, text?: string, colon?: string) => {
    if (text === undefined) return String(Number(token)) === token ? token : `{"${MARK}":"${token}"}`
    return colon !== undefined && BEGINS_WITH_MARK.test(text) ? `"${MARK}${token.slice(1)}` : token
  })
}

/** Whether a value is an object with members of its own, and no number. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, MARK)
}

/** A member's name as it was recorded, in quotes. */
export function quoted(name: string): string {
  return JSON.stringify(name.startsWith(MARK) ? name.slice(MARK.length) : name)
}

/** A value as JSON, numbers in their own digits. */
export function toJson(value: unknown, indent = 0): string {
  return write(value, ' '.repeat(indent), '\n')
}

function write(value: unknown, step: string, line: string): string {
  const inner = line + step
  if (Array.isArray(value))
    return wrapped(
      '[',
      ']',
      value.map((item) => write(item, step, inner)),
      step,
      line,
    )
  if (!isObject(value)) return digits(value) ?? JSON.stringify(value)
  const colon = step === '' ? ':' : ': '
  const members = Object.entries(value).map(([name, item]) => quoted(name) + colon + write(item, step, inner))
  return wrapped('{', '}', members, step, line)
}

function wrapped(open: string, shut: string, parts: string[], step: string, line: string): string {
  if (step === '' || parts.length === 0) return open + parts.join(',') + shut
  return open + line + step + parts.join(`,${line}${step}`) + line + shut
}

/** The digits of a number that was put as a marked object. */
function digits(value: unknown): string | undefined {
  const kept = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[MARK] : undefined
  return typeof kept === 'string' ? kept : undefined
}

/** `fetch`, with numbers kept. */
export async function exactFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const answer = await fetch(input, init)
  const { status, statusText, headers } = answer
  return new Response(marked(await answer.text()), { status, statusText, headers })
}
