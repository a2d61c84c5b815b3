// The destination of an export: a file chosen by the user and written chunk by chunk or, in browsers without the File
// System Access API, memory and then a download. In both cases a file remains only if the export completes.

export interface FileSink {
  name: string
  write: (chunk: Uint8Array<ArrayBuffer>) => Promise<void>
  /** Saves the file after a complete export. */
  finish: () => Promise<void>
  /** Removes the file after a failed or cancelled export. */
  discard: () => Promise<void>
}

/** The maximum size of an export in memory, in bytes. */
export const MEMORY_BYTES_MAX = 256 * 2 ** 20

/** The export exceeds the maximum size in memory. */
export class FileTooLarge extends Error {}

interface Picker {
  showSaveFilePicker?: (options: {
    suggestedName: string
  }) => Promise<FileSystemFileHandle & { remove?: () => Promise<void> }>
}

const picker = () => (window as Picker).showSaveFilePicker

/** Returns whether the browser can write a file while it downloads. */
export function canStream(): boolean {
  return picker() !== undefined
}

/** Opens a destination for a file of this name. Returns `undefined` if the user closes the dialog. */
export async function openSink(name: string): Promise<FileSink | undefined> {
  const pick = picker()
  if (!pick) return memorySink(name, MEMORY_BYTES_MAX)
  try {
    const file = await pick.call(window, { suggestedName: name })
    const out = await file.createWritable()
    return {
      name: file.name,
      write: (chunk) => out.write(chunk),
      finish: () => out.close(),
      discard: async () => {
        await out.abort()
        // The dialog has created an empty file, unless the user chose an existing one.
        if ((await file.getFile()).size === 0) await file.remove?.()
      },
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined
    throw error
  }
}

/** A sink in memory that becomes a download. Rejects writes beyond `bytesMax`. */
export function memorySink(name: string, bytesMax: number): FileSink {
  let chunks: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  return {
    name,
    write: (chunk) => {
      bytes += chunk.length
      if (bytes > bytesMax) return Promise.reject(new FileTooLarge())
      chunks.push(chunk)
      return Promise.resolve()
    },
    finish: () => {
      const link = document.createElement('a')
      link.href = URL.createObjectURL(new Blob(chunks))
      link.download = name
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
      chunks = []
      return Promise.resolve()
    },
    discard: () => {
      chunks = []
      return Promise.resolve()
    },
  }
}
