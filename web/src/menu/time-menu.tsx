// The display of times: relative or absolute, in the local zone or UTC.
import { Icon } from '../ui/icon'
import { Popover } from '../ui/popover'
import { zoneName } from '../ui/time'
import { usePreferences } from '../view/preferences'

export function TimeMenu() {
  const { preferences, setPreferences } = usePreferences()
  const { times, zone } = preferences
  const radio = (name: 'times' | 'zone', value: string, current: string, label: string, choose: () => void) => (
    <label className="choice">
      <input type="radio" name={name} value={value} checked={current === value} onChange={choose} />
      {label}
    </label>
  )
  return (
    <Popover
      label="Times"
      buttonLabel={`Times: ${zone === 'UTC' ? 'UTC' : 'Local time'}`}
      button={
        <>
          <Icon name="clock" /> <span className="wide-only">{zone === 'UTC' ? 'UTC' : 'Local time'}</span>
        </>
      }
    >
      {() => (
        <div className="choices">
          <fieldset>
            <legend>Show</legend>
            {radio('times', 'relative', times, 'How long ago', () => setPreferences({ times: 'relative' }))}
            {radio('times', 'absolute', times, 'The exact time', () => setPreferences({ times: 'absolute' }))}
          </fieldset>
          <fieldset>
            <legend>Time zone</legend>
            {radio('zone', 'local', zone, `Local (${zoneName('local')})`, () => setPreferences({ zone: 'local' }))}
            {radio('zone', 'UTC', zone, 'UTC', () => setPreferences({ zone: 'UTC' }))}
          </fieldset>
        </div>
      )}
    </Popover>
  )
}
