// A button that copies a text and says that it did.
import { useEffect, useState } from 'react'
import { Icon, type IconName } from './icon'

interface Props {
  label: string
  icon: IconName
  text: () => string
  /** Whether the label is not shown. */
  isSquare?: boolean
  /** Whether there is nothing to copy yet. */
  disabled?: boolean
}

export function CopyButton({ label, icon, text, isSquare, disabled = false }: Props) {
  const [message, setMessage] = useState<string>()
  useEffect(() => {
    if (message === undefined) return undefined
    const timer = setTimeout(() => setMessage(undefined), 2_000)
    return () => clearTimeout(timer)
  }, [message])
  return (
    <button
      type="button"
      disabled={disabled}
      className={isSquare === true ? 'button square' : 'button quiet'}
      title={isSquare === true ? label : undefined}
      onClick={() =>
        void navigator.clipboard.writeText(text()).then(
          () => setMessage('Copied'),
          () => setMessage('Not copied: the browser forbids it'),
        )
      }
    >
      <Icon name={message === 'Copied' ? 'check' : icon} />
      <span aria-live="polite" className={isSquare === true ? 'visually-hidden' : ''}>
        {message ?? label}
      </span>
    </button>
  )
}
