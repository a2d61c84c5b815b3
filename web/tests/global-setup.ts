// Starts a real server with the demo data before the tests and stops it afterwards. Its URL and a token per role are
// passed to the tests in the environment.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const EVENTS = '6000'

export default async function start(): Promise<() => Promise<void>> {
  const program = process.env['AUDITGRAPH_PROGRAM'] ?? '../target/debug/auditgraph'
  const server = spawn(program, ['demo', '--events', EVENTS, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // The request log would hide the output of the tests.
    env: { AUDITGRAPH_LOG: 'warn', ...process.env },
  })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`${program} did not start`)))
    createInterface(server.stdout).on('line', (line) => {
      const [word, first = '', second = ''] = line.split(' ')
      if (word === 'token') process.env[`AUDITGRAPH_TOKEN_${first}`] = second
      if (word === 'ready') {
        process.env['AUDITGRAPH_URL'] = first
        resolve()
      }
    })
  })
  return async () => {
    server.kill('SIGTERM')
    await ended
  }
}
