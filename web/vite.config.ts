// Builds two pages, the viewer and the API explorer, into `dist`, from where the server embeds them.
//
// Addresses are relative, so that the pages also work below a path of a reverse proxy. Nothing is inlined into the
// pages: the server's Content-Security-Policy allows scripts and styles from files only. Every text file is compressed as
// `.br` and `.gz`, so that the server never does; scripts and styles stay in these forms only, for the binary's size.
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

/** GraphiQL's style sheet carries fonts as data: addresses; the page uses the system's fonts, and the policy has no data:. */
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
      // Directives of a compiler that GraphiQL's modules are marked for; the bundle has nothing to do with it.
      onLog: (level, log, handle) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log)
      },
    },
  },
  worker: { format: 'es' },
  // Its imports of workers are for Vite itself.
  optimizeDeps: { exclude: ['graphiql/setup-workers/vite', '@graphiql/react/setup-workers/vite'] },
  server: {
    proxy: { '/graphql': { target: server, ws: true }, '/v1': server, '/sign-in.json': server },
  },
})
