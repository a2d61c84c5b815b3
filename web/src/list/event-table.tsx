// The rows of a page. Only visible rows are in the document, however long the page or the live events get, and the rows
// that have the focus or return to it. All rows have the same height, so that the page does not shift.
import { useTable } from '@tanstack/react-table'
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual'
import { Fragment, type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { useMediaQuery } from '../ui/use-media-query'
import { usePreferences } from '../view/preferences'
import { toFragment } from '../view/url-fragment'
import { useView } from '../view/use-view'
import { COLUMNS, columns, features } from './columns'
import type { Row } from './query'
import { useRowFocus } from './use-row-focus'

const ROW_HEIGHT = { wide: 35, narrow: 70 }

export function EventTable({ rows, shown, freshIds }: { rows: Row[]; shown: string[]; freshIds: ReadonlySet<string> }) {
  const { view } = useView()
  const { preferences } = usePreferences()
  const isNarrow = useMediaQuery('(max-width: 720px)')
  const scroller = useRef<HTMLDivElement>(null)
  const columnVisibility = useMemo(
    () => Object.fromEntries(Object.keys(COLUMNS).map((id) => [id, shown.includes(id)])),
    [shown],
  )
  const table = useTable({
    features,
    columns,
    data: rows,
    getRowId: (row) => row.id,
    state: { columnVisibility, columnOrder: shown },
  })
  const height = isNarrow ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide
  const all = table.getRowModel().rows
  const [focusedId, setFocusedId] = useState<string>()
  // The open event, or the last one: closing it moves the focus to its row.
  const [openedId, setOpenedId] = useState(view.event)
  if (view.event !== undefined && view.event !== openedId) setOpenedId(view.event)
  const kept = [focusedId, openedId].map((id) => all.findIndex((row) => row.id === id)).filter((index) => index >= 0)
  const virtual = useVirtualizer({
    count: all.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => all[index]?.id ?? index,
    overscan: 12,
    rangeExtractor: (range) =>
      [...new Set([...defaultRangeExtractor(range), ...kept])].sort((one, other) => one - other),
    // The header covers the top of the scroller.
    scrollPaddingStart: isNarrow ? 0 : height,
  })
  virtual.shouldAdjustScrollPositionOnItemSizeChange = () => false
  // Keeps the scroll position when live events are inserted at the top.
  const firstRowId = useRef<string>(undefined)
  useLayoutEffect(() => {
    const added = rows.findIndex((row) => row.id === firstRowId.current)
    if (added > 0 && scroller.current && scroller.current.scrollTop > 0) scroller.current.scrollTop += added * height
    firstRowId.current = rows[0]?.id
  }, [rows, height])
  const items = virtual.getVirtualItems()
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  const minWidthOf = (id: string) => {
    const { min = 0, minRelative = min } = COLUMNS[id]?.width ?? {}
    return preferences.times === 'relative' ? minRelative : min
  }
  const tableMinWidth = shown.reduce((sum, id) => sum + minWidthOf(id), 0)
  const shareSum = shown.reduce((sum, id) => sum + (COLUMNS[id]?.width.share ?? 0), 0)
  const width = (id: string) => {
    const [share, min] = [COLUMNS[id]?.width.share ?? 0, minWidthOf(id)]
    return share === 0 ? `${min}px` : `calc(${min}px + (100% - ${tableMinWidth}px) * ${share / shareSum})`
  }

  const focusRow = useRowFocus({
    scroller,
    ids: useMemo(() => rows.map((row) => row.id), [rows]),
    focusedId,
    scrollTo: (index) => virtual.scrollToIndex(index, { align: 'auto' }),
  })

  /** Moves the focus to the next row on arrow keys; Enter follows the link. */
  const moveFocus = (event: KeyboardEvent<HTMLTableSectionElement>) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const row = (event.target as HTMLElement).closest<HTMLElement>('tr[data-index]')
    if (step === undefined || !row) return
    event.preventDefault()
    const index = Number(row.dataset['index']) + step
    if (index < 0 || index >= all.length) return
    focusRow(index)
  }

  const { openLater, cancelOpening } = useDelayedOpening()
  const openTab = (id: string) =>
    window.open(new URL(toFragment({ ...view, event: id }), location.href), '_blank', 'noopener')

  return (
    <div className="table-scroller" ref={scroller} tabIndex={-1}>
      <table
        className="table"
        role="table"
        aria-label="Audit events"
        aria-rowcount={all.length + 1}
        style={{ minWidth: isNarrow ? 0 : tableMinWidth }}
      >
        <colgroup>
          {shown.map((id) => (
            <col key={id} style={{ width: width(id) }} />
          ))}
        </colgroup>
        <thead role="rowgroup">
          <tr role="row" aria-rowindex={1}>
            {table.getHeaderGroups()[0]?.headers.map((header) => (
              <th key={header.id} scope="col" role="columnheader">
                {COLUMNS[header.column.id]?.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody
          role="rowgroup"
          onKeyDown={moveFocus}
          onFocus={(event) => setFocusedId(event.target.closest<HTMLElement>('tr.event')?.dataset['id'])}
        >
          {items.map(({ index, start }, position) => {
            const row = all[index]
            if (!row) return null
            const isOpen = row.id === view.event
            const gap = start - (items[position - 1]?.end ?? 0)
            return (
              <Fragment key={row.id}>
                {gap > 0 && <tr className="spacer" aria-hidden="true" style={{ height: gap }} />}
                <tr
                  data-id={row.id}
                  role="row"
                  data-index={index}
                  aria-rowindex={index + 2}
                  aria-current={isOpen || undefined}
                  className={`event ${freshIds.has(row.id) ? 'fresh' : ''}`}
                  onClick={(event) => {
                    cancelOpening()
                    if ((event.target as HTMLElement).closest('a') || hasSelection(event.currentTarget)) return
                    if (event.ctrlKey || event.metaKey) openTab(row.id)
                    else if (event.detail <= 1) openLater(row.id)
                  }}
                  onAuxClick={(event) => {
                    if (event.button === 1 && !(event.target as HTMLElement).closest('a')) openTab(row.id)
                  }}
                >
                  {row.getVisibleCells().map((cell) => (
                    <td key={cell.id} role="cell" data-column={cell.column.id}>
                      <table.FlexRender cell={cell} />
                    </td>
                  ))}
                </tr>
              </Fragment>
            )
          })}
          {after > 0 && <tr className="spacer" aria-hidden="true" style={{ height: after }} />}
        </tbody>
      </table>
    </div>
  )
}

/** The time within which a second click makes a double click, in milliseconds. */
const DOUBLE_CLICK_MS = 300

/** Returns functions that open an event unless the click is the first one of a double click, which selects a word. */
function useDelayedOpening() {
  const { view, setView } = useView()
  const viewRef = useRef(view)
  useEffect(() => {
    viewRef.current = view
  })
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const cancelOpening = () => clearTimeout(timer.current)
  useEffect(() => () => clearTimeout(timer.current), [])
  const openLater = (id: string) => {
    timer.current = setTimeout(() => setView({ ...viewRef.current, event: id }), DOUBLE_CLICK_MS)
  }
  return { openLater, cancelOpening }
}

/** Returns whether the user has selected text in the row: the end of a selection is not a click. */
function hasSelection(row: HTMLElement): boolean {
  const selection = getSelection()
  return selection?.type === 'Range' && selection.containsNode(row, true)
}
