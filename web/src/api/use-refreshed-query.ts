// A query whose result can be read again. If that fails, the last result stays, with the time when it was read, and the
// query is repeated until the server can be reached.
import { useCallback, useEffect, useMemo, useState } from 'react'
import { type AnyVariables, type CombinedError, createRequest, type TypedDocumentNode, useQuery } from 'urql'
import { errorCode, readTime } from './client'

export interface RefreshedQuery<Data, Variables> {
  /** The result; while other variables load, that of the previous ones. */
  data: Data | undefined
  /** The variables that `data` belongs to. */
  dataVariables: Variables | undefined
  /** The error of the last request for the current variables. */
  error: CombinedError | undefined
  /** When `data` was read, in milliseconds, if reading it again failed. */
  staleSince: number | undefined
  fetching: boolean
  reload: () => void
}

interface Result<Data, Variables> {
  key: number
  data: Data
  variables: Variables
  readAt: number
}

/** The time between two attempts to reach the server, in milliseconds. */
const RETRY_MS = 4_000
/** The errors after which the query is repeated. Others, such as a timeout of the query, would only recur. */
const RETRIED_CODES = new Set(['NETWORK', 'UNAVAILABLE'])

/** Runs a query, and again when `refreshCount` increases. */
export function useRefreshedQuery<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  refreshCount: number,
  pause = false,
): RefreshedQuery<Data, Variables> {
  const key = useMemo(() => createRequest(query, variables).key, [query, variables])
  const args = { query, variables, pause } as Parameters<typeof useQuery<Data, Variables>>[0]
  const [{ data, error, fetching, stale, operation, extensions }, refetch] = useQuery<Data, Variables>(args)
  const [last, setLast] = useState<Result<Data, Variables>>()
  const reload = useCallback(() => refetch({ requestPolicy: 'network-only' }), [refetch])
  useEffect(() => {
    if (refreshCount > 0) reload()
  }, [refreshCount, reload])

  if (data !== undefined && !error && operation && last?.data !== data)
    setLast({ key: operation.key, data, variables: operation.variables, readAt: readTime(extensions) })
  const currentError = operation?.key === key ? error : undefined
  const kept = error && (currentError === undefined || last?.key === key) ? last : undefined

  const isRetried = currentError !== undefined && RETRIED_CODES.has(errorCode(currentError))
  useEffect(() => {
    if (!isRetried || fetching) return undefined
    const timer = setTimeout(reload, RETRY_MS)
    addEventListener('online', reload)
    return () => {
      clearTimeout(timer)
      removeEventListener('online', reload)
    }
  }, [isRetried, fetching, reload])

  return {
    data: kept?.data ?? data,
    dataVariables: kept?.variables ?? operation?.variables,
    error: currentError,
    staleSince: currentError && kept?.readAt,
    fetching: fetching || stale,
    reload,
  }
}
