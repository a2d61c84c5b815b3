// What could not be read, why, and a button to try again. A failed question is never shown as if the answer were nothing.
import type { CombinedError } from 'urql'
import { errorMessage } from '../api/client'

interface Props {
  error: CombinedError
  retry: (options: { requestPolicy: 'network-only' }) => void
  /** What it is about, where the place does not say so. */
  lead?: string
}

export function ErrorMessage({ error, retry, lead }: Props) {
  return (
    <div className="error-message" role="alert">
      <p>
        {lead} {errorMessage(error)}
      </p>
      <button type="button" className="button" onClick={() => retry({ requestPolicy: 'network-only' })}>
        Try again
      </button>
    </div>
  )
}
