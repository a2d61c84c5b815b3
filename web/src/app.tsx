// The page of a signed-in user: service menu, filters, list or overview, detail panel.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { DetailPanel } from './detail/detail-panel'
import { ExportCard } from './export/export-card'
import { useExport } from './export/use-export'
import { CatalogueProvider, useCatalogue } from './filter/catalogue'
import { FilterBar } from './filter/filter-bar'
import { fieldGroupsOf, shownColumns } from './list/columns'
import { EventList } from './list/event-list'
import type { PageRows, Snapshot } from './list/query'
import { canBeLive, useLive } from './live/use-live'
import { ServiceMenu } from './menu/service-menu'
import { Toolbar } from './menu/toolbar'
import { Overview } from './overview/overview'
import { useSession } from './session/context'
import { PreferencesContext, usePreferences, useStoredPreferences } from './view/preferences'
import { useUrlView, useView, ViewContext } from './view/use-view'
import './app.css'

export function App() {
  const viewState = useUrlView()
  const preferencesState = useStoredPreferences()
  return (
    <ViewContext value={viewState}>
      <PreferencesContext value={preferencesState}>
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
  const [refreshCount, setRefreshCount] = useState(0)
  const [pageRows, setPageRows] = useState<PageRows>({ ids: [], pageInfo: undefined })
  const [isLiveRequested, setLiveRequested] = useState(false)
  const [snapshot, setSnapshot] = useState<Snapshot>()
  const [isStale, setStale] = useState(false)
  const exportControls = useExport()
  const refresh = useCallback(() => setRefreshCount((times) => times + 1), [])
  const shown = useMemo(() => shownColumns(preferences.columns), [preferences.columns])
  const fieldGroups = useMemo(() => fieldGroupsOf(shown), [shown])
  const isList = view.page === 'events'
  const isLive = isLiveRequested && isList && view.position === undefined && canBeLive(view.filters)
  const live = useLive(isLive, view.filters, fieldGroups, refresh)
  const { service } = view.filters
  const title = service.length === 0 ? 'All services' : service.map(names.service).join(', ')

  useEffect(() => {
    document.title = `${title} · Audit log of ${viewer.tenant.displayName}`
  }, [title, viewer])

  // If no row takes the focus after the detail panel is closed, it would fall to the body.
  const heading = useRef<HTMLHeadingElement>(null)
  const isOpen = view.event !== undefined
  const wasOpen = useRef(isOpen)
  useEffect(() => {
    if (wasOpen.current && !isOpen && document.activeElement === document.body) heading.current?.focus()
    wasOpen.current = isOpen
  }, [isOpen])

  return (
    <div className={view.event === undefined ? 'page' : 'page with-detail'}>
      <a className="skip-link" href="#events" onClick={skipToEvents}>
        Skip to the events
      </a>
      <ServiceMenu />
      <main className="main">
        <header className="title-bar">
          <ServiceMenu asButton />
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          <Toolbar
            isLive={isLive}
            // An open socket to a server whose list cannot be read is not live.
            connection={isStale && live.connection === 'live' ? 'broken' : live.connection}
            snapshot={snapshot}
            exportControls={exportControls}
            onLive={setLiveRequested}
            onRefresh={refresh}
          />
        </header>
        <FilterBar />
        {isList ? (
          <EventList
            refreshCount={refreshCount}
            live={live}
            shown={shown}
            fieldGroups={fieldGroups}
            onRows={setPageRows}
            onSnapshot={setSnapshot}
            onStale={setStale}
          />
        ) : (
          <Overview refreshCount={refreshCount} />
        )}
      </main>
      {view.event !== undefined && <DetailPanel id={view.event} pageRows={pageRows} />}
      <ExportCard controls={exportControls} />
    </div>
  )
}

/** Moves the focus by script, because the URL's fragment is taken by the view. */
function skipToEvents(event: { preventDefault: () => void }) {
  event.preventDefault()
  document.querySelector<HTMLElement>('.event-link')?.focus()
}
