// Started by bench/attack, which says where the server is and who may ask it.
import { Agent, request } from 'node:http';

const seconds = Number(process.argv[2] ?? 10);
const { AUDITGRAPH_URL: url, AUDITGRAPH_TOKEN_GLOBAL_ADMIN: victim, AUDITGRAPH_TOKEN_AUDIT_READER: attacker } = process.env;
const CONNECTIONS = 16;

const times = (n, text) => Array.from({ length: n }, (_, i) => text(i)).join(' ');
const deep = (n) => `${'['.repeat(n)}${']'.repeat(n)}`;
const ordinary = `{ auditEvents(first: 50) { nodes { id occurredAt activity actor { name } targets { displayName } } } }`;
const refused = [
  `{ node(id: ${deep(30_000)}) { id } }`,
  `{ ...f0 } ${times(45, (i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)} fragment f45 on Query { a }`,
  `{ ${times(3_000, (i) => `a${i}: __typename`)} }`,
  `{ __typename ${'@skip(if: false) '.repeat(800)} }`,
  `{ node(id: "${'x'.repeat(60_000)}") { id } }`,
  times(1_000, (i) => `query q${i} { a }`),
  `query(${times(900, (i) => `$v${i}: Int`)}) { a }`,
  `{ ${times(20, (i) => `a${i}: auditEvents(first: 200) { nodes { id } }`)} }`,
  `{ viewer { ${times(990, () => 'nothing')} } }`,
];
// What is as dear as it may be, and so is answered.
const dear = [
  `{ auditEvents(first: 200) { nodes { id raw unmapped targets { modifiedProperties { name oldValue newValue } } } } }`,
  `{ auditEvents(period: null, filter: { search: "a" }) { totalCount } }`,
  `{ ${times(8, (i) => `a${i}: auditEvents(first: 200, period: null) { nodes { id activityDisplayName } }`)} }`,
];

/** Asks once; how long it took, in milliseconds, and the status. */
const ask = (agent, token, query) =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const sent = request(`${url}/graphql`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve({ took: performance.now() - started, status: response.statusCode }));
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ query }));
  });

/** The ordinary queries of one client, one after the other. */
async function measured(until) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const all = [];
  while (performance.now() < until) {
    const { took, status } = await ask(agent, victim, ordinary);
    if (status !== 200) throw new Error(`the ordinary query is answered with ${status}`);
    all.push(took);
  }
  agent.destroy();
  all.sort((a, b) => a - b);
  const at = (part) => all[Math.min(all.length - 1, Math.floor(all.length * part))];
  return { count: all.length, p50: at(0.5), p99: at(0.99) };
}

/** Attacks on many connections until then; how many requests that were. */
async function attacked(documents, until) {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let count = 0;
  const one = async (i) => {
    for (; performance.now() < until; i++, count++) await ask(agent, attacker, documents[i % documents.length]);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => one(i)));
  agent.destroy();
  return count;
}

const shown = ({ count, p50, p99 }) => `${count} queries, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
const soon = () => performance.now() + seconds * 1_000;
await measured(performance.now() + 2_000); // warm
for (const [what, documents] of [['documents that are refused', refused], ['queries as dear as they may be', dear]]) {
  const quiet = await measured(soon());
  const until = soon();
  const [loud, attacks] = await Promise.all([measured(until), attacked(documents, until)]);
  console.log(`undisturbed:                 ${shown(quiet)}`);
  console.log(`beside ${attacks} ${what}: ${shown(loud)}`);
  console.log(`ratio: p50 ${(loud.p50 / quiet.p50).toFixed(1)}, p99 ${(loud.p99 / quiet.p99).toFixed(1)}`);
}
