// Copies a string to the clipboard, also on a page without TLS, where browsers have no clipboard API.

/** Copies `text`. Rejects if the browser forbids it. */
export async function copyText(text: string): Promise<void> {
  // It is undefined in insecure contexts, but not in its type.
  const clipboard = navigator.clipboard as Clipboard | undefined
  if (clipboard) return clipboard.writeText(text)
  const focused = document.activeElement
  const field = document.createElement('textarea')
  field.value = text
  field.className = 'visually-hidden'
  field.readOnly = true
  // A field outside of an open popover or dialog could not take the focus.
  ;(focused?.parentElement ?? document.body).append(field)
  field.select()
  // The only way in an insecure context.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const isCopied = document.execCommand('copy')
  field.remove()
  if (focused instanceof HTMLElement) focused.focus()
  if (!isCopied) throw new Error('the browser forbids it')
}
