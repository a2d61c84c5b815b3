// The modified properties of a target: before and after side by side, with differences highlighted.
import { PROPERTY_CHANGE_LABELS } from '../api/enums'
import { useView } from '../view/use-view'
import { NO_FILTERS } from '../view/view'
import { diff, type DiffLine, type Segment } from './diff'
import type { Change } from './query'
import { Withheld } from './withheld'

/** The table of changes. The API does not distinguish an event without changes from one without recorded changes. */
export function ModifiedProperties({ changes }: { changes: Change[] }) {
  if (changes.length === 0) return <p className="muted">No changed properties are recorded.</p>
  const compared = changes.map((change) => ({ change, lines: change.redaction === null ? diffLines(change) : [] }))
  // Multi-line values take the whole width, with their own headings.
  const isAllMultiline = compared.every(({ lines }) => lines.length > 1)
  return (
    <table className="changes">
      <thead className={isAllMultiline ? 'visually-hidden' : ''}>
        <tr>
          <th scope="col">Property</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      {compared.map(({ change, lines }, index) => (
        <ChangeRows key={index} change={change} lines={lines} />
      ))}
    </table>
  )
}

function ChangeRows({ change, lines }: { change: Change; lines: DiffLine[] }) {
  const isMultiline = lines.length > 1
  return (
    <tbody className={isMultiline ? 'long' : ''}>
      <tr>
        <th scope="row" colSpan={isMultiline ? 3 : 1}>
          <PropertyName name={change.name} />
          <span className="visually-hidden">, {PROPERTY_CHANGE_LABELS[change.change]}</span>
        </th>
        {!isMultiline && <Cells change={change} line={lines[0]} />}
      </tr>
      {isMultiline && (
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

/** A missing value is not JSON null; `change` distinguishes the two. */
function diffLines({ change, oldValue, newValue }: Change): DiffLine[] {
  if (change === 'UNKNOWN' && oldValue === null && newValue === null) return []
  return diff(change === 'ADDED' ? undefined : oldValue, change === 'REMOVED' ? undefined : newValue)
}

function PropertyName({ name }: { name: string }) {
  const { view, setView } = useView()
  return (
    <button
      type="button"
      className="link property"
      title={`All events that changed ${name}`}
      onClick={() =>
        setView({
          ...view,
          page: 'events',
          filters: { ...NO_FILTERS, period: 'all', property: { name } },
          position: undefined,
          event: undefined,
        })
      }
    >
      {name}
    </button>
  )
}

function Cells({ change, line }: { change: Change; line: DiffLine | undefined }) {
  if (change.redaction !== null)
    return (
      <td colSpan={2}>
        <Withheld reason={change.redaction} />
      </td>
    )
  return (
    <>
      <td>{line?.before ? <SideValue pieces={line.before} side="before" /> : <NoValue />}</td>
      <td>{line?.after ? <SideValue pieces={line.after} side="after" /> : <NoValue />}</td>
    </>
  )
}

function NoValue() {
  return (
    <span className="muted">
      <span aria-hidden="true">–</span>
      <span className="visually-hidden">no value</span>
    </span>
  )
}

function SideLine({ line }: { line: DiffLine }) {
  const differs = (pieces?: Segment[]) => pieces?.some((piece) => piece.differs) === true
  const indent = { paddingInlineStart: `${line.indent * 14 + 8}px` }
  return (
    <>
      <div
        className={line.before ? (differs(line.before) ? 'side before differs' : 'side') : 'side void'}
        style={indent}
      >
        {line.before && <SideValue pieces={line.before} side="before" />}
      </div>
      <div className={line.after ? (differs(line.after) ? 'side after differs' : 'side') : 'side void'} style={indent}>
        {line.after && <SideValue pieces={line.after} side="after" />}
      </div>
    </>
  )
}

function SideValue({ pieces, side }: { pieces: Segment[]; side: 'before' | 'after' }) {
  const Tag = side === 'before' ? 'del' : 'ins'
  const isEmpty = pieces.every((piece) => piece.text === '')
  const isWhole = pieces.every((piece) => piece.differs)
  return (
    <code className={isWhole ? 'whole' : ''}>
      {pieces.map((piece, index) => (piece.differs ? <Tag key={index}>{piece.text}</Tag> : piece.text))}
      {isEmpty && <span className="muted">empty text</span>}
    </code>
  )
}
