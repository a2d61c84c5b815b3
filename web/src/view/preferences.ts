// The user's display preferences, in local storage. They contain no data from the log.
import { createContext, useCallback, useContext, useMemo, useState } from 'react'

export interface Preferences {
  /** Ids of the columns shown, in order; `undefined` means the default. */
  columns?: string[] | undefined
  times: 'relative' | 'absolute'
  zone: 'local' | 'UTC'
  rows: 50 | 100 | 200
}

export interface PreferencesState {
  preferences: Preferences
  setPreferences: (change: Partial<Preferences>) => void
}

const STORAGE_KEY = 'auditgraph.preferences'
const DEFAULT_PREFERENCES: Preferences = { times: 'relative', zone: 'local', rows: 50 }

export const PreferencesContext = createContext<PreferencesState>({
  preferences: DEFAULT_PREFERENCES,
  setPreferences: () => undefined,
})

export function usePreferences(): PreferencesState {
  return useContext(PreferencesContext)
}

function loadPreferences(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}')
    if (typeof stored !== 'object' || stored === null) return DEFAULT_PREFERENCES
    const { columns, times, zone, rows } = stored as Partial<Record<keyof Preferences, unknown>>
    return {
      columns: Array.isArray(columns) ? columns.filter((one) => typeof one === 'string') : undefined,
      times: times === 'absolute' ? times : DEFAULT_PREFERENCES.times,
      zone: zone === 'UTC' ? zone : DEFAULT_PREFERENCES.zone,
      rows: rows === 100 || rows === 200 ? rows : DEFAULT_PREFERENCES.rows,
    }
  } catch {
    return DEFAULT_PREFERENCES
  }
}

/** Loads the preferences. Used once, at the top of the page. */
export function useStoredPreferences(): PreferencesState {
  const [preferences, setStored] = useState(loadPreferences)
  const setPreferences = useCallback((change: Partial<Preferences>) => {
    setStored((before) => {
      const after = { ...before, ...change }
      localStorage.setItem(STORAGE_KEY, JSON.stringify(after))
      return after
    })
  }, [])
  return useMemo(() => ({ preferences, setPreferences }), [preferences, setPreferences])
}
