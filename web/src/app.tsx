// The page of somebody who is signed in: the menu of services, the filters, the list or the overview, the detail.
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react'
import { DetailPanel } from './detail/detail-panel'
import { ExportCard } from './export/export-card'
import { useExport } from './export/use-export'
import { CatalogueProvider, useCatalogue } from './filter/catalogue'
import { FilterBar } from './filter/filter-bar'
import { partsOf, shownColumns } from './list/columns'
import { EventList } from './list/event-list'
import type { Point } from './list/query'
import { canBeLive, useLive } from './live/use-live'
import { ServiceMenu } from './menu/service-menu'
import { Tools } from './menu/toolbar'
import { useSession } from './session/context'
import { PreferencesContext, useKeptPreferences, usePreferences } from './view/preferences'
import { useAddress, useView, ViewContext } from './view/use-view'
import './app.css'

// A part of the viewer that does not come is not asked for again by the browser, only by a page that is new.
const Overview = lazy(() => import('./overview/overview').catch(() => ({ default: NotLoaded })))

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
  const { preferences } = usePreferences()
  const [reading, setReading] = useState(0)
  const [ids, setIds] = useState<string[]>([])
  const [wantsLive, setWantsLive] = useState(false)
  const [point, setPoint] = useState<Point>()
  const exporting = useExport()
  const readAgain = useCallback(() => setReading((times) => times + 1), [])
  const shown = useMemo(() => shownColumns(preferences.columns), [preferences.columns])
  const parts = useMemo(() => partsOf(shown), [shown])
  const isList = view.page === 'events'
  const isLive = wantsLive && isList && view.place === undefined && canBeLive(view.filters)
  const live = useLive(isLive, view.filters, parts, readAgain)
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
          <Tools
            isLive={isLive}
            standing={live.standing}
            point={point}
            exporting={exporting}
            onLive={setWantsLive}
            onReadAgain={readAgain}
          />
        </header>
        <FilterBar />
        {isList ? (
          <EventList reading={reading} live={live} shown={shown} parts={parts} onRows={setIds} onPoint={setPoint} />
        ) : (
          <Suspense fallback={<section className="overview" aria-busy="true" />}>
            <Overview reading={reading} />
          </Suspense>
        )}
      </main>
      {view.event !== undefined && <DetailPanel id={view.event} ids={ids} />}
      <ExportCard exporting={exporting} />
    </div>
  )
}

function NotLoaded() {
  return (
    <div className="failure" role="alert">
      <p>This part of the viewer cannot be loaded.</p>
      <button type="button" className="button" onClick={() => location.reload()}>
        Load the page again
      </button>
    </div>
  )
}

/** The fragment is the view, so the link moves the focus itself. */
function skip(event: { preventDefault: () => void }) {
  event.preventDefault()
  document.querySelector<HTMLElement>('.event-link')?.focus()
}
