// The export that is going on, if one is, and how the last one ended.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useSession } from '../session/context'
import { fileName, type Question } from './request'
import type { Progress, Whole } from './run-export'
import { sinkFor } from './file-sink'

export type Standing =
  | ({ is: 'running'; name: string } & Progress)
  | ({ is: 'whole'; name: string } & Whole)
  | { is: 'failed'; reason: string }
  | { is: 'cancelled' }

export interface Exporting {
  standing: Standing | undefined
  start: (question: Question) => Promise<void>
  cancel: () => void
  /** The result was seen. */
  dismiss: () => void
}

/** How often progress is shown, in milliseconds. */
const SHOWN_EVERY = 100

export function useExport(): Exporting {
  const { token, endSession } = useSession()
  const [standing, setStanding] = useState<Standing>()
  const stop = useRef<AbortController>(undefined)
  useEffect(() => () => stop.current?.abort(), [])

  const start = useCallback(
    async (question: Question) => {
      const stopping = new AbortController()
      try {
        const sink = await sinkFor(fileName(question.format, new Date()))
        if (!sink) return
        stop.current = stopping
        const { name } = sink
        setStanding({ is: 'running', name, events: 0, bytes: 0 })
        let shownAt = 0
        const tell = (progress: Progress) => {
          if (performance.now() - shownAt < SHOWN_EVERY) return
          shownAt = performance.now()
          setStanding({ is: 'running', name, ...progress })
        }
        const { run } = await import('./run-export')
        const whole = await run(question, token, sink, stopping.signal, tell)
        setStanding({ is: 'whole', name, ...whole })
      } catch (error) {
        if (stopping.signal.aborted) setStanding({ is: 'cancelled' })
        else {
          setStanding({ is: 'failed', reason: error instanceof Error ? error.message : String(error) })
          if (error instanceof Error && 'code' in error && error.code === 'UNAUTHENTICATED') endSession()
        }
      }
    },
    [token, endSession],
  )
  const cancel = useCallback(() => stop.current?.abort(), [])
  const dismiss = useCallback(() => setStanding(undefined), [])
  return useMemo(() => ({ standing, start, cancel, dismiss }), [standing, start, cancel, dismiss])
}
