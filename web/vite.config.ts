// Builds two pages, the viewer and the API explorer, into `dist`, which the server embeds.
//
// URLs are relative, so that the pages work below a path of a reverse proxy. Nothing is inlined into the pages: the
// server's Content-Security-Policy permits scripts and styles from files only. Text files are compressed here as `.br`
// and `.gz`, so that the server does not have to; scripts and styles are kept in these forms only, for a small binary.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    closeBundle() {
      for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
        if (!/\.(html|js|css|svg)$/.test(file)) continue
        const path = join('dist', file)
        const bytes = readFileSync(path)
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }))
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
        if (file.startsWith('assets')) rmSync(path)
      }
    },
  }
}

/** Removes the unused fonts that GraphiQL's style sheet embeds as `data:` URLs, which the policy forbids. */
function withoutFonts(): Plugin {
  return {
    name: 'without-fonts',
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('graphiql/dist/style.css')) return undefined
      return { code: code.replace(/@font-face\s*\{[^}]*data:[^}]*\}/g, ''), map: null }
    },
  }
}

const server = process.env.AUDITGRAPH_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  base: './',
  plugins: [withoutFonts(), react(), compressed()],
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 5_000,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['index.html', 'graphiql.html'],
      // Ignores directives of the React compiler in GraphiQL's modules, which the bundle does not use.
      onLog: (level, log, handle) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log)
      },
    },
  },
  worker: { format: 'es' },
  // These modules import workers in a form that only Vite itself resolves.
  optimizeDeps: { exclude: ['graphiql/setup-workers/vite', '@graphiql/react/setup-workers/vite'] },
  server: {
    proxy: { '/graphql': { target: server, ws: true }, '/v1': server, '/sign-in.json': server },
  },
})
