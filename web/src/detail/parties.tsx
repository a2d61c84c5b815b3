// The actor and the targets of an event, each with a link to all events of the same party.
import { ACTOR_KIND_LABELS } from '../api/enums'
import { ACTOR_ICONS } from '../filter/actor-choices'
import { targetName } from '../list/columns'
import { Icon } from '../ui/icon'
import { useView } from '../view/use-view'
import { type Filters, NO_FILTERS } from '../view/view'
import { ModifiedProperties } from './modified-properties'
import { type DescriptionItem, DescriptionList } from './description-list'
import type { EventActor, EventTarget } from './query'

/** A link to the list of all events, of any time, that match the filters. */
export function FilterLink({ label, filters }: { label: string; filters: Partial<Filters> }) {
  const { view, setView } = useView()
  return (
    <button
      type="button"
      className="link"
      onClick={() =>
        setView({
          ...view,
          page: 'events',
          filters: { ...NO_FILTERS, period: 'all', ...filters },
          position: undefined,
          event: undefined,
        })
      }
    >
      {label}
    </button>
  )
}

export function ActorSection({ actor }: { actor: EventActor }) {
  const kindItems: DescriptionItem[] = []
  if ('userPrincipalName' in actor)
    kindItems.push(
      ['Principal name', actor.userPrincipalName],
      ['Object id', monospace(actor.objectId)],
      ['Permissions', actor.permissions.join(', ')],
    )
  if ('servicePrincipalId' in actor)
    kindItems.push(
      ['Service principal', actor.servicePrincipalName],
      ['Service principal id', monospace(actor.servicePrincipalId)],
    )
  const { application } = actor
  return (
    <section aria-labelledby="detail-actor">
      <header>
        <h3 id="detail-actor">Initiated by</h3>
        <FilterLink label="All by this actor" filters={{ actor: [{ key: actor.key, name: actor.name }] }} />
      </header>
      <p className="party-name">
        <Icon name={ACTOR_ICONS[actor.kind]} /> {actor.name}{' '}
        <span className="muted">{ACTOR_KIND_LABELS[actor.kind]}</span>
      </p>
      <DescriptionList
        items={[
          ...kindItems,
          ['Application', application?.displayName],
          ['Application id', monospace(application?.applicationId)],
          ['IP address', monospace(actor.ipAddress)],
          ['User agent', actor.userAgent],
        ]}
      />
    </section>
  )
}

export function TargetSection({ target, number, count }: { target: EventTarget; number: number; count: number }) {
  const name = targetName(target)
  const id = `detail-target-${number}`
  return (
    <section aria-labelledby={id}>
      <header>
        <h3 id={id}>{count > 1 ? `Target ${number} of ${count}` : 'Target'}</h3>
        <FilterLink label="All on this target" filters={{ target: [{ key: target.key, name }] }} />
      </header>
      <p className="party-name">
        {name} <span className="muted">{target.type}</span>
      </p>
      <DescriptionList
        items={[
          ['Principal name', target.userPrincipalName !== name && target.userPrincipalName],
          ['Object id', target.objectId !== name && monospace(target.objectId)],
          ['Application id', monospace(target.applicationId)],
        ]}
      />
      <ModifiedProperties changes={target.modifiedProperties} />
    </section>
  )
}

export function monospace(text: string | null | undefined) {
  return text === null || text === undefined ? text : <span className="mono">{text}</span>
}
