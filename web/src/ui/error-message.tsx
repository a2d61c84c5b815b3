// An error with a button to retry. A failed request is always shown as an error, never as an empty result.
import type { CombinedError } from 'urql'
import { errorMessage } from '../api/client'

interface Props {
  error: CombinedError
  retry: (options: { requestPolicy: 'network-only' }) => void
  /** What failed, if the context does not show it. */
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
