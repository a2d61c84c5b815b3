// Documents made to be expensive: the questions of graphql-cop, the limits of graphql-armor, and some of our own.
// Each is refused by name, at once, and the next caller is answered as if nothing had happened.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESPONSE_SECONDS_MAX, ask, post } from './server.mjs';

const times = (n, text) => Array.from({ length: n }, (_, i) => text(i)).join(' ');

/** The document is refused as too large, with what there was too much of, and the server goes on. */
async function tooMuch(what, query, variables) {
  const answer = await ask(query, variables);
  const [error] = answer.errors;
  assert.equal(error?.extensions.code, 'LIMIT_EXCEEDED', answer.text);
  assert.match(error.message, what);
  assert(error.extensions.asked > error.extensions.limit, answer.text);
  assert.equal(answer.json.data, undefined);
  assert(answer.seconds < RESPONSE_SECONDS_MAX, `${answer.seconds} s`);
  await alive();
}

async function alive() {
  const answer = await ask('{ __typename }');
  assert.equal(answer.json.data.__typename, 'Query');
  assert(answer.seconds < RESPONSE_SECONDS_MAX, `${answer.seconds} s`);
}

test('101 aliases of one field', () => tooMuch(/root fields/, `query cop { ${times(101, (i) => `a${i}: __typename`)} }`));

test('101 aliases below a field', () =>
  tooMuch(/aliases/, `{ viewer { ${times(101, (i) => `a${i}: subject`)} } }`));

test('1,000 aliases in a fragment', () =>
  tooMuch(/root fields|aliases/, `{ ...f } fragment f on Query { ${times(1000, (i) => `a${i}: __typename`)} }`));

test('500 times the same field', () => tooMuch(/root fields/, `{ ${'__typename '.repeat(500)} }`));

test('100 directives', () =>
  tooMuch(/directives/, `{ viewer { ${times(50, (i) => `a${i}: subject @skip(if: false) @include(if: true)`)} } }`));

test('1,000 directives', () =>
  tooMuch(/tokens/, `{ viewer { ${times(500, (i) => `a${i}: subject @skip(if: false) @include(if: true)`)} } }`));

test('100 directives on one field', () => tooMuch(/directives/, `{ __typename ${'@include(if: true) '.repeat(100)} }`));

test('10 unknown directives give fewer than 10 errors', async () => {
  const answer = await ask(`{ __typename ${'@aa'.repeat(10)} }`);
  assert(answer.errors.length > 0 && answer.errors.length < 10, answer.text);
});

test('introspection that goes round in circles', () => {
  const circle = (depth) => (depth === 0 ? 'name' : `fields { type { ${circle(depth - 1)} } }`);
  return tooMuch(/introspection/, `{ __schema { types { ${circle(4)} } } }`);
});

test('introspection as tools ask it is answered', async () => {
  const { getIntrospectionQuery } = await import('graphql');
  const answer = await ask(getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true, oneOf: true }));
  assert.equal(answer.json.data?.__schema.queryType.name, 'Query', answer.text.slice(0, 500));
});

test('a document that does not parse gives one error without an exception', async () => {
  const answer = await ask('qwerty cop { abc }');
  assert.deepEqual(Object.keys(answer.errors[0].extensions), ['code']);
  assert.equal(answer.errors[0].extensions.code, 'GRAPHQL_PARSE_FAILED');
});

test('30 fragments that each spread the next one twice', () =>
  tooMuch(
    /root fields|fields/,
    `{ ...f0 } ${times(30, (i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)} fragment f30 on Query { __typename }`,
  ));

test('fragments that spread each other', async () => {
  const answer = await ask('{ ...a } fragment a on Query { ...b ...b } fragment b on Query { ...a ...a }');
  assert.match(answer.errors[0].message, /contains itself/);
  assert(answer.seconds < RESPONSE_SECONDS_MAX, `${answer.seconds} s`);
  await alive();
});

test('a selection 200 levels deep', () =>
  tooMuch(/levels/, `{ __schema { types { ${'fields { type { '.repeat(100)}name${' } }'.repeat(100)} } } }`));

test('a literal of 20,000 nested lists', () =>
  tooMuch(/levels|tokens/, `{ node(id: ${'['.repeat(20_000)}${']'.repeat(20_000)}) { id } }`));

test('20,000 tokens', () => tooMuch(/tokens|bytes/, `{ ${'__typename '.repeat(20_000)} }`));

test('5,000 short tokens', () => tooMuch(/tokens/, `{ ${'a '.repeat(5_000)} }`));

test('2 million characters', async () => {
  const answer = await ask(`{ __typename } # ${'x'.repeat(2_000_000)}`);
  assert.equal(answer.status, 413);
  assert.equal(answer.errors[0].extensions.code, 'LIMIT_EXCEEDED');
});

test('100,000 characters', () => tooMuch(/bytes/, `{ __typename } # ${'x'.repeat(100_000)}`));

test('1,000 operations', async () => {
  const query = times(1000, (i) => `query q${i} { __typename }`);
  const answer = await post({ query, operationName: 'q1' });
  assert.equal(answer.errors[0].extensions.code, 'LIMIT_EXCEEDED');
});

test('1,000 mistakes do not give 1,000 errors', async () => {
  const answer = await ask(`{ viewer { ${times(1000, (i) => `nothing${i}`)} } }`);
  assert(answer.errors.length > 0 && answer.errors.length <= 100);
  assert(answer.text.length < 100_000);
});

test('a page of a million events', async () => {
  const answer = await ask('{ auditEvents(first: 1000000) { pageInfo { hasNextPage } } }');
  assert.match(answer.errors[0].extensions.code, /BAD_USER_INPUT|LIMIT_EXCEEDED/);
});

test('a page of a negative size', async () => {
  const answer = await ask('{ auditEvents(first: -1) { pageInfo { hasNextPage } } }');
  assert.equal(answer.errors[0].extensions.code, 'BAD_USER_INPUT');
});

test('20 pages of 200 events', () =>
  tooMuch(/cost/, `{ ${times(20, (i) => `a${i}: auditEvents(first: 200) { edges { node { id } } }`)} }`));

test('20 counts over everything', () =>
  tooMuch(/cost/, `{ ${times(20, (i) => `a${i}: auditEvents(period: null, first: ${i + 1}) { totalCount }`)} }`));

test('variables of 100,000 bytes', () =>
  tooMuch(/variables/, 'query($id: ID!) { node(id: $id) { id } }', { id: 'x'.repeat(100_000) }));

test('10,000 ids', async () => {
  const answer = await ask('query($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: Array(10_000).fill('x') });
  assert.equal(answer.errors[0].extensions.code, 'LIMIT_EXCEEDED');
});

test('a filter 100 levels deep', async () => {
  let filter = { status: { in: ['SUCCESS'] } };
  for (let i = 0; i < 100; i++) filter = i < 4 ? { or: [filter, filter] } : { and: [filter] };
  const query = 'query($f: AuditEventFilter) { auditEvents(first: 1, filter: $f) { pageInfo { hasNextPage } } }';
  const answer = await ask(query, { f: filter });
  assert(answer.errors.length > 0 || answer.status === 400, answer.text);
  assert(answer.seconds < RESPONSE_SECONDS_MAX, `${answer.seconds} s`);
  await alive();
});
