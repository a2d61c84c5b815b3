// The placeholder for a value that is withheld from the caller.
import { WITHHELD_REASON_LABELS } from '../api/enums'
import type { WithheldReason } from '../api/gql/graphql'
import { Icon } from '../ui/icon'

export function Withheld({ reason }: { reason: WithheldReason }) {
  return (
    <span className="withheld">
      <Icon name="lock" />
      {WITHHELD_REASON_LABELS[reason]}
    </span>
  )
}
