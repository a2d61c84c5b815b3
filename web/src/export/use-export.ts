// The state of the running or last export.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useSession } from '../session/context'
import { type ExportRequest, fileName } from './request'
import { type CompletedExport, type ExportProgress, runExport } from './run-export'
import { openSink } from './file-sink'

export type ExportState =
  | ({ status: 'running'; name: string } & ExportProgress)
  | ({ status: 'complete'; name: string } & CompletedExport)
  | { status: 'failed'; message: string }
  | { status: 'cancelled' }

export interface ExportControls {
  state: ExportState | undefined
  start: (request: ExportRequest) => Promise<void>
  cancel: () => void
  /** Hides the result. */
  dismiss: () => void
}

/** The minimum time between two updates of the progress, in milliseconds. */
const PROGRESS_INTERVAL_MS = 100

export function useExport(): ExportControls {
  const { token, endSession } = useSession()
  const [state, setState] = useState<ExportState>()
  const controllerRef = useRef<AbortController>(undefined)
  useEffect(() => () => controllerRef.current?.abort(), [])

  const start = useCallback(
    async (request: ExportRequest) => {
      const abortController = new AbortController()
      try {
        const sink = await openSink(fileName(request.format, new Date()))
        if (!sink) return
        controllerRef.current = abortController
        const { name } = sink
        setState({ status: 'running', name, events: 0, bytes: 0 })
        let reportedAt = 0
        const onProgress = (progress: ExportProgress) => {
          if (performance.now() - reportedAt < PROGRESS_INTERVAL_MS) return
          reportedAt = performance.now()
          setState({ status: 'running', name, ...progress })
        }
        const completed = await runExport(request, token, sink, abortController.signal, onProgress)
        setState({ status: 'complete', name, ...completed })
      } catch (error) {
        if (abortController.signal.aborted) setState({ status: 'cancelled' })
        else {
          setState({ status: 'failed', message: error instanceof Error ? error.message : String(error) })
          if (error instanceof Error && 'code' in error && error.code === 'UNAUTHENTICATED') endSession()
        }
      }
    },
    [token, endSession],
  )
  const cancel = useCallback(() => controllerRef.current?.abort(), [])
  const dismiss = useCallback(() => setState(undefined), [])
  return useMemo(() => ({ state, start, cancel, dismiss }), [state, start, cancel, dismiss])
}
