// The operations of live events: the cursor of the log's end, and the subscription from there on.
import { graphql } from '../api/gql'

export const LogEnd = graphql(`
  query LogEnd {
    auditLogInfo {
      feedCursor
    }
  }
`)

export const Recorded = graphql(`
  subscription Recorded(
    $after: String
    $filter: AuditEventFilter
    $application: Boolean!
    $changes: Boolean!
    $scalars: Boolean!
    $provenance: Boolean!
  ) {
    auditEventsRecorded(after: $after, filter: $filter) {
      edges {
        node {
          ...EventRow
        }
      }
      resumeCursor
    }
  }
`)
