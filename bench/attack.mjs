// Started by bench/attack, which names the database. Starts the server and, as a separate process, the attacker.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { RAW_BODIES, RESOURCE_ATTACKS } from './attack-kinds.mjs';

const CONNECTIONS = 16;
const PAIRS = 3;
/** Ordinary queries per second. */
const RATE = 100;
const SETTINGS = ['rejected', 'expensive', 'cheap', 'rejected@200', 'cheap@200', 'expensive@20'];

const times = (n, text) => Array.from({ length: n }, (_, i) => text(i)).join(' ');
const deep = (n) => `${'['.repeat(n)}${']'.repeat(n)}`;
const ordinary = `{ auditEvents(first: 50) { nodes { id occurredAt activity actor { name } targets { displayName } } } }`;
const rejected = {
  'nested lists': `{ node(id: ${deep(30_000)}) { id } }`,
  'doubling fragments': `{ ...f0 } ${times(45, (i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)} fragment f45 on Query { a }`,
  'aliases': `{ ${times(3_000, (i) => `a${i}: __typename`)} }`,
  'directives': `{ __typename ${'@skip(if: false) '.repeat(800)} }`,
  'a long id': `{ node(id: "${'x'.repeat(60_000)}") { id } }`,
  'operations': times(1_000, (i) => `query q${i} { a }`),
  'variables': `query(${times(900, (i) => `$v${i}: Int`)}) { a }`,
  'too expensive': `{ ${times(20, (i) => `a${i}: auditEvents(first: 200) { nodes { id } }`)} }`,
  'unknown fields': `{ viewer { ${times(990, () => 'nothing')} } }`,
};
// Queries just within the cost limits, which are executed.
const expensive = {
  '200 events, all fields': `{ auditEvents(first: 200) { nodes { id raw unmapped targets { modifiedProperties { name oldValue newValue } } } } }`,
  'count of a search': `{ auditEvents(occurredAt: { window: ALL }, filter: { search: "a" }) { totalCount } }`,
  'eight pages of 200': `{ ${times(8, (i) => `a${i}: auditEvents(first: 200, occurredAt: { window: ALL }) { nodes { id activityDisplayName } }`)} }`,
};
const DOCUMENTS = { rejected, expensive, cheap: { 'typename': '{ __typename }' } };

const body = (query) => Buffer.from(JSON.stringify({ query }));

/** Sends one request; resolves to its duration in milliseconds and its status. */
const send = (url, agent, token, bytes) =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': bytes.length };
    const sent = request(`${url}/graphql`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve({ took: performance.now() - started, status: response.statusCode }));
    });
    sent.on('error', reject);
    sent.end(bytes);
  });

/** Attacks until standard input ends, then prints the number of responses per status. */
async function attack(url, token, setting) {
  const [kind, rate] = setting.split('@');
  if (RESOURCE_ATTACKS[kind]) {
    let isGoing = true;
    const started = performance.now();
    const attacked = RESOURCE_ATTACKS[kind](url, token, () => isGoing);
    process.stdin.resume();
    await once(process.stdin, 'end');
    isGoing = false;
    const elapsed = (performance.now() - started) / 1_000;
    console.log(JSON.stringify({ elapsed, statuses: await attacked }));
    return;
  }
  const bodies = RAW_BODIES[kind] ?? Object.values(DOCUMENTS[kind]).map(body);
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const statuses = {};
  let [going, count] = [true, 0];
  const started = performance.now();
  const one = async () => {
    while (going) {
      const number = count++;
      const wait = rate ? started + (number * 1_000) / rate - performance.now() : 0;
      if (wait > 0) await sleep(wait);
      if (!going) return;
      // The server may close the connection before it has read a rejected request.
      const status = await send(url, agent, token, bodies[number % bodies.length]).then((response) => response.status, (error) => error.code);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  const all = Promise.all(Array.from({ length: CONNECTIONS }, one));
  process.stdin.resume();
  await once(process.stdin, 'end');
  going = false;
  const elapsed = (performance.now() - started) / 1_000;
  await all;
  agent.destroy();
  console.log(JSON.stringify({ elapsed, statuses }));
}

/** Returns the percentiles of durations. */
function percentiles(all) {
  all.sort((a, b) => a - b);
  const at = (part) => all[Math.min(all.length - 1, Math.floor(all.length * part))];
  return { count: all.length, p50: at(0.5), p99: at(0.99), most: all.at(-1) };
}

/** Samples the memory of a process without mapped files, which others share; returns a function that ends it with the peak in MiB. */
function peakMemory(pid) {
  let peak = 0;
  const sample = () => {
    const kib = Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
    peak = Math.max(peak, kib / 1024);
  };
  const timer = setInterval(sample, 10);
  return () => {
    clearInterval(timer);
    sample();
    return peak;
  };
}

/** Runs the ordinary queries of one client at `RATE`; returns their percentiles, the CPU time used and the peak memory. */
async function measure(server, seconds, attacker) {
  const endPeak = peakMemory(server.pid);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const [bytes, running] = [body(ordinary), []];
  const before = used(server.pid, attacker);
  const started = performance.now();
  for (let i = 0; i < seconds * RATE; i++) {
    const wait = started + (i * 1_000) / RATE - performance.now();
    if (wait > 0) await sleep(wait);
    running.push(send(server.url, agent, server.victim, bytes));
  }
  const results = await Promise.all(running);
  const elapsed = (performance.now() - started) / 1_000;
  const after = used(server.pid, attacker);
  agent.destroy();
  const wrong = results.find(({ status }) => status !== 200);
  if (wrong) throw new Error(`the ordinary query failed with status ${wrong.status}`);
  const peak = endPeak();
  const cpu = Object.fromEntries(Object.keys(after).map((who) => [who, (after[who] - before[who]) / elapsed]));
  return { ...percentiles(results.map(({ took }) => took)), cpu, peak };
}

/** Measures the same during an attack. */
async function measureDuring(server, setting, seconds) {
  const arguments_ = ['-n', '19', process.execPath, fileURLToPath(import.meta.url), 'attacker', server.url, server.attacker, setting];
  const attacker = spawn('nice', arguments_, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(attacker.stdout)[Symbol.asyncIterator]();
  await sleep(1_000);
  const loud = await measure(server, seconds, attacker.pid);
  attacker.stdin.end();
  const { elapsed, statuses } = JSON.parse((await lines.next()).value);
  const attacks = Object.values(statuses).reduce((a, b) => a + b, 0);
  return { ...loud, attacks: attacks / elapsed, statuses };
}

/** CPU time of a process, and of the whole machine, in seconds. */
const ofProcess = (pid) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(stat[11]) + Number(stat[12])) / 100;
};
const ofMachine = () => {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/ +/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / 100;
};

/** Returns the CPU time used so far by each process, in seconds. */
function used(server, attacker) {
  const own = process.cpuUsage();
  const known = { server: ofProcess(server), attacker: attacker ? ofProcess(attacker) : 0, client: (own.user + own.system) / 1e6 };
  return { ...known, others: ofMachine() - known.server - known.attacker - known.client };
}

async function serve() {
  const program = process.env.AUDITGRAPH_PROGRAM ?? fileURLToPath(new URL('../target/fast/auditgraph', import.meta.url));
  // Two callers, each with its own limits.
  const token = (subject) => {
    const of = ['token', '--tenant', 'contoso', '--role', 'GLOBAL_ADMIN', '--permission', 'audit/write', '--subject', subject];
    return execFileSync(program, of, { encoding: 'utf8' }).trim();
  };
  const [log, { AUDITGRAPH_SERVER_LOG: file, ...env }] = [openSync(process.env.AUDITGRAPH_SERVER_LOG, 'w'), process.env];
  const child = spawn(program, ['serve', '--listen', '127.0.0.1:0', '--metrics-listen', 'off'], { env, stdio: ['ignore', log, log] });
  for (;;) {
    await sleep(20);
    const serverLog = readFileSync(file, 'utf8');
    const port = /listening.*127\.0\.0\.1:(\d+)/.exec(serverLog)?.[1];
    if (port) return { child, pid: child.pid, url: `http://127.0.0.1:${port}`, victim: token('victim'), attacker: token('attacker') };
    if (child.exitCode !== null) throw new Error(`the server exited: ${serverLog}`);
  }
}

const ms = (number) => `${number.toFixed(2)} ms`;

/** Measures each document without other load. */
async function alone(server) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const [kind, documents] of Object.entries(DOCUMENTS)) {
    for (const [name, query] of Object.entries(documents)) {
      const [all, bytes] = [[], body(query)];
      const before = ofProcess(server.pid);
      for (let i = 0; i < 200; i++) all.push((await send(server.url, agent, server.attacker, bytes)).took);
      const { p50, p99 } = percentiles(all);
      const each = ((ofProcess(server.pid) - before) / 200) * 1_000;
      console.log(`${kind}: ${name}, ${bytes.length} bytes: p50 ${ms(p50)}, p99 ${ms(p99)}, CPU ${ms(each)}`);
    }
  }
  agent.destroy();
}

async function pairs(server, setting, seconds) {
  const ratios = [];
  for (let i = 0; i < PAIRS; i++) {
    const quiet = await measure(server, seconds);
    const loud = await measureDuring(server, setting, seconds);
    const ratio = { p50: loud.p50 / quiet.p50, p99: loud.p99 / quiet.p99 };
    ratios.push(ratio);
    const share = (cpu) => Object.entries(cpu).map(([who, time]) => `${who} ${time.toFixed(2)}`).join(', ');
    const shown = ({ count, p50, p99, cpu, peak }) =>
      `${count} queries, p50 ${ms(p50)}, p99 ${ms(p99)}; peak memory ${peak.toFixed(0)} MiB; CPU a second: ${share(cpu)}`;
    console.log(`undisturbed: ${shown(quiet)}`);
    console.log(`during ${loud.attacks.toFixed(0)} a second of ${setting}: ${shown(loud)}; ${JSON.stringify(loud.statuses)}`);
    console.log(`ratio: p50 ${ratio.p50.toFixed(1)}, p99 ${ratio.p99.toFixed(1)}`);
  }
  const median = (of) => percentiles(ratios.map(of)).p50.toFixed(1);
  console.log(`${setting}: median ratio p50 ${median((ratio) => ratio.p50)}, p99 ${median((ratio) => ratio.p99)}`);
}

const [, , first, ...rest] = process.argv;
if (first === 'attacker') {
  await attack(...rest);
} else {
  const server = await serve();
  try {
    await measure(server, 2); // warm
    for (const setting of rest.length > 0 ? rest : SETTINGS) {
      await (setting === 'alone' ? alone(server) : pairs(server, setting, Number(first ?? 8)));
    }
  } finally {
    server.child.kill();
  }
}
