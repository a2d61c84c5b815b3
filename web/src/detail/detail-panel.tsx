// The side panel with the details of the open event. The arrow buttons open the next event of the list, Escape closes
// the panel, and the heading takes the focus so that a screen reader starts there.
import { useEffect, useRef } from 'react'
import { useQuery } from 'urql'
import {
  GROUP_SOURCE_LABELS,
  OPERATION_TYPE_LABELS,
  RECORDING_ROUTE_LABELS,
  RESOURCE_TYPE_LABELS,
  STATUS_LABELS,
} from '../api/enums'
import { toJson } from '../api/exact-json'
import { useCatalogue } from '../filter/catalogue'
import type { PageRows } from '../list/query'
import { CopyButton } from '../ui/copy-button'
import { ErrorMessage } from '../ui/error-message'
import { Icon } from '../ui/icon'
import { StepButton } from '../ui/step-button'
import { absoluteTime, Time, zoneName } from '../ui/time'
import { usePreferences } from '../view/preferences'
import { useView } from '../view/use-view'
import { DescriptionList } from './description-list'
import { ActorSection, FilterLink, monospace, TargetSection } from './parties'
import { type Event, EventById } from './query'
import { RawEvent } from './raw-event'
import { SameRequestSection } from './same-request'
import { useWalk } from './use-walk'
import { Withheld } from './withheld'
import './detail.css'

interface Props {
  id: string
  /** The events that the list shows. */
  pageRows: PageRows
}

export function DetailPanel({ id, pageRows }: Props) {
  const { view, setView } = useView()
  const [{ data, error, fetching }, refetch] = useQuery({ query: EventById, variables: { id } })
  const result = data?.auditEvent
  const event = result?.id === id ? result : undefined
  const heading = useRef<HTMLHeadingElement>(null)
  const walk = useWalk(id, pageRows)

  useEffect(() => heading.current?.focus({ preventScroll: true }), [id])
  useEffect(() => {
    const onKeyDown = (key: KeyboardEvent) => {
      if (key.key !== 'Escape' || document.querySelector(':popover-open')) return
      setView({ ...view, event: undefined })
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [setView, view])

  return (
    <aside className="detail" aria-label="Event" aria-busy={fetching}>
      <header className="detail-bar">
        <StepButton
          className="button quiet square"
          aria-label="Newer event"
          isEnabled={walk.newer !== undefined}
          onClick={walk.newer}
        >
          <Icon name="up" />
        </StepButton>
        <StepButton
          className="button quiet square"
          aria-label="Older event"
          isEnabled={walk.older !== undefined}
          onClick={walk.older}
        >
          <Icon name="down" />
        </StepButton>
        <span className="grow" />
        {event && (
          <CopyButton label="Copy JSON" icon="copy" text={() => toJson(event.raw ?? withoutTypenames(event), 2)} />
        )}
        <CopyButton label="Copy link" icon="link" text={() => location.href} />
        <button
          type="button"
          className="button quiet square"
          aria-label="Close"
          onClick={() => setView({ ...view, event: undefined })}
        >
          <Icon name="close" />
        </button>
      </header>
      <div className="detail-body" tabIndex={-1}>
        <h2 ref={heading} tabIndex={-1}>
          {event
            ? event.activityDisplayName
            : fetching
              ? 'Reading the event…'
              : error
                ? 'The event cannot be read'
                : 'No such event'}
        </h2>
        {walk.error && <ErrorMessage lead="The next event cannot be read." error={walk.error} retry={walk.retry} />}
        {error && !fetching && <ErrorMessage error={error} retry={refetch} />}
        {!event && !fetching && !error && <p>It does not exist, or you may not see it.</p>}
        {event && <EventBody event={event} />}
      </div>
    </aside>
  )
}

/** The event as the API returned it, for callers without access to the raw event. */
function withoutTypenames(event: Event): unknown {
  return JSON.parse(JSON.stringify(event, (key, value: unknown) => (key === '__typename' ? undefined : value)))
}

export function EventBody({ event }: { event: Event }) {
  const { names } = useCatalogue()
  const { zone } = usePreferences().preferences
  const { recording } = event
  return (
    <>
      <p className="detail-lead">
        <span className={`badge ${event.status}`}>{STATUS_LABELS[event.status]}</span>
        <span>
          {absoluteTime(event.occurredAt, zone)} <span className="muted">{zoneName(zone)}</span>
        </span>
        <span className="muted">
          <Time timestamp={event.occurredAt} format="relative" />
        </span>
      </p>
      {event.isRedacted && (
        <p className="detail-redacted">
          <Icon name="lock" /> Parts of this event are withheld from you.
        </p>
      )}
      {event.statusReason !== null && <p className="detail-reason">{event.statusReason}</p>}
      <DescriptionList
        items={[
          ['Service', names.service(event.service)],
          ['Category', names.category(event.category)],
          ['Activity', event.activity !== event.activityDisplayName && event.activity],
          ['Component', event.component],
          ['Resource type', RESOURCE_TYPE_LABELS[event.resourceType]],
          ['Group source', event.groupSource && GROUP_SOURCE_LABELS[event.groupSource]],
          ['Operation', OPERATION_TYPE_LABELS[event.operationType]],
        ]}
      />
      <ActorSection actor={event.actor} />
      {event.targets.map((target, index) => (
        <TargetSection key={index} target={target} number={index + 1} count={event.targets.length} />
      ))}
      {event.targets.length === 0 && (
        <section>
          <h3>Target</h3>
          <p className="muted">None.</p>
        </section>
      )}
      {event.additionalDetails.length > 0 && (
        <section aria-labelledby="detail-more">
          <h3 id="detail-more">Additional details</h3>
          <dl className="facts">
            {event.additionalDetails.map((detail, index) => (
              <div key={index}>
                <dt>{detail.key}</dt>
                <dd>{detail.redaction === null ? detailText(detail.value) : <Withheld reason={detail.redaction} />}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      {event.correlationId !== null && <SameRequestSection correlationId={event.correlationId} id={event.id} />}
      <section aria-labelledby="detail-source">
        <header>
          <h3 id="detail-source">Provenance</h3>
          {event.correlationId !== null && (
            <FilterLink label="All of this request" filters={{ correlation: event.correlationId }} />
          )}
        </header>
        <DescriptionList
          items={[
            ['Correlation id', monospace(event.correlationId)],
            ['Recorded', absoluteTime(event.recordedAt, zone)],
            ['By', recording.recordedBy],
            ['Issuer', monospace(recording.issuer)],
            ['Through', RECORDING_ROUTE_LABELS[recording.route]],
            ['Client', monospace(recording.clientId)],
            ['Source', recording.source],
            ['Source tenant', monospace(recording.sourceTenantId)],
            ['Sequence', event.sequence],
            ['Event key', monospace(event.eventKey)],
            ['Id', monospace(event.id)],
          ]}
        />
      </section>
      <RawEvent event={event} />
    </>
  )
}

/** A string as it is, any other value as JSON, and nothing for null. */
function detailText(value: unknown): string {
  if (value === null) return ''
  return typeof value === 'string' ? value : toJson(value)
}
