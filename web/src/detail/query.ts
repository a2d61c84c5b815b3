// The queries of the detail panel.
import { graphql } from '../api/gql'
import type { EventDetailFragment } from '../api/gql/graphql'

export type Event = EventDetailFragment
export type EventActor = Event['actor']
export type EventTarget = Event['targets'][number]
export type Change = EventTarget['modifiedProperties'][number]

export const EventById = graphql(`
  query EventById($id: ID!) {
    auditEvent(id: $id) {
      ...EventDetail
    }
  }
`)

export const SameRequest = graphql(`
  query SameRequest($correlationId: String!) {
    auditEvents(first: 12, occurredAt: { window: ALL }, filter: { correlationId: { eq: $correlationId } }) {
      nodes {
        id
        occurredAt
        activityDisplayName
        service
        status
      }
      pageInfo {
        hasNextPage
      }
    }
  }
`)
