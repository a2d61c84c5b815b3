// The fields of an event that the viewer requests, for the list and for the detail panel. Only the code generator reads
// this file: the documents that it generates contain the fragments.
//
// To add a field of `AuditEvent`:
// 1. here: a scalar goes to `EventScalars`, anything else to `EventDetail`, and to `EventRow` if a column shows it;
// 2. in `list/columns.tsx`: a column, with its title, cell and export columns;
// 3. in `detail/detail-panel.tsx`: where the panel shows it.
// `unit/event-fields.test.tsx` fails if the field is missing in one of these places.
import { graphql } from './gql'

graphql(`
  fragment EventScalars on AuditEvent {
    recordedAt
    sequence
    eventKey
    category
    service
    component
    operationType
    resourceType
    groupSource
    statusReason
    correlationId
  }
`)

/** The fields of a row. Groups of fields are requested only if a column shows them. */
graphql(`
  fragment EventRow on AuditEvent {
    id
    occurredAt
    activity
    activityDisplayName
    status
    isRedacted
    actor {
      key
      kind
      name
      application @include(if: $application) {
        displayName
      }
      ipAddress @include(if: $application)
      ... on UserActor {
        userPrincipalName
      }
    }
    targets {
      key
      displayName
      userPrincipalName
      applicationId
      objectId
      type
      modifiedProperties @include(if: $changes) {
        name
      }
    }
    ...EventScalars @include(if: $scalars)
    recording @include(if: $provenance) {
      route
      recordedBy
    }
  }
`)

/** All fields, for the detail panel. */
graphql(`
  fragment EventDetail on AuditEvent {
    id
    occurredAt
    ...EventScalars
    activity
    activityDisplayName
    status
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
      applicationId
      modifiedProperties {
        name
        change
        oldValue
        newValue
        redaction
      }
    }
    additionalDetails {
      key
      value
      redaction
    }
    recording {
      route
      recordedBy
      issuer
      clientId
      source
      sourceTenantId
    }
  }
`)
