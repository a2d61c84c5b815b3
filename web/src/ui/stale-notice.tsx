// The notice that a result is old, because reading it again failed.
import type { CombinedError } from 'urql'
import { errorMessage } from '../api/client'
import { usePreferences } from '../view/preferences'
import { absoluteTime, relativeTime, useNow, zoneName } from './time'

interface Props {
  error: CombinedError
  /** When the result was read, in milliseconds. */
  since: number
  retry: () => void
}

export function StaleNotice({ error, since, retry }: Props) {
  const { zone } = usePreferences().preferences
  const now = useNow()
  const timestamp = new Date(since).toISOString()
  const age = relativeTime(timestamp, now)
  return (
    <div className="error-message stale-notice" role="alert">
      <p>
        {errorMessage(error)} This was read at{' '}
        <time dateTime={timestamp} title={zoneName(zone)}>
          {absoluteTime(timestamp, zone)}
        </time>
        {age !== 'now' && ` (${age})`}, and may be out of date.
      </p>
      <button type="button" className="button" onClick={retry}>
        Try again
      </button>
    </div>
  )
}
