// The view that the address describes, and how parts of the page change it. Changes become entries of the browser's
// history, so "back" undoes the last filter.
import { createContext, useCallback, useContext, useMemo, useSyncExternalStore } from 'react'
import { read, written } from './url-fragment'
import { type Filters, filtered, type View } from './view'

export interface Looking {
  view: View
  /** Looks at something else. */
  look: (next: View) => void
  /** Changes filters, from the top of the list again. */
  filter: (change: Partial<Filters>) => void
}

export const ViewContext = createContext<Looking | undefined>(undefined)

export function useView(): Looking {
  const looking = useContext(ViewContext)
  if (!looking) throw new Error('there is no view here')
  return looking
}

function subscribe(changed: () => void): () => void {
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}

/** The view of the address; once, at the top of the page. */
export function useAddress(): Looking {
  const fragment = useSyncExternalStore(subscribe, () => location.hash)
  const view = useMemo(() => read(fragment), [fragment])
  const look = useCallback((next: View) => {
    const address = written(next)
    // An empty fragment would leave `#` behind, which is the same view.
    if (address !== location.hash && !(address === '#' && location.hash === '')) location.hash = address
  }, [])
  const filter = useCallback((change: Partial<Filters>) => look(filtered(view, change)), [look, view])
  return useMemo(() => ({ view, look, filter }), [view, look, filter])
}
