// The export menu: format and columns.
import { useState } from 'react'
import { shownColumns } from '../list/columns'
import { useSession } from '../session/context'
import { Icon } from '../ui/icon'
import { Popover } from '../ui/popover'
import { usePreferences } from '../view/preferences'
import type { Filters } from '../view/view'
import { exportRequest, type Format } from './request'
import { canStream, MEMORY_BYTES_MAX } from './file-sink'
import type { ExportControls } from './use-export'
import './export.css'

interface Props {
  /** The filters to export, pinned to the snapshot that the list shows. */
  filters: Filters
  controls: ExportControls
}

export function ExportMenu({ filters, controls }: Props) {
  const { preferences } = usePreferences()
  const { viewer } = useSession()
  const [format, setFormat] = useState<Format>('csv')
  const [isAll, setAll] = useState(false)
  const shown = shownColumns(preferences.columns)
  const isRunning = controls.state?.status === 'running'
  const radio = (name: string, isChosen: boolean, label: string, hint: string, choose: () => void) => (
    <label className="choice">
      <input type="radio" name={name} checked={isChosen} onChange={choose} />
      <span>
        {label} <span className="muted">{hint}</span>
      </span>
    </label>
  )
  return (
    <Popover
      label="Export"
      buttonLabel="Export"
      button={
        <>
          <Icon name="download" /> <span className="wide-only">Export</span>
        </>
      }
    >
      {(close) => (
        <form
          className="export-menu"
          onSubmit={(event) => {
            event.preventDefault()
            close()
            void controls.start(exportRequest(filters, format, isAll ? undefined : shown))
          }}
        >
          <p>All events of this view, on every page of it.</p>
          <fieldset>
            <legend>Format</legend>
            {radio('format', format === 'csv', 'CSV', 'for spreadsheets', () => setFormat('csv'))}
            {radio('format', format === 'ndjson', 'NDJSON', 'for programs: a JSON object a line', () =>
              setFormat('ndjson'),
            )}
          </fieldset>
          <fieldset>
            <legend>Columns</legend>
            {radio('columns', !isAll, 'Those of the list', `(${shown.length})`, () => setAll(false))}
            {radio('columns', isAll, 'Everything', 'that an event holds', () => setAll(true))}
          </fieldset>
          {viewer.grants.every((grant) => !grant.seesRedactedValues) && (
            <p className="muted">What is withheld from you is withheld in the file.</p>
          )}
          {!canStream() && (
            <p className="muted">
              This browser keeps the file in memory until it is whole: it can have {MEMORY_BYTES_MAX / 2 ** 20} MB at
              most.
            </p>
          )}
          <button type="submit" className="button primary" disabled={isRunning}>
            {isRunning ? 'An export is running' : 'Export'}
          </button>
        </form>
      )}
    </Popover>
  )
}
