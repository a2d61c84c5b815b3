// The placeholder for a value that is withheld from the caller.
import { REDACTION_REASON_LABELS } from '../api/enums'
import type { RedactionReason } from '../api/gql/graphql'
import { Icon } from '../ui/icon'

export function Withheld({ reason }: { reason: RedactionReason }) {
  return (
    <span className="withheld">
      <Icon name="lock" />
      {REDACTION_REASON_LABELS[reason]}
    </span>
  )
}
