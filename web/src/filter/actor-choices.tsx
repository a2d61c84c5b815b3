// The panel of the actor filter: suggests actors by name or principal name, or filters by a part of a name.
import { useEffect, useId, useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/gql'
import type { ActorKind } from '../api/gql/graphql'
import { ErrorMessage } from '../ui/error-message'
import { Icon, type IconName } from '../ui/icon'
import { useView } from '../view/use-view'
import { moveFocus } from './choice-list'
import { Parties } from './text-panel'

const Actors = graphql(`
  query Actors($search: String!) {
    auditActors(search: $search, first: 12) {
      key
      kind
      name
      ... on UserActor {
        userPrincipalName
      }
    }
  }
`)

export const ACTOR_ICONS: Record<ActorKind, IconName> = {
  USER: 'user',
  APPLICATION: 'app',
  SYSTEM: 'system',
  UNKNOWN: 'unknown',
}

/** The delay before suggestions are requested, in milliseconds, so that not every keystroke sends a request. */
const DEBOUNCE_MS = 150

function useDebounced(text: string): string {
  const [debounced, setDebounced] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setDebounced(text), DEBOUNCE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return debounced
}

export function ActorChoices() {
  const { view, setFilters } = useView()
  const { actor, actorText } = view.filters
  const [text, setText] = useState('')
  const search = useDebounced(text.trim())
  const [{ data, fetching, error }, refetch] = useQuery({ query: Actors, variables: { search }, pause: search === '' })
  const id = useId()
  const searchError = search === '' ? undefined : error
  const suggestions = search === '' ? [] : (data?.auditActors ?? [])

  return (
    <div className="panel choices" onKeyDown={moveFocus}>
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
          if (event.key === 'Enter' && text.trim() !== '') setFilters({ actorText: text.trim() })
        }}
      />
      <fieldset aria-busy={fetching}>
        <legend className="visually-hidden">Suggested actors</legend>
        {suggestions.map((suggestion) => (
          <label key={suggestion.key} className="choice">
            <input
              type="checkbox"
              checked={actor.some(({ key }) => key === suggestion.key)}
              onChange={(event) => {
                const others = actor.filter(({ key }) => key !== suggestion.key)
                setFilters({
                  actor: event.target.checked ? [...others, { key: suggestion.key, name: suggestion.name }] : others,
                })
              }}
            />
            <Icon name={ACTOR_ICONS[suggestion.kind]} />
            <span>
              {suggestion.name}
              {'userPrincipalName' in suggestion &&
                suggestion.userPrincipalName !== null &&
                suggestion.userPrincipalName !== suggestion.name && <small>{suggestion.userPrincipalName}</small>}
            </span>
          </label>
        ))}
      </fieldset>
      {searchError && <ErrorMessage lead="Nobody can be suggested." error={searchError} retry={refetch} />}
      {text.trim() !== '' && (
        <button type="button" className="link" onClick={() => setFilters({ actorText: text.trim() })}>
          Everybody whose name contains “{text.trim()}”
        </button>
      )}
      <p className="muted" aria-live="polite">
        {search !== '' && !fetching && !searchError && suggestions.length === 0
          ? 'Nobody by that name in the log.'
          : ''}
      </p>
      {/* Below the suggestions, so that these do not move when one is chosen. */}
      <Parties parties={actor} onChange={(chosen) => setFilters({ actor: chosen })} />
      <Parties
        parties={actorText === undefined ? [] : [{ key: actorText, name: `Contains “${actorText}”` }]}
        onChange={() => setFilters({ actorText: undefined })}
      />
    </div>
  )
}
