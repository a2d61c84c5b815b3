// Hundreds of attack documents: the memory of the server stays flat, and it keeps responding.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ask, authorization, send } from './server.mjs';

const status = `/proc/${process.env.AUDITGRAPH_SERVER_PID}/status`;
const MAY_GROW_KIB = 64 * 1024;

/** Peak memory of the server, in KiB. */
const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))[1]);

const times = (n, text) => Array.from({ length: n }, (_, i) => text(i)).join(' ');
const deep = (n) => `${'['.repeat(n)}${']'.repeat(n)}`;
const list = (n) => JSON.stringify(Array(n).fill(1));

const documents = {
  nesting: `{ node(id: ${deep(30_000)}) { id } }`,
  doubling: `{ ...f0 } ${times(45, (i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)} fragment f45 on Query { a }`,
  aliases: `{ ${times(3_900, (i) => `a${i}: __typename`).slice(0, 60_000)} }`,
  directives: `{ __typename ${'@skip(if: false) '.repeat(3_000)} }`,
  string: `{ node(id: "${'x'.repeat(900_000)}") { id } }`,
  blocks: `{ node(id: """${'\\"""'.repeat(15_000)}`,
  operations: times(3_000, (i) => `query q${i} { a }`),
  variables: `query(${times(3_000, (i) => `$v${i}: Int`)}) { a }`,
  lists: `{ nodes(ids: ${list(30_000)}) { id } }`,
  comments: `${'#\n'.repeat(30_000)}{ __typename }`,
  marks: `${'\ufeff'.repeat(20_000)}{ __typename }`,
  pages: `{ ${times(20, (i) => `a${i}: auditEvents(first: 200) { nodes { raw unmapped } }`)} }`,
};
const bodies = Object.values(documents).map((query) => JSON.stringify({ query }));
bodies.push(`{"query":"{ __typename }","variables":{"a":${deep(100_000)}}}`);
bodies.push(`{"query":"query($i: [ID!]!) { nodes(ids: $i) { id } }","variables":{"i":${list(200_000)}}}`);

test('attack documents do not increase memory', { skip: existsSync(status) ? false : 'needs /proc' }, async () => {
  const headers = { ...authorization('AUDIT_READER'), 'content-type': 'application/json' };
  const attack = async (rounds) => {
    for (let round = 0; round < rounds; round++) {
      const responses = await Promise.all(bodies.map((body) => send({ method: 'POST', headers, body })));
      for (const response of responses) assert(response.status < 500 && response.json, response.text.slice(0, 300));
    }
  };
  await attack(3);
  const before = peak();
  await attack(30);
  const grown = peak() - before;
  assert(grown < MAY_GROW_KIB, `${grown} KiB more`);
  assert.equal((await ask('{ __typename }')).json.data.__typename, 'Query');
});
