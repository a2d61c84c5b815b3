// Expensive documents: the checks of graphql-cop, the limits of graphql-armor, and some of our own. Each is rejected
// before execution with the name of the limit, and the server keeps responding.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESPONSE_SECONDS_MAX, ask, post } from './server.mjs';

const times = (n, text) => Array.from({ length: n }, (_, i) => text(i)).join(' ');

/** Asserts that the document exceeds a limit whose name matches, and that the server keeps responding. */
async function exceedsLimit(what, query, variables) {
  const response = await ask(query, variables);
  const [error] = response.errors;
  assert.equal(error?.extensions.code, 'LIMIT_EXCEEDED', response.text);
  assert.match(error.message, what);
  assert(error.extensions.asked > error.extensions.limit, response.text);
  assert.equal(response.json.data, undefined);
  assert(response.seconds < RESPONSE_SECONDS_MAX, `${response.seconds} s`);
  await responds();
}

async function responds() {
  const response = await ask('{ __typename }');
  assert.equal(response.json.data.__typename, 'Query');
  assert(response.seconds < RESPONSE_SECONDS_MAX, `${response.seconds} s`);
}

test('101 aliases of one field', () => exceedsLimit(/root fields/, `query cop { ${times(101, (i) => `a${i}: __typename`)} }`));

test('101 aliases below a field', () =>
  exceedsLimit(/aliases/, `{ viewer { ${times(101, (i) => `a${i}: subject`)} } }`));

test('1,000 aliases in a fragment', () =>
  exceedsLimit(/root fields|aliases/, `{ ...f } fragment f on Query { ${times(1000, (i) => `a${i}: __typename`)} }`));

test('500 times the same field', () => exceedsLimit(/root fields/, `{ ${'__typename '.repeat(500)} }`));

test('100 directives', () =>
  exceedsLimit(/directives/, `{ viewer { ${times(50, (i) => `a${i}: subject @skip(if: false) @include(if: true)`)} } }`));

test('1,000 directives', () =>
  exceedsLimit(/tokens/, `{ viewer { ${times(500, (i) => `a${i}: subject @skip(if: false) @include(if: true)`)} } }`));

test('100 directives on one field', () => exceedsLimit(/directives/, `{ __typename ${'@include(if: true) '.repeat(100)} }`));

test('10 unknown directives give fewer than 10 errors', async () => {
  const response = await ask(`{ __typename ${'@aa'.repeat(10)} }`);
  assert(response.errors.length > 0 && response.errors.length < 10, response.text);
});

test('circular introspection', () => {
  const circle = (depth) => (depth === 0 ? 'name' : `fields { type { ${circle(depth - 1)} } }`);
  return exceedsLimit(/introspection/, `{ __schema { types { ${circle(4)} } } }`);
});

test('introspection query of tools runs', async () => {
  const { getIntrospectionQuery } = await import('graphql');
  const response = await ask(getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true, oneOf: true }));
  assert.equal(response.json.data?.__schema.queryType.name, 'Query', response.text.slice(0, 500));
});

test('syntax error gives one error without an exception', async () => {
  const response = await ask('qwerty cop { abc }');
  assert.deepEqual(Object.keys(response.errors[0].extensions), ['code']);
  assert.equal(response.errors[0].extensions.code, 'GRAPHQL_PARSE_FAILED');
});

test('30 fragments that each spread the next one twice', () =>
  exceedsLimit(
    /root fields|fields/,
    `{ ...f0 } ${times(30, (i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)} fragment f30 on Query { __typename }`,
  ));

test('fragments that spread each other', async () => {
  const response = await ask('{ ...a } fragment a on Query { ...b ...b } fragment b on Query { ...a ...a }');
  assert.match(response.errors[0].message, /contains itself/);
  assert(response.seconds < RESPONSE_SECONDS_MAX, `${response.seconds} s`);
  await responds();
});

test('a selection 200 levels deep', () =>
  exceedsLimit(/levels/, `{ __schema { types { ${'fields { type { '.repeat(100)}name${' } }'.repeat(100)} } } }`));

test('a literal of 20,000 nested lists', () =>
  exceedsLimit(/levels|tokens/, `{ node(id: ${'['.repeat(20_000)}${']'.repeat(20_000)}) { id } }`));

test('20,000 tokens', () => exceedsLimit(/tokens|bytes/, `{ ${'__typename '.repeat(20_000)} }`));

test('5,000 short tokens', () => exceedsLimit(/tokens/, `{ ${'a '.repeat(5_000)} }`));

test('2 million characters', async () => {
  const response = await ask(`{ __typename } # ${'x'.repeat(2_000_000)}`);
  assert.equal(response.status, 413);
  assert.equal(response.errors[0].extensions.code, 'LIMIT_EXCEEDED');
});

test('100,000 characters', () => exceedsLimit(/bytes/, `{ __typename } # ${'x'.repeat(100_000)}`));

test('1,000 operations', async () => {
  const query = times(1000, (i) => `query q${i} { __typename }`);
  const response = await post({ query, operationName: 'q1' });
  assert.equal(response.errors[0].extensions.code, 'LIMIT_EXCEEDED');
});

test('at most 100 errors for 1,000 mistakes', async () => {
  const response = await ask(`{ viewer { ${times(1000, (i) => `nothing${i}`)} } }`);
  assert(response.errors.length > 0 && response.errors.length <= 100);
  assert(response.text.length < 100_000);
});

test('a page of a million events', async () => {
  const response = await ask('{ auditEvents(first: 1000000) { pageInfo { hasNextPage } } }');
  assert.match(response.errors[0].extensions.code, /BAD_USER_INPUT|LIMIT_EXCEEDED/);
});

test('a page of a negative size', async () => {
  const response = await ask('{ auditEvents(first: -1) { pageInfo { hasNextPage } } }');
  assert.equal(response.errors[0].extensions.code, 'BAD_USER_INPUT');
});

test('20 pages of 200 events', () =>
  exceedsLimit(/cost/, `{ ${times(20, (i) => `a${i}: auditEvents(first: 200) { edges { node { id } } }`)} }`));

test('20 counts over everything', () =>
  exceedsLimit(/cost/, `{ ${times(20, (i) => `a${i}: auditEvents(occurredAt: { window: ALL }, first: ${i + 1}) { totalCount }`)} }`));

test('variables of 100,000 bytes', () =>
  exceedsLimit(/variables/, 'query($id: ID!) { node(id: $id) { id } }', { id: 'x'.repeat(100_000) }));

test('10,000 ids', async () => {
  const response = await ask('query($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: Array(10_000).fill('x') });
  assert.equal(response.errors[0].extensions.code, 'LIMIT_EXCEEDED');
});

test('a filter 100 levels deep', async () => {
  let filter = { status: { in: ['SUCCESS'] } };
  for (let i = 0; i < 100; i++) filter = i < 4 ? { or: [filter, filter] } : { and: [filter] };
  const query = 'query($f: AuditEventFilter) { auditEvents(first: 1, filter: $f) { pageInfo { hasNextPage } } }';
  const response = await ask(query, { f: filter });
  assert(response.errors.length > 0 || response.status === 400, response.text);
  assert(response.seconds < RESPONSE_SECONDS_MAX, `${response.seconds} s`);
  await responds();
});
