// Modules that build URLs relative to the page read `document.baseURI` when they are imported.
import { vi } from 'vitest'

vi.stubGlobal('document', { baseURI: 'https://audit.example/viewer/' })
