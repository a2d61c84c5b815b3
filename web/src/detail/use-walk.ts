// Steps from the open event to the next one, in the order of the list and past the end of its page. The steps replace
// the history entry of the event, so that "back" returns to the list.
import { useState } from 'react'
import { type CombinedError, useClient } from 'urql'
import { graphql } from '../api/gql'
import { NO_FIELD_GROUPS, type PageRows, pageVariables } from '../list/query'
import { parseFragment } from '../view/url-fragment'
import { useView } from '../view/use-view'

const AdjacentEvent = graphql(`
  query AdjacentEvent(
    $first: Int
    $after: String
    $last: Int
    $before: String
    $occurredAt: AuditPeriodInput
    $filter: AuditEventFilter
    $asOf: Sequence
  ) {
    auditEvents(
      first: $first
      after: $after
      last: $last
      before: $before
      occurredAt: $occurredAt
      filter: $filter
      asOf: $asOf
    ) {
      nodes {
        id
      }
    }
  }
`)

type Direction = 'newer' | 'older'

export interface Walk {
  /** Opens the next newer event; `undefined` if there is none. */
  newer: (() => void) | undefined
  older: (() => void) | undefined
  /** The error of the last step. */
  error: CombinedError | undefined
  retry: () => void
}

export function useWalk(id: string, { ids, pageInfo }: PageRows): Walk {
  const { view, replaceView } = useView()
  const client = useClient()
  const [failure, setFailure] = useState<{ id: string; direction: Direction; error: CombinedError }>()
  const index = ids.indexOf(id)

  const stepToPage = async (direction: Direction) => {
    const position =
      direction === 'older' ? { after: pageInfo?.endCursor ?? '' } : { before: pageInfo?.startCursor ?? '' }
    const variables = pageVariables({ filters: view.filters, position }, 1, NO_FIELD_GROUPS)
    const { data, error } = await client.query(AdjacentEvent, variables)
    // The user may have closed the event or opened another one meanwhile.
    if (parseFragment(location.hash).event !== id) return
    const next = data?.auditEvents?.nodes[0]
    if (error) setFailure({ id, direction, error })
    else if (next) replaceView({ ...view, position, event: next.id })
  }
  const step = (direction: Direction) => {
    const next = ids[direction === 'older' ? index + 1 : index - 1]
    setFailure(undefined)
    if (next === undefined) void stepToPage(direction)
    else replaceView({ ...view, event: next })
  }
  const hasNewer = index > 0 || (index === 0 && pageInfo?.hasPreviousPage === true)
  const hasOlder = index >= 0 && (index < ids.length - 1 || pageInfo?.hasNextPage === true)
  const current = failure?.id === id ? failure : undefined
  return {
    newer: hasNewer ? () => step('newer') : undefined,
    older: hasOlder ? () => step('older') : undefined,
    error: current?.error,
    retry: () => current && step(current.direction),
  }
}
