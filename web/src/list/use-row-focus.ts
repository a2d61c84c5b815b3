// The focus of the list's rows: it follows the open event, returns to the event's row when the event is closed, and does
// not fall to the body when the row disappears.
import { type RefObject, useCallback, useEffect, useRef } from 'react'
import { toFragment } from '../view/url-fragment'
import { useView } from '../view/use-view'

interface Options {
  scroller: RefObject<HTMLElement | null>
  /** The ids of the rows, in order. */
  ids: string[]
  /** The id of the row that has or had the focus. */
  focusedId: string | undefined
  /** Scrolls until the row at an index is visible. */
  scrollTo: (index: number) => void
}

/** The number of frames after which a row that was scrolled to must be rendered. */
const FRAMES_MAX = 20

/** Returns a function that focuses the row at an index, which may not be rendered yet. */
export function useRowFocus({ scroller, ids, focusedId, scrollTo }: Options): (index: number) => void {
  const { view } = useView()
  const scrollToRef = useRef(scrollTo)
  useEffect(() => {
    scrollToRef.current = scrollTo
  })
  const focusRow = useCallback(
    (index: number) => {
      scrollToRef.current(index)
      const tryFocus = (frames: number) => {
        const link = scroller.current?.querySelector<HTMLElement>(`tr[data-index="${index}"] .event-link`)
        if (link) link.focus({ preventScroll: true })
        else if (frames > 0) requestAnimationFrame(() => tryFocus(frames - 1))
      }
      tryFocus(FRAMES_MAX)
    },
    [scroller],
  )

  // The list scrolls to an event that is opened elsewhere: by the detail panel or by the URL.
  const { event } = view
  const list = toFragment({ ...view, event: undefined })
  const shown = useRef<{ event: string; list: string }>(undefined)
  useEffect(() => {
    const previous = shown.current
    if (event === undefined) {
      shown.current = undefined
      const index = previous?.list === list ? ids.indexOf(previous.event) : -1
      if (index >= 0 && document.activeElement === document.body) focusRow(index)
    } else if (previous?.event !== event && ids.includes(event)) {
      shown.current = { event, list }
      scrollToRef.current(ids.indexOf(event))
    }
  }, [event, list, ids, focusRow])

  const hadFocus = useRef<string>(undefined)
  useEffect(() => {
    if (hadFocus.current !== undefined && document.activeElement === document.body && !ids.includes(hadFocus.current))
      scroller.current?.focus()
    hadFocus.current = scroller.current?.contains(document.activeElement) === true ? focusedId : undefined
  }, [ids, focusedId, scroller])
  return focusRow
}
