// A button that leads one step further, such as to the next page. Without a further step it keeps the focus, which a
// button with the attribute `disabled` would lose to the body of the page.
import type { ButtonHTMLAttributes } from 'react'

type Props = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'disabled' | 'type'> & {
  /** Whether there is a further step. */
  isEnabled: boolean
}

export function StepButton({ isEnabled, onClick, ...attributes }: Props) {
  return (
    <button
      type="button"
      {...attributes}
      aria-disabled={isEnabled ? undefined : true}
      onClick={isEnabled ? onClick : undefined}
    />
  )
}
