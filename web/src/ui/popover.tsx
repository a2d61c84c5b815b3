// A button with a panel that opens below it. The browser's popover handles the top layer, closing on Escape or on a
// click outside, and restoring the focus. On a phone the panel is a sheet at the bottom of the screen.
import { type ReactNode, useId, useLayoutEffect, useRef, useState } from 'react'

interface Props {
  /** The accessible name of the panel. */
  label: string
  /** The content of the button. */
  button: ReactNode
  buttonClass?: string | undefined
  buttonLabel?: string | undefined
  panelClass?: string | undefined
  /** The content of the panel, rendered while it is open. */
  children: (close: () => void) => ReactNode
}

const MARGIN = 8

export function Popover({ label, button, buttonClass, buttonLabel, panelClass, children }: Props) {
  const id = useId()
  const [open, setOpen] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  const panel = useRef<HTMLDivElement>(null)

  useLayoutEffect(() => {
    if (!open || !opener.current || !panel.current) return
    const from = opener.current.getBoundingClientRect()
    const { style, offsetWidth } = panel.current
    const room = document.documentElement.clientWidth - offsetWidth - MARGIN
    style.left = `${Math.max(MARGIN, Math.min(from.left, room))}px`
    style.top = `${from.bottom + 4}px`
    style.maxHeight = `${Math.max(200, innerHeight - from.bottom - 4 - MARGIN)}px`
  }, [open])

  return (
    <>
      <button
        ref={opener}
        type="button"
        className={buttonClass ?? 'button'}
        popoverTarget={id}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={buttonLabel}
      >
        {button}
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={label}
        className={`popover ${panelClass ?? ''}`}
        onToggle={(event) => setOpen(event.newState === 'open')}
      >
        {open && children(() => document.getElementById(id)?.hidePopover())}
      </div>
    </>
  )
}
