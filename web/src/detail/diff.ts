// A diff of two JSON values, as lines to show side by side. Objects are compared by key, arrays by their longest common
// subsequence, strings by line and then by word. A change deep inside a policy is highlighted; items that only moved
// are not. Pure functions: values in, lines out.
import { isJsonObject, quoteKey, toJson } from '../api/exact-json'

/** A part of a line; `differs` if the other side has a different text there. */
export interface Segment {
  text: string
  differs: boolean
}

/** A line of both sides; a side without that line is `undefined`. */
export interface DiffLine {
  indent: number
  before?: Segment[]
  after?: Segment[]
}

/** Values whose JSON is at most this long are printed on one line. */
const INLINE_LENGTH_MAX = 44
/** Longer arrays are compared index by index, because the table of the subsequence grows quadratically. */
const LCS_LENGTH_MAX = 600

/** Returns the lines of a change. `undefined` means no value, which is not the same as JSON null. */
export function diff(before: unknown, after: unknown): DiffLine[] {
  if (typeof before === 'string' && typeof after === 'string') return diffStrings(before, after)
  return diffValues(before, after, 0, '', NO_SUFFIXES)
}

/** The text after a value, per side: a comma, or an empty string after the last one. */
type Suffixes = Record<'before' | 'after', string>

const NO_SUFFIXES: Suffixes = { before: '', after: '' }
const commas = (before: boolean, after: boolean): Suffixes => ({ before: before ? ',' : '', after: after ? ',' : '' })

function diffValues(before: unknown, after: unknown, indent: number, prefix: string, suffix: Suffixes): DiffLine[] {
  if (before === undefined) return after === undefined ? [] : oneSided(after, 'after', indent, prefix, suffix)
  if (after === undefined) return oneSided(before, 'before', indent, prefix, suffix)
  const inlined = [toInline(before), toInline(after)] as const
  if (inlined[0] === inlined[1]) return unchanged(before, indent, prefix, suffix)
  if (inlined[0].length <= INLINE_LENGTH_MAX && inlined[1].length <= INLINE_LENGTH_MAX) {
    const [left, right] = diffWords(inlined[0], inlined[1])
    return [{ indent, before: enclose(prefix, left, suffix.before), after: enclose(prefix, right, suffix.after) }]
  }
  if (Array.isArray(before) && Array.isArray(after))
    return bracketed(indent, prefix, '[', ']', suffix, diffArrays(before, after, indent + 1))
  if (isJsonObject(before) && isJsonObject(after))
    return bracketed(indent, prefix, '{', '}', suffix, diffObjects(before, after, indent + 1))
  return sideBySide(
    oneSided(before, 'before', indent, prefix, suffix),
    oneSided(after, 'after', indent, prefix, suffix),
  )
}

function toInline(value: unknown): string {
  return toJson(value).replaceAll(
    /("(?:[^"\\]|\\.)*")|([,:])/g,
    (_, text: string | undefined, mark: string) => text ?? `${mark} `,
  )
}

function unchangedText(text: string): Segment[] {
  return [{ text, differs: false }]
}

function enclose(prefix: string, segments: Segment[], suffix: string): Segment[] {
  return [...(prefix ? unchangedText(prefix) : []), ...segments, ...(suffix ? unchangedText(suffix) : [])]
}

function bracketed(
  indent: number,
  prefix: string,
  open: string,
  close: string,
  suffix: Suffixes,
  inner: DiffLine[],
): DiffLine[] {
  const line = (before: string, after = before): DiffLine => ({
    indent,
    before: unchangedText(before),
    after: unchangedText(after),
  })
  return [line(prefix + open), ...inner, line(close + suffix.before, close + suffix.after)]
}

/** The lines of a value that only one side has. */
function oneSided(
  value: unknown,
  side: 'before' | 'after',
  indent: number,
  prefix: string,
  suffix: Suffixes,
): DiffLine[] {
  return layout(value, indent, prefix, suffix[side]).map((line) => ({
    indent: line.indent,
    [side]: [{ text: line.text, differs: true }],
  }))
}

/** The lines of a value that both sides have. */
function unchanged(value: unknown, indent: number, prefix: string, suffix: Suffixes): DiffLine[] {
  const after = layout(value, indent, prefix, suffix.after)
  return layout(value, indent, prefix, suffix.before).map((line, index) => ({
    indent: line.indent,
    before: unchangedText(line.text),
    after: unchangedText(after[index]?.text ?? line.text),
  }))
}

function layout(value: unknown, indent: number, prefix: string, suffix: string): { indent: number; text: string }[] {
  if (indent === 0 && typeof value === 'string') return value.split('\n').map((text) => ({ indent, text }))
  const short = toInline(value)
  const entries = Array.isArray(value)
    ? value.map((item) => ['', item] as const)
    : isJsonObject(value)
      ? Object.entries(value).map(([key, item]) => [`${quoteKey(key)}: `, item] as const)
      : []
  if (short.length <= INLINE_LENGTH_MAX || entries.length === 0) return [{ indent, text: prefix + short + suffix }]
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  const inner = entries.flatMap(([key, item], index) =>
    layout(item, indent + 1, key, index < entries.length - 1 ? ',' : ''),
  )
  return [{ indent, text: prefix + open }, ...inner, { indent, text: close + suffix }]
}

/** Joins two lists of lines side by side. */
function sideBySide(left: DiffLine[], right: DiffLine[]): DiffLine[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => {
    const [before, after] = [left[index], right[index]]
    return {
      indent: before?.indent ?? after?.indent ?? 0,
      ...(before?.before && { before: before.before }),
      ...(after?.after && { after: after.after }),
    }
  })
}

function diffObjects(before: Record<string, unknown>, after: Record<string, unknown>, indent: number): DiffLine[] {
  const keys = [...Object.keys(before), ...Object.keys(after).filter((key) => !Object.hasOwn(before, key))]
  const last = (side: object) => keys.findLast((key) => Object.hasOwn(side, key))
  const [lastBefore, lastAfter] = [last(before), last(after)]
  return keys.flatMap((key) =>
    diffValues(
      ownMember(before, key),
      ownMember(after, key),
      indent,
      `${quoteKey(key)}: `,
      commas(key !== lastBefore, key !== lastAfter),
    ),
  )
}

/** An own member of an object; inherited members such as `constructor` are ignored. */
function ownMember(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function diffArrays(before: unknown[], after: unknown[], indent: number): DiffLine[] {
  const common = longestCommonSubsequence(before.map(toInline), after.map(toInline))
  const lines: DiffLine[] = []
  let [left, right] = [0, 0]
  for (const [nextLeft, nextRight] of [...common, [before.length, after.length] as const]) {
    // The elements between two common ones were replaced, index by index.
    const gap = Math.max(nextLeft - left, nextRight - right)
    for (let step = 0; step < gap; step += 1) {
      const oldItem = left + step < nextLeft ? before[left + step] : undefined
      const newItem = right + step < nextRight ? after[right + step] : undefined
      const suffix = commas(left + step < before.length - 1, right + step < after.length - 1)
      lines.push(...diffValues(oldItem, newItem, indent, '', suffix))
    }
    if (nextLeft < before.length && nextRight < after.length)
      lines.push(
        ...unchanged(before[nextLeft], indent, '', commas(nextLeft < before.length - 1, nextRight < after.length - 1)),
      )
    ;[left, right] = [nextLeft + 1, nextRight + 1]
  }
  return lines
}

/** Compares strings by line; where one line replaces another, by word. */
function diffStrings(before: string, after: string): DiffLine[] {
  const [left, right] = [before.split('\n'), after.split('\n')]
  const common = longestCommonSubsequence(left, right)
  const lines: DiffLine[] = []
  let [i, j] = [0, 0]
  for (const [nextI, nextJ] of [...common, [left.length, right.length] as const]) {
    for (; i < nextI || j < nextJ; i += 1, j += 1) {
      const [oldLine, newLine] = [i < nextI ? left[i] : undefined, j < nextJ ? right[j] : undefined]
      if (oldLine !== undefined && newLine !== undefined) {
        const [oldSegments, newSegments] = diffWords(oldLine, newLine)
        lines.push({ indent: 0, before: oldSegments, after: newSegments })
      } else if (oldLine !== undefined) lines.push({ indent: 0, before: [{ text: oldLine, differs: true }] })
      else if (newLine !== undefined) lines.push({ indent: 0, after: [{ text: newLine, differs: true }] })
    }
    if (nextI < left.length && nextJ < right.length) {
      const text = left[nextI] ?? ''
      lines.push({ indent: 0, before: unchangedText(text), after: unchangedText(text) })
    }
    ;[i, j] = [nextI + 1, nextJ + 1]
  }
  return lines
}

const WORDS = /[\p{L}\p{N}]+|\s+|[^\p{L}\p{N}\s]/gu

/** Compares two lines by word. */
function diffWords(before: string, after: string): [Segment[], Segment[]] {
  const [left, right] = [before.match(WORDS) ?? [], after.match(WORDS) ?? []]
  const common = longestCommonSubsequence(left, right)
  const commonIndexes = [new Set(common.map(([i]) => i)), new Set(common.map(([, j]) => j))] as const
  return [toSegments(left, commonIndexes[0]), toSegments(right, commonIndexes[1])]
}

function toSegments(words: string[], commonIndexes: ReadonlySet<number>): Segment[] {
  const out: Segment[] = []
  words.forEach((text, index) => {
    const differs = !commonIndexes.has(index)
    const last = out.at(-1)
    if (last?.differs === differs) last.text += text
    else out.push({ text, differs })
  })
  return out
}

/** The index pairs of a longest common subsequence. */
function longestCommonSubsequence(left: readonly string[], right: readonly string[]): [number, number][] {
  let [start, endLeft, endRight] = [0, left.length, right.length]
  while (start < endLeft && start < endRight && left[start] === right[start]) start += 1
  while (endLeft > start && endRight > start && left[endLeft - 1] === right[endRight - 1]) {
    endLeft -= 1
    endRight -= 1
  }
  const head = Array.from({ length: start }, (_, index): [number, number] => [index, index])
  const tail = Array.from({ length: left.length - endLeft }, (_, index): [number, number] => [
    endLeft + index,
    endRight + index,
  ])
  return [...head, ...lcsOfMiddle(left, right, start, endLeft, endRight), ...tail]
}

function lcsOfMiddle(
  left: readonly string[],
  right: readonly string[],
  start: number,
  endLeft: number,
  endRight: number,
) {
  const [rows, columns] = [endLeft - start, endRight - start]
  const out: [number, number][] = []
  if (rows === 0 || columns === 0 || rows > LCS_LENGTH_MAX || columns > LCS_LENGTH_MAX) return out
  const width = columns + 1
  const lengths = new Uint16Array((rows + 1) * width)
  const at = (row: number, column: number) => lengths[row * width + column] ?? 0
  for (let row = rows - 1; row >= 0; row -= 1)
    for (let column = columns - 1; column >= 0; column -= 1)
      lengths[row * width + column] =
        left[start + row] === right[start + column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1))
  for (let row = 0, column = 0; row < rows && column < columns;) {
    if (left[start + row] === right[start + column]) out.push([start + row++, start + column++])
    else if (at(row + 1, column) >= at(row, column + 1)) row += 1
    else column += 1
  }
  return out
}
