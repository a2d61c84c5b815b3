// The queries of the detail panel.
import { graphql } from '../api/gql'
import type { EventDetailFragment } from '../api/gql/graphql'

export type Event = EventDetailFragment
export type EventActor = Event['actor']
export type EventTarget = Event['targets'][number]
export type Change = EventTarget['modifiedProperties'][number]

graphql(`
  fragment EventDetail on AuditEvent {
    id
    occurredAt
    recordedAt
    sequence
    eventKey
    activity
    activityDisplayName
    category
    service
    component
    operationType
    activityResourceType
    groupSource
    status
    statusReason
    correlationId
    isRedacted
    unmapped
    raw
    actor {
      key
      kind
      name
      ipAddress
      userAgent
      application {
        applicationId
        displayName
      }
      ... on UserActor {
        userPrincipalName
        displayName
        objectId
        permissions
      }
      ... on ApplicationActor {
        servicePrincipalId
        servicePrincipalName
      }
    }
    targets {
      key
      objectId
      displayName
      type
      userPrincipalName
      modifiedProperties {
        name
        change
        oldValue
        newValue
        withheld
      }
    }
    additionalDetails {
      key
      value
      withheld
    }
    recording {
      route
      recordedBy
      clientId
      source
      sourceTenantId
    }
  }
`)

export const EventById = graphql(`
  query EventById($id: ID!) {
    auditEvent(id: $id) {
      ...EventDetail
    }
  }
`)

export const SameRequest = graphql(`
  query SameRequest($correlationId: String!) {
    auditEvents(first: 12, period: null, filter: { correlationId: { eq: $correlationId } }) {
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
