// What could not be read, why, and a button to try again. A failed question is never shown as if the answer were nothing.
import type { CombinedError } from 'urql'
import { sentence } from '../api/client'

interface Props {
  error: CombinedError
  again: (options: { requestPolicy: 'network-only' }) => void
  /** What it is about, where the place does not say so. */
  lead?: string
}

export function Failure({ error, again, lead }: Props) {
  return (
    <div className="failure" role="alert">
      <p>
        {lead} {sentence(error)}
      </p>
      <button type="button" className="button" onClick={() => again({ requestPolicy: 'network-only' })}>
        Try again
      </button>
    </div>
  )
}
