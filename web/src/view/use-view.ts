// The view in the URL, and the functions that change it. Each change is an entry of the browser's history, so "back"
// undoes the last filter.
import { createContext, useCallback, useContext, useMemo, useSyncExternalStore } from 'react'
import { parseFragment, toFragment } from './url-fragment'
import { type Filters, type View, withFilters } from './view'

export interface ViewState {
  view: View
  /** Navigates to a view. */
  setView: (next: View) => void
  /** Changes the view within the current history entry. */
  replaceView: (next: View) => void
  /** Changes filters and returns to the first page. */
  setFilters: (change: Partial<Filters>) => void
}

export const ViewContext = createContext<ViewState | undefined>(undefined)

export function useView(): ViewState {
  const state = useContext(ViewContext)
  if (!state) throw new Error('useView is called outside of ViewContext')
  return state
}

function subscribe(onChange: () => void): () => void {
  addEventListener('hashchange', onChange)
  return () => removeEventListener('hashchange', onChange)
}

/** Reads the view from the URL. Used once, at the top of the page. */
export function useUrlView(): ViewState {
  const fragment = useSyncExternalStore(subscribe, () => location.hash)
  const view = useMemo(() => parseFragment(fragment), [fragment])
  const setView = useCallback((next: View) => {
    const address = toFragment(next)
    // An empty fragment would leave `#` in the URL, which is the same view.
    if (address !== location.hash && !(address === '#' && location.hash === '')) location.hash = address
  }, [])
  const replaceView = useCallback((next: View) => {
    history.replaceState(history.state, '', toFragment(next))
    // Only a navigation fires the event.
    dispatchEvent(new HashChangeEvent('hashchange'))
  }, [])
  const setFilters = useCallback((change: Partial<Filters>) => setView(withFilters(view, change)), [setView, view])
  return useMemo(() => ({ view, setView, replaceView, setFilters }), [view, setView, replaceView, setFilters])
}
