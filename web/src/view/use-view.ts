// The view that the address describes, and how parts of the page change it. Changes become entries of the browser's
// history, so "back" undoes the last setFilters.
import { createContext, useCallback, useContext, useMemo, useSyncExternalStore } from 'react'
import { parseFragment, toFragment } from './url-fragment'
import { type Filters, withFilters, type View } from './view'

export interface ViewState {
  view: View
  /** Looks at something else. */
  setView: (next: View) => void
  /** Changes filters, from the top of the list again. */
  setFilters: (change: Partial<Filters>) => void
}

export const ViewContext = createContext<ViewState | undefined>(undefined)

export function useView(): ViewState {
  const state = useContext(ViewContext)
  if (!state) throw new Error('there is no view here')
  return state
}

function subscribe(onChange: () => void): () => void {
  addEventListener('hashchange', onChange)
  return () => removeEventListener('hashchange', onChange)
}

/** The view of the address; once, at the top of the page. */
export function useUrlView(): ViewState {
  const fragment = useSyncExternalStore(subscribe, () => location.hash)
  const view = useMemo(() => parseFragment(fragment), [fragment])
  const setView = useCallback((next: View) => {
    const address = toFragment(next)
    // An empty fragment would leave `#` behind, which is the same view.
    if (address !== location.hash && !(address === '#' && location.hash === '')) location.hash = address
  }, [])
  const setFilters = useCallback((change: Partial<Filters>) => setView(withFilters(view, change)), [setView, view])
  return useMemo(() => ({ view, setView, setFilters }), [view, setView, setFilters])
}
