// The rows of a page. Only visible rows are in the document, however long the page or the live events get. All rows
// have the same height, so that the page does not shift.
import { useTable } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useLayoutEffect, useMemo, useRef } from 'react'
import { useMediaQuery } from '../ui/use-media-query'
import { usePreferences } from '../view/preferences'
import { useView } from '../view/use-view'
import { COLUMNS, columns, features } from './columns'
import type { Row } from './query'

const ROW_HEIGHT = { wide: 35, narrow: 70 }

export function EventTable({ rows, shown, freshIds }: { rows: Row[]; shown: string[]; freshIds: ReadonlySet<string> }) {
  const { view, setView } = useView()
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
  const virtual = useVirtualizer({
    count: all.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => all[index]?.id ?? index,
    overscan: 12,
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
  const before = items[0]?.start ?? 0
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

  /** Moves the focus to the next row on arrow keys; Enter follows the link. */
  const moveFocus = (event: KeyboardEvent<HTMLTableSectionElement>) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const row = (event.target as HTMLElement).closest<HTMLElement>('tr[data-index]')
    if (step === undefined || !row) return
    event.preventDefault()
    const index = Number(row.dataset['index']) + step
    if (index < 0 || index >= all.length) return
    virtual.scrollToIndex(index)
    // Thanks to `overscan`, the rows next to the visible ones are already in the document.
    scroller.current
      ?.querySelector<HTMLElement>(`tr[data-index="${index}"] .event-link`)
      ?.focus({ preventScroll: true })
  }

  return (
    <div className="table-scroller" ref={scroller}>
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
        <tbody role="rowgroup" onKeyDown={moveFocus}>
          {before > 0 && <tr className="spacer" aria-hidden="true" style={{ height: before }} />}
          {items.map(({ index }) => {
            const row = all[index]
            if (!row) return null
            const isOpen = row.id === view.event
            return (
              <tr
                key={row.id}
                role="row"
                data-index={index}
                aria-rowindex={index + 2}
                aria-current={isOpen || undefined}
                className={`event ${freshIds.has(row.id) ? 'fresh' : ''}`}
                onClick={(event) => {
                  if (!(event.target as HTMLElement).closest('a')) setView({ ...view, event: row.id })
                }}
              >
                {row.getVisibleCells().map((cell) => (
                  <td key={cell.id} role="cell" data-column={cell.column.id}>
                    <table.FlexRender cell={cell} />
                  </td>
                ))}
              </tr>
            )
          })}
          {after > 0 && <tr className="spacer" aria-hidden="true" style={{ height: after }} />}
        </tbody>
      </table>
    </div>
  )
}
