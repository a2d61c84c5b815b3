// The properties that changed of one target: before and after side by side, differences highlighted.
import { useView } from '../view/use-view'
import { NO_FILTERS } from '../view/view'
import { diff, type Line, type Piece } from './diff'
import type { Change } from './query'
import { Withheld } from './withheld'

const CHANGES = { ADDED: 'added', CHANGED: 'changed', REMOVED: 'removed', UNKNOWN: 'no values given' } as const

export function Changes({ changes }: { changes: Change[] }) {
  if (changes.length === 0) return <p className="muted">No properties changed.</p>
  const read = changes.map((change) => ({ change, lines: change.withheld === null ? linesOf(change) : [] }))
  // What has several lines takes the whole width, under headings of its own.
  const areAllLong = read.every(({ lines }) => lines.length > 1)
  return (
    <table className="changes">
      <thead className={areAllLong ? 'visually-hidden' : ''}>
        <tr>
          <th scope="col">Property</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      {read.map(({ change, lines }, index) => (
        <ChangeRows key={index} change={change} lines={lines} />
      ))}
    </table>
  )
}

function ChangeRows({ change, lines }: { change: Change; lines: Line[] }) {
  const long = lines.length > 1
  return (
    <tbody className={long ? 'long' : ''}>
      <tr>
        <th scope="row" colSpan={long ? 3 : 1}>
          <PropertyName name={change.name} />
          <span className="visually-hidden">, {CHANGES[change.change]}</span>
        </th>
        {!long && <Cells change={change} line={lines[0]} />}
      </tr>
      {long && (
        <tr>
          <td colSpan={3}>
            <div className="sides">
              <b className="side">Before</b>
              <b className="side">After</b>
              {lines.map((line, index) => (
                <SideLine key={index} line={line} />
              ))}
            </div>
          </td>
        </tr>
      )}
    </tbody>
  )
}

/** No value is not JSON null: the kind of change tells them apart. */
function linesOf({ change, oldValue, newValue }: Change): Line[] {
  if (change === 'UNKNOWN') return []
  return diff(change === 'ADDED' ? undefined : oldValue, change === 'REMOVED' ? undefined : newValue)
}

function PropertyName({ name }: { name: string }) {
  const { view, look } = useView()
  return (
    <button
      type="button"
      className="link property"
      title={`All events that changed ${name}`}
      onClick={() =>
        look({
          ...view,
          page: 'events',
          filters: { ...NO_FILTERS, period: 'all', property: { name } },
          place: undefined,
          event: undefined,
        })
      }
    >
      {name}
    </button>
  )
}

function Cells({ change, line }: { change: Change; line: Line | undefined }) {
  if (change.withheld !== null)
    return (
      <td colSpan={2}>
        <Withheld reason={change.withheld} />
      </td>
    )
  return (
    <>
      <td>{line?.before ? <Side pieces={line.before} side="before" /> : <None />}</td>
      <td>{line?.after ? <Side pieces={line.after} side="after" /> : <None />}</td>
    </>
  )
}

function None() {
  return (
    <span className="muted">
      <span aria-hidden="true">–</span>
      <span className="visually-hidden">no value</span>
    </span>
  )
}

function SideLine({ line }: { line: Line }) {
  const differs = (pieces?: Piece[]) => pieces?.some((piece) => piece.differs) === true
  const indent = { paddingInlineStart: `${line.indent * 14 + 8}px` }
  return (
    <>
      <div
        className={line.before ? (differs(line.before) ? 'side before differs' : 'side') : 'side void'}
        style={indent}
      >
        {line.before && <Side pieces={line.before} side="before" />}
      </div>
      <div className={line.after ? (differs(line.after) ? 'side after differs' : 'side') : 'side void'} style={indent}>
        {line.after && <Side pieces={line.after} side="after" />}
      </div>
    </>
  )
}

function Side({ pieces, side }: { pieces: Piece[]; side: 'before' | 'after' }) {
  const Mark = side === 'before' ? 'del' : 'ins'
  const empty = pieces.every((piece) => piece.text === '')
  const whole = pieces.every((piece) => piece.differs)
  return (
    <code className={whole ? 'whole' : ''}>
      {pieces.map((piece, index) => (piece.differs ? <Mark key={index}>{piece.text}</Mark> : piece.text))}
      {empty && <span className="muted">empty text</span>}
    </code>
  )
}
