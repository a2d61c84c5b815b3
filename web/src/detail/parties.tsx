// Who did it and what it was done to, each with one click to everything else of the same.
import { ACTOR_ICONS } from '../filter/actor-choices'
import { targetName } from '../list/columns'
import { Icon } from '../ui/icon'
import { useView } from '../view/use-view'
import { type Filters, NO_FILTERS } from '../view/view'
import { Changes } from './modified-properties'
import { type Fact, Facts } from './description-list'
import type { EventActor, EventTarget } from './query'

/** Leads to a list of its own: everything of the kind, over all time. */
export function AllOf({ label, filters }: { label: string; filters: Partial<Filters> }) {
  const { view, look } = useView()
  return (
    <button
      type="button"
      className="link"
      onClick={() =>
        look({
          ...view,
          page: 'events',
          filters: { ...NO_FILTERS, period: 'all', ...filters },
          place: undefined,
          event: undefined,
        })
      }
    >
      {label}
    </button>
  )
}

const KINDS = { USER: 'Person', APPLICATION: 'Application', SYSTEM: 'System', UNKNOWN: 'Not said' } as const

export function ActorSection({ actor }: { actor: EventActor }) {
  const own: Fact[] = []
  if ('userPrincipalName' in actor)
    own.push(
      ['Principal name', actor.userPrincipalName],
      ['Object id', mono(actor.objectId)],
      ['Permissions', actor.permissions.join(', ')],
    )
  if ('servicePrincipalId' in actor)
    own.push(
      ['Service principal', actor.servicePrincipalName],
      ['Service principal id', mono(actor.servicePrincipalId)],
    )
  const { application } = actor
  return (
    <section aria-labelledby="detail-actor">
      <header>
        <h3 id="detail-actor">Initiated by</h3>
        <AllOf label="All by this actor" filters={{ actor: [{ key: actor.key, name: actor.name }] }} />
      </header>
      <p className="party-name">
        <Icon name={ACTOR_ICONS[actor.kind]} /> {actor.name} <span className="muted">{KINDS[actor.kind]}</span>
      </p>
      <Facts
        facts={[
          ...own,
          ['Application', application?.displayName],
          ['Application id', mono(application?.applicationId)],
          ['IP address', mono(actor.ipAddress)],
          ['User agent', actor.userAgent],
        ]}
      />
    </section>
  )
}

export function TargetSection({ target, number, of }: { target: EventTarget; number: number; of: number }) {
  const name = targetName(target)
  const id = `detail-target-${number}`
  return (
    <section aria-labelledby={id}>
      <header>
        <h3 id={id}>{of > 1 ? `Target ${number} of ${of}` : 'Target'}</h3>
        <AllOf label="All on this target" filters={{ target: [{ key: target.key, name }] }} />
      </header>
      <p className="party-name">
        {name} <span className="muted">{target.type}</span>
      </p>
      <Facts
        facts={[
          ['Principal name', target.userPrincipalName !== name && target.userPrincipalName],
          ['Object id', target.objectId !== name && mono(target.objectId)],
        ]}
      />
      <Changes changes={target.modifiedProperties} />
    </section>
  )
}

export function mono(text: string | null | undefined) {
  return text === null || text === undefined ? text : <span className="mono">{text}</span>
}
