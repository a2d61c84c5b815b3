// The column menu: check boxes show and hide columns; dragging or the arrow buttons reorder them.
import { useState } from 'react'
import { Icon } from '../ui/icon'
import { Popover } from '../ui/popover'
import { StepButton } from '../ui/step-button'
import { usePreferences } from '../view/preferences'
import { COLUMNS, DEFAULT_COLUMNS, shownColumns } from './columns'

function moveItem(ids: string[], from: number, to: number): string[] {
  const result = [...ids]
  const [id] = result.splice(from, 1)
  if (id !== undefined) result.splice(to, 0, id)
  return result
}

export function ColumnMenu() {
  const { preferences, setPreferences } = usePreferences()
  const shown = shownColumns(preferences.columns)
  const hidden = Object.keys(COLUMNS).filter((id) => !shown.includes(id))
  const [dragged, setDragged] = useState<number>()
  const setColumns = (columns: string[]) => setPreferences({ columns })

  return (
    <Popover
      label="Columns"
      buttonLabel="Columns"
      button={
        <>
          <Icon name="columns" /> <span className="wide-only">Columns</span>
        </>
      }
    >
      {() => (
        <div className="columns">
          <ol aria-label="Shown columns">
            {shown.map((id, index) => {
              const title = COLUMNS[id]?.title ?? id
              return (
                <li
                  key={id}
                  draggable
                  className={dragged === index ? 'dragged' : ''}
                  onDragStart={() => setDragged(index)}
                  onDragEnd={() => setDragged(undefined)}
                  onDragOver={(event) => {
                    event.preventDefault()
                    if (dragged === undefined || dragged === index) return
                    setColumns(moveItem(shown, dragged, index))
                    setDragged(index)
                  }}
                >
                  <Icon name="grip" />
                  <label>
                    <input
                      type="checkbox"
                      checked
                      disabled={shown.length === 1}
                      onChange={() => setColumns(shown.filter((one) => one !== id))}
                    />
                    {title}
                  </label>
                  <StepButton
                    className="chip-clear"
                    aria-label={`Move ${title} up`}
                    isEnabled={index > 0}
                    onClick={() => setColumns(moveItem(shown, index, index - 1))}
                  >
                    <Icon name="up" />
                  </StepButton>
                  <StepButton
                    className="chip-clear"
                    aria-label={`Move ${title} down`}
                    isEnabled={index < shown.length - 1}
                    onClick={() => setColumns(moveItem(shown, index, index + 1))}
                  >
                    <Icon name="down" />
                  </StepButton>
                </li>
              )
            })}
          </ol>
          <ul aria-label="Other columns">
            {hidden.map((id) => (
              <li key={id}>
                <label>
                  <input type="checkbox" checked={false} onChange={() => setColumns([...shown, id])} />
                  {COLUMNS[id]?.title}
                </label>
              </li>
            ))}
          </ul>
          <button type="button" className="button quiet" onClick={() => setColumns(DEFAULT_COLUMNS)}>
            Back to the usual columns
          </button>
        </div>
      )}
    </Popover>
  )
}
