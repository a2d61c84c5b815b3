// The storage of the explorer's queries, which may contain names from the log: they last as long as the session of the
// tab, and never reach the local storage.
import { loadToken } from '../session/token-storage'

/** The prefix of GraphiQL's keys. */
const PREFIX = 'graphiql:'

/** GraphiQL writes with a delay, so writes after the end of the session are ignored. */
export const queryStorage: Storage = {
  get length() {
    return sessionStorage.length
  },
  key: (index) => sessionStorage.key(index),
  getItem: (key) => sessionStorage.getItem(key),
  setItem: (key, value) => {
    if (loadToken() !== null) sessionStorage.setItem(key, value)
  },
  removeItem: (key) => sessionStorage.removeItem(key),
  clear: () => {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key)
  },
}

/** Removes queries that GraphiQL has kept in the local storage, its default. */
export function removeStoredQueries(): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key)
}
