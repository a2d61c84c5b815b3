// Requests that a page of another site or an unauthenticated client could send: the checks of graphql-cop and of the
// OWASP cheat sheet on request handling and on information in responses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { RESPONSE_SECONDS_MAX, ask, authorization, endpoint, post, send, token } from './server.mjs';

const admin = authorization('GLOBAL_ADMIN');
const json = { 'content-type': 'application/json' };
const typename = { query: 'query cop { __typename }' };
const evil = 'https://evil.example';

/** Asserts that nothing was executed, and that the status is a client error. */
function refused(response, ...statuses) {
  assert.equal(response.json?.data?.__typename, undefined, response.text);
  assert(response.status >= 400 && response.status < 500, `${response.status}: ${response.text}`);
  if (statuses.length > 0) assert(statuses.includes(response.status), `${response.status}: ${response.text}`);
}

const get = (query, headers) =>
  send({ address: `${endpoint}?${new URLSearchParams({ query })}`, headers: { ...admin, ...headers } });

test('no IDE is served at the endpoint itself', async () => {
  const response = await send({ headers: { ...admin, accept: 'text/html' } });
  assert(!/graphiql|playground|apollo.*sandbox|altair/i.test(response.text), response.text);
});

test('GET without a header that forces a preflight is refused', async () => {
  const address = `${endpoint}?${new URLSearchParams({ query: 'query cop { __typename }' })}`;
  refused(await send({ address }), 400);
  refused(await send({ address, headers: { 'content-type': 'text/plain' } }), 400);
  refused(await send({ address, headers: { 'apollo-require-preflight': '1' } }), 401);
  // A page of another site cannot send `Authorization` without a preflight request.
  assert.equal((await get('query cop { __typename }')).json.data.__typename, 'Query');
});

test('GET never runs a mutation or a subscription', async () => {
  for (const operation of ['mutation cop { __typename }', 'subscription cop { auditEventsRecorded { safeUpTo } }'])
    refused(await get(operation), 405);
});

const simple = (type, body) => send({ method: 'POST', headers: { ...admin, 'content-type': type }, body });

test('a form is refused', async () => {
  refused(await simple('application/x-www-form-urlencoded', new URLSearchParams(typename).toString()), 415);
});

test('JSON sent as text is refused', async () => {
  refused(await simple('text/plain', JSON.stringify(typename)), 415);
});

test('JSON without a content type is refused', async () => {
  refused(await send({ method: 'POST', headers: admin, body: new TextEncoder().encode(JSON.stringify(typename)) }), 415);
});

test('a multipart body is refused', async () => {
  const part = (name, value) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const body = `${part('operations', JSON.stringify(typename))}${part('map', '{}')}--b--\r\n`;
  refused(await simple('multipart/form-data; boundary=b', body), 415);
});

test('a batch is refused', async () => {
  refused(await post(Array(10).fill(typename)), 400);
});

test('PUT, DELETE and PATCH are refused with an Allow header', async () => {
  for (const method of ['PUT', 'DELETE', 'PATCH']) {
    const response = await send({ method, headers: { ...admin, ...json }, body: JSON.stringify(typename) });
    refused(response, 405);
    assert(response.headers.get('allow'), method);
  }
});

test('an unlisted origin is rejected', async () => {
  const preflight = await send({
    method: 'OPTIONS',
    headers: { origin: evil, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
  });
  for (const response of [preflight, await post(typename, { ...admin, origin: evil })]) {
    assert.equal(response.headers.get('access-control-allow-origin'), null);
    assert.equal(response.headers.get('access-control-allow-credentials'), null);
  }
});

test('a body that is nested 20,000 levels deep is refused', async () => {
  const body = `{"query":"{ __typename }","variables":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`;
  refused(await send({ method: 'POST', headers: { ...admin, ...json }, body }), 400);
  assert.equal((await ask('{ __typename }')).status, 200);
});

test('a compressed body that unpacks to 100 MB is refused', async () => {
  const body = gzipSync(`{"query":"{ __typename } #${' '.repeat(100_000_000)}"}`);
  const response = await send({ method: 'POST', headers: { ...admin, ...json, 'content-encoding': 'gzip' }, body });
  refused(response, 400, 413, 415);
  assert(response.seconds < RESPONSE_SECONDS_MAX, `${response.seconds} s`);
});

test('responses have no tracing and no exception', async () => {
  for (const query of ['query cop { __typename }', 'qwerty cop { abc }', '{ nothing }']) {
    const { json: body } = await ask(query);
    assert.equal(body.extensions?.tracing, undefined);
    for (const error of body.errors ?? [])
      for (const key of ['tracing', 'exception', 'stacktrace']) assert(!(key in (error.extensions ?? {})), key);
  }
});

const LEAKS =
  /stack backtrace|panicked at|\bat src\/|\/\.cargo\/|\.rs:\d+|sqlx|sea_orm|sqlite|syntax error at or near|relation \\?"|SELECT .* FROM|no such (table|column)/i;

test('errors name no files, no SQL and no libraries', async () => {
  const page = (rest) => `{ auditEvents(first: 1, ${rest}) { pageInfo { hasNextPage } } }`;
  const responses = [
    await ask('{'),
    await ask(page(`after: "'\\"; --"`)),
    await ask(`{ node(id: "\\u0000'") { id } }`),
    await ask(page(`filter: {search: "%'\\"\\\\\\u0000*:("}`)),
    await ask('query($d: DateTime) { auditEvents(occurredAt: {between: {from: $d}}) { pageInfo { hasNextPage } } }', {
      d: '0000-00-00T99:99:99Z',
    }),
    await post({ query: null }),
    await send({ method: 'POST', headers: { ...admin, ...json }, body: '{' }),
  ];
  for (const response of responses) {
    assert(response.status < 500, response.text);
    assert(!LEAKS.test(response.text), response.text);
  }
});

test('errors for unknown fields suggest no field that exists', async () => {
  for (const query of ['{ __schema { directive } }', '{ viewe nod auditEvent_ }', 'mutation { recordAuditEvent }']) {
    const response = await ask(query);
    assert(response.errors.length > 0);
    assert(!/did you mean/i.test(response.text), response.text);
  }
});

test('responses have nosniff and no server version', async () => {
  const { headers } = await ask('{ __typename }');
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert(!/\d/.test(headers.get('server') ?? ''));
  assert.equal(headers.get('x-powered-by'), null);
});

test('nothing is readable without a token, not even the schema', async () => {
  for (const query of ['{ auditEvents(first: 1) { totalCount } }', '{ __schema { types { name } } }', '{ __typename }'])
    refused(await post({ query }, {}), 401);
});

const base64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('an unsigned token is rejected', async () => {
  const claims = base64({ sub: 'x', tid: 'contoso', exp: 4102444800, roles: ['GlobalAdmin'] });
  for (const header of [{ alg: 'none', typ: 'JWT' }, { alg: 'None' }, { alg: 'HS256', typ: 'JWT' }])
    for (const signature of ['', 'AAAA']) {
      const forged = `${base64(header)}.${claims}.${signature}`;
      refused(await post({ query: '{ viewer { subject } }' }, { authorization: `Bearer ${forged}` }), 401);
    }
});

test('a token with changed claims is rejected', async () => {
  const [header, claims, signature] = token('AUDIT_READER').split('.');
  const changed = { ...JSON.parse(Buffer.from(claims, 'base64url')), roles: ['GlobalAdmin'] };
  const forged = `${header}.${base64(changed)}.${signature}`;
  refused(await post({ query: '{ viewer { subject } }' }, { authorization: `Bearer ${forged}` }), 401);
  refused(await post({ query: '{ viewer { subject } }' }, { authorization: `Bearer ${header}.${claims}.` }), 401);
});
