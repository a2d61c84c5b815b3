// The page of somebody who is signed in: the menu of services, the filters, the list, the detail.
import { useCallback, useEffect, useState } from 'react'
import { DetailPanel } from './detail/panel'
import { CatalogueProvider, useCatalogue } from './filter/catalogue'
import { FilterBar } from './filter/filter-bar'
import { ColumnMenu } from './list/column-menu'
import { EventList } from './list/event-list'
import { useSession } from './session/context'
import { ServiceMenu } from './menu/service-menu'
import { TimeMenu } from './menu/time-menu'
import { Icon } from './ui/icon'
import { PreferencesContext, useKeptPreferences } from './view/preferences'
import { useAddress, useView, ViewContext } from './view/use-view'
import './app.css'

export function App() {
  const looking = useAddress()
  const preferring = useKeptPreferences()
  return (
    <ViewContext value={looking}>
      <PreferencesContext value={preferring}>
        <CatalogueProvider>
          <Page />
        </CatalogueProvider>
      </PreferencesContext>
    </ViewContext>
  )
}

function Page() {
  const { view } = useView()
  const { viewer } = useSession()
  const { names } = useCatalogue()
  const [reading, setReading] = useState(0)
  const [ids, setIds] = useState<string[]>([])
  const onRows = useCallback((rows: string[]) => setIds(rows), [])
  const { service } = view.filters
  const title = service.length === 0 ? 'All services' : service.map(names.service).join(', ')

  useEffect(() => {
    document.title = `${title} · Audit log of ${viewer.tenant.displayName}`
  }, [title, viewer])

  return (
    <div className={view.event === undefined ? 'page' : 'page with-detail'}>
      <a className="skip" href="#events" onClick={skip}>
        Skip to the events
      </a>
      <ServiceMenu />
      <main className="main">
        <header className="title-bar">
          <ServiceMenu asButton />
          <h1>{title}</h1>
          <div className="tools">
            <TimeMenu />
            <ColumnMenu />
            <button
              type="button"
              className="button square"
              aria-label="Read again"
              title="Read again"
              onClick={() => setReading((times) => times + 1)}
            >
              <Icon name="refresh" />
            </button>
          </div>
        </header>
        <FilterBar />
        <EventList reading={reading} onRows={onRows} />
      </main>
      {view.event !== undefined && <DetailPanel id={view.event} ids={ids} />}
    </div>
  )
}

/** The fragment is the view, so the link moves the focus itself. */
function skip(event: { preventDefault: () => void }) {
  event.preventDefault()
  document.querySelector<HTMLElement>('.event-link')?.focus()
}
