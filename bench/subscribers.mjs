// Measures many subscribers: memory and CPU time while they idle, and the time until an event has reached all of them.
//
//   node bench/subscribers.mjs [SUBSCRIBERS] [SECONDS]        1000 and 60 by default
//
// Starts a server on a new SQLite database (AUDITGRAPH_PROGRAM, by default target/fast/auditgraph) and stops it.
// Reads memory and CPU time from /proc, so it requires Linux. Node 20 or newer, no packages.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [subscribers, seconds] = [Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 60)];
const program = process.env.AUDITGRAPH_PROGRAM ?? new URL('../target/fast/auditgraph', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'auditgraph-subscribers-'));
const environment = {
  ...process.env,
  AUDITGRAPH_DATABASE_URL: `sqlite://${join(folder, 'log.db')}`,
  AUDITGRAPH_JWT_SECRET: 'only for this measurement, and long enough',
};
const run = (...parts) => execFileSync(program, parts, { env: environment, encoding: 'utf8' }).trim();
run('tenant', 'add', 'contoso');
const reader = run('token', '--tenant', 'contoso', '--role', 'AUDIT_READER');
const recorder = run('token', '--tenant', 'contoso', '--permission', 'audit/write');

const many = String(subscribers + 1);
const limits = ['--caller-subscriptions-max', many, '--caller-websockets-max', many];
const server = spawn(program, ['serve', '--listen', '127.0.0.1:0', ...limits], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
const url = await new Promise((resolve, reject) => {
  let serverLog = '';
  server.stderr.on('data', (bytes) => {
    serverLog += bytes;
    const port = /listening.*127\.0\.0\.1:(\d+)/.exec(serverLog)?.[1];
    if (port) resolve(`http://127.0.0.1:${port}`);
  });
  server.on('exit', () => reject(new Error(`the server exited: ${serverLog}`)));
});

/** Returns the memory of the server in MB and its CPU time in seconds. */
function used() {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  const stat = readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return { memory: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024, time: (Number(stat[11]) + Number(stat[12])) / 100 };
}

const query = 'subscription { auditEventsRecorded { edges { node { eventKey activity } } resumeCursor } }';
/** Subscribes; calls `received` with the number of events of each result. Resolves after the first result. */
async function subscribe(received) {
  const headers = { authorization: `Bearer ${reader}`, accept: 'text/event-stream', 'content-type': 'application/json' };
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  const bytes = response.body.getReader();
  const text = new TextDecoder();
  await bytes.read();
  (async () => {
    let rest = '';
    for (;;) {
      const { value, done } = await bytes.read();
      if (done) return;
      rest += text.decode(value, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) received(block.split('"eventKey"').length - 1);
    }
  })().catch(() => {});
}

async function record(keys) {
  const event = (eventKey) => ({
    eventKey, occurredAt: new Date().toISOString(), activity: 'Approve payment', category: 'Payments', service: 'Contoso Payroll',
    status: 'SUCCESS', actor: { system: { name: 'Nightly job' } },
  });
  const headers = { authorization: `Bearer ${recorder}`, 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/events`, { method: 'POST', headers, body: JSON.stringify(keys.map(event)) });
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
}

try {
  const before = used();
  let heard = 0;
  let whenAll = () => {};
  let wanted = Infinity;
  const received = (count) => {
    heard += count;
    if (heard >= wanted) whenAll();
  };
  for (let i = 0; i < subscribers; i += 50) await Promise.all(Array.from({ length: Math.min(50, subscribers - i) }, () => subscribe(received)));
  const began = used();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const idle = used();
  const round = async (keys) => {
    [heard, wanted] = [0, keys.length * subscribers];
    const all = new Promise((resolve) => (whenAll = resolve));
    const start = performance.now();
    await record(keys);
    await all;
    return performance.now() - start;
  };
  const times = [];
  for (let i = 0; i < 20; i++) times.push(await round([`one-${i}`]));
  times.sort((a, b) => a - b);
  const hundred = await round(Array.from({ length: 100 }, (_, i) => `many-${i}`));
  const after = used();
  const line = (what, value) => console.log(`${what.padEnd(58)} ${value}`);
  line('memory without subscribers, MB', before.memory.toFixed(0));
  line(`memory with ${subscribers}, at first and after ${seconds} s, MB`, `${began.memory.toFixed(0)} ${idle.memory.toFixed(0)}`);
  line('memory after all that was recorded, MB', after.memory.toFixed(0));
  line('processor time while idle, % of one core', (((idle.time - began.time) / seconds) * 100).toFixed(1));
  line('one event recorded and received by all, median and worst, ms', `${times[10].toFixed(0)} ${times[19].toFixed(0)}`);
  line('100 events recorded and received by all, ms', hundred.toFixed(0));
} finally {
  server.removeAllListeners('exit');
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
