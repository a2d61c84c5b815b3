// Where an export goes: into a file that the person chose, piece by piece, or, where the browser has no such thing, into
// memory and from there to the downloads. Either way there is a file only once it is whole.

export interface FileSink {
  name: string
  write: (chunk: Uint8Array<ArrayBuffer>) => Promise<void>
  /** It is whole: now there is a file. */
  finish: () => Promise<void>
  /** It will not be whole: nothing stays. */
  discard: () => Promise<void>
}

/** The most bytes that are kept in memory. */
export const MEMORY_BYTES_MAX = 256 * 2 ** 20

/** The file did not fit into memory. */
export class FileTooLarge extends Error {}

interface Picker {
  showSaveFilePicker?: (options: {
    suggestedName: string
  }) => Promise<FileSystemFileHandle & { remove?: () => Promise<void> }>
}

const picker = () => (window as Picker).showSaveFilePicker

/** Whether files are written while they arrive. */
export function canStream(): boolean {
  return picker() !== undefined
}

/** Somewhere for a file of this name; undefined if the person does not want one after all. */
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
        // The dialog made an empty file, unless there was one before.
        if ((await file.getFile()).size === 0) await file.remove?.()
      },
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined
    throw error
  }
}

/** A file in memory, which becomes a download. */
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
