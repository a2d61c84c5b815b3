// The placeholder for a value that is withheld from the caller.
import type { WithheldReason } from '../api/gql/graphql'
import { Icon } from '../ui/icon'

const REASONS: Record<WithheldReason, string> = {
  SENSITIVE: 'Withheld: sensitive, and your role does not show such values of this service',
}

export function Withheld({ reason }: { reason: WithheldReason }) {
  return (
    <span className="withheld">
      <Icon name="lock" />
      {REASONS[reason]}
    </span>
  )
}
