// The diff of two JSON values.
import { expect, test } from 'vitest'
import { preserveNumbers } from '../src/api/exact-json'
import { diff, type DiffLine } from '../src/detail/diff'

/** The lines as `before | after`, with differences in brackets. */
function shown(lines: DiffLine[]): string[] {
  const side = (pieces: DiffLine['before']) =>
    pieces?.map(({ text, differs }) => (differs ? `[${text}]` : text)).join('') ?? ''
  return lines.map(({ indent, before, after }) => `${'  '.repeat(indent)}${side(before)} | ${side(after)}`)
}

test('strings are compared by line and word', () => {
  expect(shown(diff('Head of Sales', 'Head of Support'))).toEqual(['Head of [Sales] | Head of [Support]'])
  expect(shown(diff('a\nb\nc', 'a\nc\nd'))).toEqual(['a | a', '[b] | ', 'c | c', ' | [d]'])
  expect(shown(diff('', 'x'))).toEqual([' | [x]'])
})

test('short values stay on one line and show their type', () => {
  expect(shown(diff([true], [false]))).toEqual(['[[true]] | [[false]]'])
  expect(shown(diff(1, '1'))).toEqual(['1 | ["]1["]'])
  expect(shown(diff(null, 'null'))).toEqual(['null | ["]null["]'])
})

test('missing value differs from JSON null', () => {
  expect(shown(diff(undefined, null))).toEqual([' | [null]'])
  expect(shown(diff(null, undefined))).toEqual(['[null] | '])
  expect(diff(undefined, undefined)).toEqual([])
})

test('objects are compared by key regardless of order', () => {
  const before = {
    name: 'VPN exits',
    trusted: true,
    ranges: ['203.0.113.0/28', '198.51.100.93/32', '2001:db8:44::/48'],
  }
  const after = {
    trusted: true,
    name: 'VPN exits',
    ranges: ['203.0.113.0/28', '198.51.100.170/32', '2001:db8:44::/48'],
    note: 'moved',
  }
  expect(shown(diff(before, after))).toEqual([
    '{ | {',
    '  "name": "VPN exits", | "name": "VPN exits",',
    '  "trusted": true, | "trusted": true,',
    '  "ranges": [ | "ranges": [',
    '    "203.0.113.0/28", | "203.0.113.0/28",',
    '    "198.51.100.[93]/32", | "198.51.100.[170]/32",',
    '    "2001:db8:44::/48" | "2001:db8:44::/48"',
    '  ] | ],',
    '   | ["note": "moved"]',
    '} | }',
  ])
})

test('inserted array element does not change the others', () => {
  const plan = (name: string) => ({ SkuName: name, SkuId: '06ebc4ee-1bb5-47dd-8120-11324bc54e06' })
  const lines = shown(diff([plan('A'), plan('C')], [plan('A'), plan('B'), plan('C')]))
  expect(lines.filter((line) => line.includes('['))).toEqual([
    '[ | [',
    '   | [{]',
    '     | ["SkuName": "B",]',
    '     | ["SkuId": "06ebc4ee-1bb5-47dd-8120-11324bc54e06"]',
    '   | [},]',
  ])
})

test('long arrays are compared index by index', () => {
  const list = Array.from({ length: 5_000 }, (_, index) => `member ${index}`)
  const differing = diff(list, list.with(2_500, 'another')).filter(({ after }) => after?.some(({ differs }) => differs))
  expect(differing).toHaveLength(1)
  expect(diff(list, [...list].reverse())).toHaveLength(5_002)
})

test('numbers are compared by their digits', () => {
  const [decimal, integer, text] = JSON.parse(preserveNumbers('[1.0, 7, "1.0"]')) as unknown[]
  expect(shown(diff(decimal, integer))).toEqual(['[1.0] | [7]'])
  expect(shown(diff(decimal, text))).toEqual(['1.0 | ["]1.0["]'])
})

test('strings and members with the key of exact numbers are shown as recorded', () => {
  for (const recorded of ['\uE0005', { '\uE000': '5' }, { '\uE000\uE000': '5', a: ['\uE0001.0'] }]) {
    const json = JSON.stringify(recorded)
    const value: unknown = JSON.parse(preserveNumbers(json))
    expect(shown(diff(undefined, { value }))).toEqual([` | [{"value": ${json.replaceAll(/[:,]/g, '$& ')}}]`])
  }
  expect(shown(diff('\uE0005', '\uE0006'))).toEqual(['\uE000[5] | \uE000[6]'])
  const long = JSON.parse(
    preserveNumbers('{"\uE000": {"b": "a text that makes this too long for a line", "\uE000": 1.0}}'),
  ) as unknown
  expect(shown(diff(undefined, long))).toEqual([
    ' | [{]',
    '   | ["\uE000": {]',
    '     | ["b": "a text that makes this too long for a line",]',
    '     | ["\uE000": 1.0]',
    '   | [}]',
    ' | [}]',
  ])
})

test('inherited object members are ignored', () => {
  const before = { note: 'a text that makes this too long for a line' }
  const after = JSON.parse(
    `{"note":"${before.note}","constructor":1,"toString":null,"__proto__":{"valueOf":2}}`,
  ) as unknown
  const lines = ['{ | {', `  "note": "${before.note}" | "note": "${before.note}",`]
  const added = ['"constructor": 1,', '"toString": null,', '"__proto__": {"valueOf": 2}']
  expect(shown(diff(before, after))).toEqual([...lines, ...added.map((line) => `   | [${line}]`), '} | }'])
  expect(shown(diff(after, before))[2]).toBe('  ["constructor": 1,] | ')
})
