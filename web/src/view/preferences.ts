// How this person likes to look at events: columns and times. Kept in this browser; nothing of the log is in it.
import { createContext, useCallback, useContext, useMemo, useState } from 'react'

export interface Preferences {
  /** Ids of the columns that are shown, in their order; undefined is the default. */
  columns?: string[] | undefined
  times: 'relative' | 'absolute'
  zone: 'local' | 'UTC'
  rows: 50 | 100 | 200
}

export interface Preferring {
  preferences: Preferences
  prefer: (change: Partial<Preferences>) => void
}

const NAME = 'auditgraph.preferences'
const DEFAULT: Preferences = { times: 'relative', zone: 'local', rows: 50 }

export const PreferencesContext = createContext<Preferring>({ preferences: DEFAULT, prefer: () => undefined })

export function usePreferences(): Preferring {
  return useContext(PreferencesContext)
}

function kept(): Preferences {
  try {
    const given: unknown = JSON.parse(localStorage.getItem(NAME) ?? '{}')
    if (typeof given !== 'object' || given === null) return DEFAULT
    const { columns, times, zone, rows } = given as Partial<Record<keyof Preferences, unknown>>
    return {
      columns: Array.isArray(columns) ? columns.filter((one) => typeof one === 'string') : undefined,
      times: times === 'absolute' ? times : DEFAULT.times,
      zone: zone === 'UTC' ? zone : DEFAULT.zone,
      rows: rows === 100 || rows === 200 ? rows : DEFAULT.rows,
    }
  } catch {
    return DEFAULT
  }
}

/** The preferences; once, at the top of the page. */
export function useKeptPreferences(): Preferring {
  const [preferences, set] = useState(kept)
  const prefer = useCallback((change: Partial<Preferences>) => {
    set((before) => {
      const after = { ...before, ...change }
      localStorage.setItem(NAME, JSON.stringify(after))
      return after
    })
  }, [])
  return useMemo(() => ({ preferences, prefer }), [preferences, prefer])
}
