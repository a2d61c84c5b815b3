// A button that copies a string to the clipboard and confirms it.
import { useEffect, useState } from 'react'
import { copyText } from './copy-text'
import { Icon, type IconName } from './icon'

interface Props {
  label: string
  icon: IconName
  text: () => string
  /** Whether to hide the label. */
  isSquare?: boolean
  /** Whether the string is not available yet. */
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
        void copyText(text()).then(
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
