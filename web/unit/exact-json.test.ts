// JSON with exact numbers.
import { expect, test } from 'vitest'
import { isJsonObject, preserveNumbers, quoteKey, toJson } from '../src/api/exact-json'

const parse = (json: string): unknown => JSON.parse(preserveNumbers(json))

test('numbers keep their digits', () => {
  const json = '{"a":12345678901234567890,"b":[1.0,1e400,-0,7,"1.0","say \\"5.0\\""]}'
  const value = parse(json) as { a: unknown; b: unknown[] }
  expect(toJson(value)).toBe(json)
  expect(toJson(value.a)).toBe('12345678901234567890')
  expect(value.b[3]).toBe(7)
  expect(value.b[4]).toBe('1.0')
})

test('recorded values are never decoded as numbers', () => {
  for (const recorded of ['\uE0005', '\uE000\uE0005', { '\uE000': '5' }, { '\uE000\uE000': '5', a: ['\uE0001.0'] }]) {
    const json = JSON.stringify(recorded)
    for (const escaped of [json, json.replaceAll('\uE000', '\\ue000'), json.replaceAll('\uE000', '\\uE000')]) {
      expect(toJson(parse(escaped))).toBe(json)
      expect(toJson(parse(escaped), 2)).toBe(JSON.stringify(recorded, null, 2))
    }
  }
})

test('exact number is not an object', () => {
  expect(isJsonObject(parse('1.0'))).toBe(false)
  expect(isJsonObject(parse('{"a":1.0}'))).toBe(true)
  expect(isJsonObject([])).toBe(false)
  expect(isJsonObject(null)).toBe(false)
})

test('member names are quoted as recorded', () => {
  const [name = ''] = Object.keys(parse('{"\uE000a":1}') as object)
  expect(quoteKey(name)).toBe('"\uE000a"')
  expect(quoteKey('say "a"')).toBe('"say \\"a\\""')
})

test('JSON is indented like JSON.stringify', () => {
  const value = { a: [], b: {}, c: [1, { d: null }] }
  expect(toJson(value, 2)).toBe(JSON.stringify(value, null, 2))
  expect(toJson(value)).toBe(JSON.stringify(value))
})
