// Who initiated it: actors are suggested by name or principal name while typing; a text that is only part of a name
// can be asked for as it is.
import { useEffect, useId, useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/gql'
import { Failure } from '../ui/error-message'
import { Icon } from '../ui/icon'
import { useView } from '../view/use-view'
import { walk } from './choice-list'
import { Parties } from './text-panel'

const Actors = graphql(`
  query Actors($search: String!) {
    auditActors(search: $search, first: 12) {
      id
      key
      kind
      name
      ... on UserActor {
        userPrincipalName
      }
    }
  }
`)

export const ACTOR_ICONS = { USER: 'user', APPLICATION: 'app', SYSTEM: 'system', UNKNOWN: 'unknown' } as const

/** Long enough that one does not ask for every letter of a name that is typed. */
const PAUSE = 150

function usePaused(text: string): string {
  const [paused, setPaused] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setPaused(text), PAUSE)
    return () => clearTimeout(timer)
  }, [text])
  return paused
}

export function ActorChoices() {
  const { view, filter } = useView()
  const { actor, actorText } = view.filters
  const [text, setText] = useState('')
  const search = usePaused(text.trim())
  const [{ data, fetching, error }, again] = useQuery({ query: Actors, variables: { search }, pause: search === '' })
  const id = useId()
  const failure = search === '' ? undefined : error
  const suggested = search === '' ? [] : (data?.auditActors ?? [])

  return (
    <div className="panel choices" onKeyDown={walk}>
      <Parties parties={actor} onChange={(chosen) => filter({ actor: chosen })} />
      <Parties
        parties={actorText === undefined ? [] : [{ key: actorText, name: `Contains “${actorText}”` }]}
        onChange={() => filter({ actorText: undefined })}
      />
      <label htmlFor={id}>Name or principal name</label>
      <input
        id={id}
        type="search"
        autoFocus
        autoComplete="off"
        placeholder="Type a name"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && text.trim() !== '') filter({ actorText: text.trim() })
        }}
      />
      <fieldset aria-busy={fetching}>
        <legend className="visually-hidden">Suggested actors</legend>
        {suggested.map((one) => (
          <label key={one.key} className="choice">
            <input
              type="checkbox"
              checked={actor.some(({ key }) => key === one.key)}
              onChange={(event) => {
                const others = actor.filter(({ key }) => key !== one.key)
                filter({ actor: event.target.checked ? [...others, { key: one.key, name: one.name }] : others })
              }}
            />
            <Icon name={ACTOR_ICONS[one.kind]} />
            <span>
              {one.name}
              {'userPrincipalName' in one && one.userPrincipalName !== null && one.userPrincipalName !== one.name && (
                <small>{one.userPrincipalName}</small>
              )}
            </span>
          </label>
        ))}
      </fieldset>
      {failure && <Failure lead="Nobody can be suggested." error={failure} again={again} />}
      {text.trim() !== '' && (
        <button type="button" className="link" onClick={() => filter({ actorText: text.trim() })}>
          Everybody whose name contains “{text.trim()}”
        </button>
      )}
      <p className="muted" aria-live="polite">
        {search !== '' && !fetching && !failure && suggested.length === 0 ? 'Nobody by that name in the log.' : ''}
      </p>
    </div>
  )
}
