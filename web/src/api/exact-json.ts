// JSON with exact numbers. JavaScript parses JSON numbers as doubles, which changes long numbers (12345678901234567890)
// and loses their notation (1.0). An audit log must show values as recorded, so a number that a double cannot represent
// is replaced, before parsing, by an object with a single member: `NUMBER_KEY` with the number's digits as a string.
//
// Recorded values cannot collide with this encoding: strings are not changed, and a recorded member name that starts
// with `NUMBER_KEY` gets the key as an additional prefix, so the bare key always means a number.

/** A character from Unicode's private use area. */
const NUMBER_KEY = '\uE000'

const STRING_OR_NUMBER = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|-?\d[\d.eE+-]*/g
/** Matches a JSON string that starts with `NUMBER_KEY`, literal or escaped. */
const STARTS_WITH_NUMBER_KEY = /^"(?:\uE000|\\u[eE]000)/

/** Replaces each number in a JSON document that a double cannot represent by an object with its digits. */
export function preserveNumbers(json: string): string {
  return json.replace(STRING_OR_NUMBER, (token: string, string?: string, colon?: string) => {
    if (string === undefined) return String(Number(token)) === token ? token : `{"${NUMBER_KEY}":"${token}"}`
    return colon !== undefined && STARTS_WITH_NUMBER_KEY.test(string) ? `"${NUMBER_KEY}${token.slice(1)}` : token
  })
}

/** Returns whether a value is a JSON object; false for an encoded number. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, NUMBER_KEY)
}

/** The recorded name of a member, as a JSON string. */
export function quoteKey(name: string): string {
  return JSON.stringify(name.startsWith(NUMBER_KEY) ? name.slice(NUMBER_KEY.length) : name)
}

/** Serializes a value as JSON, with the recorded digits of its numbers. */
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

/** The digits of an encoded number, or `undefined` if the value is something else. */
function exactDigits(value: unknown): string | undefined {
  const digits =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[NUMBER_KEY] : undefined
  return typeof digits === 'string' ? digits : undefined
}

/** `fetch` whose response bodies keep exact numbers. */
export async function exactFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init)
  const { status, statusText, headers } = response
  return new Response(preserveNumbers(await response.text()), { status, statusText, headers })
}
