// Every field of an event is requested, has a column if it is a scalar, and is shown by the detail panel. The tests
// change one field at a time and expect the markup to change.
import { readFileSync } from 'node:fs'
import {
  buildSchema,
  type DocumentNode,
  getNamedType,
  getNullableType,
  type GraphQLNamedType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql'
import type { ReactNode } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { Client, fetchExchange, Provider } from 'urql'
import { expect, test } from 'vitest'
import { EventBody } from '../src/detail/detail-panel'
import { type Event, EventById } from '../src/detail/query'
import { COLUMNS } from '../src/list/columns'
import { Events, type Row } from '../src/list/query'
import { ViewContext } from '../src/view/use-view'
import { NO_FILTERS } from '../src/view/view'

/** Fields of an event that the viewer does not request: the catalogue has the activity type. */
const NOT_REQUESTED = ['activityType']

/** Scalar fields without a column: the activity is shown by its name, redaction by an icon, the rest in the panel. */
const WITHOUT_COLUMN = ['activity', 'id', 'isRedacted', 'raw', 'unmapped']

/** Fields outside of the panel's body: the heading has the activity, links have the keys, actors are shown by name. */
const NOT_SHOWN = ['activityDisplayName', 'actor.displayName', 'actor.key', 'targets.key']

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'))
const AUDIT_EVENT = schema.getType('AuditEvent')
if (!isObjectType(AUDIT_EVENT)) throw new Error('the schema has no type AuditEvent')

interface Field {
  path: string
  type: GraphQLNamedType
  isList: boolean
  /** The type of the object that has the field. */
  owner: string
  /** The variable that includes the field. */
  includedBy: string | undefined
}

/** The fields that a fragment selects, leaves and objects. */
function selectedFields(document: DocumentNode, fragment: string): Field[] {
  const fields: Field[] = []
  const fragmentNamed = (name: string) => {
    const found = document.definitions.find((one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === name)
    if (found?.kind !== Kind.FRAGMENT_DEFINITION) throw new Error(`the document has no fragment ${name}`)
    return found.selectionSet
  }
  const visit = (selections: SelectionSetNode, parent: GraphQLNamedType, prefix: string, outer?: string) => {
    for (const selection of selections.selections) {
      const argument = selection.directives?.find(({ name }) => name.value === 'include')?.arguments?.[0]?.value
      const includedBy = argument?.kind === Kind.VARIABLE ? argument.name.value : outer
      if (selection.kind === Kind.FRAGMENT_SPREAD)
        visit(fragmentNamed(selection.name.value), parent, prefix, includedBy)
      else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const type = schema.getType(selection.typeCondition?.name.value ?? parent.name)
        if (type) visit(selection.selectionSet, type, prefix, includedBy)
      } else if (isObjectType(parent) || isInterfaceType(parent)) {
        const definition = parent.getFields()[selection.name.value]
        if (!definition) continue
        const path = prefix + selection.name.value
        const type = getNamedType(definition.type)
        const isList = isListType(getNullableType(definition.type))
        fields.push({ path, type, isList, owner: parent.name, includedBy })
        if (selection.selectionSet) visit(selection.selectionSet, type, `${path}.`, includedBy)
      }
    }
  }
  visit(fragmentNamed(fragment), AUDIT_EVENT as GraphQLNamedType, '')
  return fields
}

const detailFields = selectedFields(EventById, 'EventDetail')
const rowFields = selectedFields(Events, 'EventRow')

/** Two different values of a field. The first one keeps the values of other fields visible. */
function valuesOf({ path, type }: Field): [unknown, unknown] {
  if (type.name === 'RedactionReason') return [null, 'SENSITIVE']
  if (type.name === 'PropertyChange') return ['CHANGED', 'ADDED']
  if (isEnumType(type)) return [type.getValues()[0]?.name, type.getValues()[1]?.name]
  if (type.name === 'DateTime') return ['2026-01-02T03:04:05Z', '2026-02-03T04:05:06Z']
  if (type.name === 'Boolean') return [false, true]
  if (type.name === 'Sequence') return [1, 2]
  return [`${path} one`, `${path} two`]
}

/** An event with one value for each field, `changed` excepted; its actor is of `actorType`. */
function sampleEvent(fields: Field[], actorType: string, changed?: Field): unknown {
  const event: Record<string, unknown> = {}
  for (const field of fields) {
    if (field.owner.endsWith('Actor') && field.owner !== 'Actor' && field.owner !== actorType) continue
    const names = field.path.split('.')
    const name = names.pop() ?? ''
    let parent = event
    for (const outer of names) parent = [parent[outer]].flat()[0] as Record<string, unknown>
    const value = isLeafType(field.type) ? valuesOf(field)[field === changed ? 1 : 0] : {}
    parent[name] = field.isList ? [value] : value
  }
  return event
}

const client = new Client({
  url: 'https://audit.example/graphql',
  preferGetMethod: false,
  exchanges: [fetchExchange],
  fetch: () => new Promise<Response>(() => undefined),
})
const viewState = {
  view: { page: 'events' as const, filters: NO_FILTERS, position: undefined },
  setView: () => undefined,
  replaceView: () => undefined,
  setFilters: () => undefined,
}

function render(node: ReactNode): string {
  return renderToStaticMarkup(
    <Provider value={client}>
      <ViewContext value={viewState}>{node}</ViewContext>
    </Provider>,
  )
}

test('every field of an event is requested for the detail panel', () => {
  const requested = new Set(detailFields.map(({ path }) => path))
  const missing = Object.keys(AUDIT_EVENT.getFields()).filter((name) => !requested.has(name))
  expect(missing).toEqual(NOT_REQUESTED)
})

test('every requested field is shown by the detail panel', () => {
  const panel = (actorType: string, changed?: Field) =>
    render(<EventBody event={sampleEvent(detailFields, actorType, changed) as Event} />)
  const unchanged = { UserActor: panel('UserActor'), ApplicationActor: panel('ApplicationActor') }
  const hidden = detailFields.filter((field) => {
    const actorType = field.owner === 'ApplicationActor' ? 'ApplicationActor' : 'UserActor'
    return isLeafType(field.type) && panel(actorType, field) === unchanged[actorType]
  })
  expect(hidden.map(({ path }) => path).sort()).toEqual(NOT_SHOWN)
})

test('every scalar field of an event has a column', () => {
  const paths = new Set(Object.values(COLUMNS).flatMap((column) => column.exportColumns))
  const scalars = Object.values(AUDIT_EVENT.getFields()).filter(({ type }) => isLeafType(getNamedType(type)))
  const missing = scalars.map(({ name }) => name).filter((name) => !paths.has(name))
  expect(missing.sort()).toEqual(WITHOUT_COLUMN)
})

for (const [id, column] of Object.entries(COLUMNS))
  test(`column ${id} requests and shows its field`, () => {
    for (const path of column.exportColumns) {
      const field = rowFields.find((one) => one.path === path)
      expect(field, path).toMatchObject({ includedBy: column.fieldGroup })
    }
    const [path = ''] = column.exportColumns
    const leaf = rowFields.find((field) => field.path.startsWith(path) && isLeafType(field.type))
    const [before, after] = [undefined, leaf].map((changed) =>
      render(column.cell(sampleEvent(rowFields, 'UserActor', changed) as Row)),
    )
    expect(before).not.toBe(after)
  })
