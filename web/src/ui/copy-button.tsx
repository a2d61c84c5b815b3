// A button that copies a text and says that it did.
import { useEffect, useState } from 'react'
import { Icon, type IconName } from './icon'

export function CopyButton({ label, icon, text }: { label: string; icon: IconName; text: () => string }) {
  const [told, tell] = useState<string>()
  useEffect(() => {
    if (told === undefined) return undefined
    const timer = setTimeout(() => tell(undefined), 2_000)
    return () => clearTimeout(timer)
  }, [told])
  return (
    <button
      type="button"
      className="button quiet"
      onClick={() =>
        void navigator.clipboard.writeText(text()).then(
          () => tell('Copied'),
          () => tell('Not copied: the browser forbids it'),
        )
      }
    >
      <Icon name={told === 'Copied' ? 'check' : icon} />
      <span aria-live="polite">{told ?? label}</span>
    </button>
  )
}
