// Labels and groups of the schema's enum values. Each table is checked against the generated types, so that a value that
// is added to the schema fails the type check until it has a label. The order of a table is the order of the choices.
import type {
  AccessRole,
  ActivityStatus,
  ActorKind,
  AuditTimeWindow,
  GroupSource,
  OperationType,
  PropertyChange,
  RecordingRoute,
  RedactionReason,
  ResourceType,
} from './gql/graphql'

export const RESOURCE_TYPE_LABELS: Record<ResourceType, string> = {
  USER: 'User',
  GROUP: 'Group',
  APPLICATION: 'Application',
  DEVICE: 'Device',
  POLICY: 'Policy',
  DIRECTORY: 'Directory',
  OTHER: 'Other',
}

export const STATUS_LABELS: Record<ActivityStatus, string> = {
  SUCCESS: 'Success',
  FAILURE: 'Failure',
  TIMEOUT: 'Timed out',
  UNKNOWN: 'Unknown',
}

/** The statuses that the overview counts as failures. */
export const FAILED_STATUSES: ActivityStatus[] = ['FAILURE', 'TIMEOUT']

export const GROUP_SOURCE_LABELS: Record<GroupSource, string> = { AZURE_AD: 'Azure AD', O365: 'Office 365' }

export const OPERATION_TYPE_LABELS: Record<OperationType, string> = {
  CREATE: 'Create',
  UPDATE: 'Update',
  DELETE: 'Delete',
  ASSIGN: 'Assign',
  REMOTE_TASK: 'Remote task',
  READ: 'Read',
  OTHER: 'Other',
}

export const ACTOR_KIND_LABELS: Record<ActorKind, string> = {
  USER: 'Person',
  APPLICATION: 'Application',
  SYSTEM: 'System',
  UNKNOWN: 'Not said',
}

export const PROPERTY_CHANGE_LABELS: Record<PropertyChange, string> = {
  ADDED: 'added',
  CHANGED: 'changed',
  REMOVED: 'removed',
  UNKNOWN: 'no change given',
}

export const RECORDING_ROUTE_LABELS: Record<RecordingRoute, string> = {
  GRAPHQL: 'API (GraphQL)',
  REST: 'API (REST)',
  IMPORT: 'Import',
  INTERNAL: 'This service',
}

export const REDACTION_REASON_LABELS: Record<RedactionReason, string> = {
  SENSITIVE: 'Withheld: sensitive, and your role does not show such values of this service',
}

export const ROLE_LABELS: Record<AccessRole, string> = {
  GLOBAL_ADMIN: 'Global Admin',
  INTUNE_SERVICE_ADMIN: 'Intune Service Admin',
  AUDIT_READER: 'Auditor',
}

/** The lengths of the time windows that have a start, in hours. */
export const WINDOW_HOURS: Record<Exclude<AuditTimeWindow, 'ALL'>, number> = {
  LAST_24_HOURS: 24,
  LAST_7_DAYS: 7 * 24,
  LAST_30_DAYS: 30 * 24,
  LAST_90_DAYS: 90 * 24,
  LAST_180_DAYS: 180 * 24,
  LAST_365_DAYS: 365 * 24,
}

/** The values of an enum, in the order of its table. */
export function valuesOf<T extends string>(table: Record<T, unknown>): T[] {
  return Object.keys(table) as T[]
}
