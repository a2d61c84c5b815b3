// Clients as they are installed, with their defaults: queries by GET, persisted queries, subscriptions by fetch, null for
// variables without a value, and reading the schema.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ApolloClient, HttpLink, InMemoryCache, gql as apolloGql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { loadSchema } from '@graphql-tools/load';
import { UrlLoader } from '@graphql-tools/url-loader';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { GraphQLClient } from 'graphql-request';
import relay from 'relay-runtime';
import { ask, authorization, endpoint, send } from './server.mjs';

const headers = authorization('AUDIT_READER');
const VIEWER = '{ viewer { subject } }';

/** A fetch that keeps what it sends. */
function recording() {
  const sent = [];
  const fetch = (address, init) => {
    sent.push({ method: init?.method ?? 'GET', url: new URL(String(address)), headers: new Headers(init?.headers) });
    return globalThis.fetch(address, init);
  };
  return { sent, fetch };
}

const methods = (sent) => sent.map(({ method }) => method);
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** The first result of a source of urql or of an observable. */
const first = (source) =>
  new Promise((resolve) => {
    const subscription = source.subscribe((result) => {
      resolve(result);
      queueMicrotask(() => subscription.unsubscribe());
    });
  });

test('urql sends queries by GET', async () => {
  const { sent, fetch } = recording();
  const client = new Client({ url: endpoint, fetch, fetchOptions: { headers }, exchanges: [fetchExchange] });
  const { data, error } = await client.query(VIEWER, {}).toPromise();
  assert.equal(error, undefined);
  assert.equal(data.viewer.subject, 'demo-audit-reader');
  assert.deepEqual(methods(sent), ['GET']);
});

test('urql sends persisted queries by GET', async () => {
  const { sent, fetch } = recording();
  const exchanges = [persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange];
  const client = new Client({ url: endpoint, fetch, fetchOptions: { headers }, exchanges });
  for (const query of [`query UrqlPersisted ${VIEWER}`, `query UrqlPersisted ${VIEWER}`]) {
    const { data, error } = await client.query(query, {}, { requestPolicy: 'network-only' }).toPromise();
    assert.equal(error, undefined);
    assert.equal(data.viewer.subject, 'demo-audit-reader');
  }
  assert.equal(sent.length, 3, 'the first request names an unknown hash');
  assert.equal(sent.at(-1).method, 'GET');
  assert(sent.at(-1).url.searchParams.has('extensions') && !sent.at(-1).url.searchParams.has('query'));
});

test('urql subscribes by fetch', async () => {
  const { sent, fetch } = recording();
  const client = new Client({
    url: endpoint, fetch, fetchOptions: { headers }, exchanges: [fetchExchange], fetchSubscriptions: true,
  });
  const { data, error } = await first(client.subscription('subscription { auditEventsRecorded { resumeCursor } }', {}));
  assert.equal(error, undefined);
  assert(data.auditEventsRecorded.resumeCursor);
  assert.match(sent[0].headers.get('accept'), /text\/event-stream/);
});

test('Apollo Client sends queries by GET', async () => {
  const { sent, fetch } = recording();
  const link = new HttpLink({ uri: endpoint, fetch, headers, useGETForQueries: true });
  const client = new ApolloClient({ link, cache: new InMemoryCache(), clientAwareness: { name: 'test', version: '1' } });
  const { data } = await client.query({ query: apolloGql(VIEWER) });
  assert.equal(data.viewer.subject, 'demo-audit-reader');
  assert.deepEqual(methods(sent), ['GET']);
});

test('Apollo Client sends persisted queries by GET', async () => {
  const { sent, fetch } = recording();
  const link = new PersistedQueryLink({ sha256, useGETForHashedQueries: true }).concat(new HttpLink({ uri: endpoint, fetch, headers }));
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  for (let i = 0; i < 2; i++) {
    const { data } = await client.query({ query: apolloGql(`query ApolloPersisted ${VIEWER}`), fetchPolicy: 'network-only' });
    assert.equal(data.viewer.subject, 'demo-audit-reader');
  }
  assert.deepEqual(methods(sent).filter((method) => method === 'GET').length >= 2, true, methods(sent).join());
  assert(!sent.at(-1).url.searchParams.has('query'));
});

test('an unknown document id does not make Apollo Client send the document again', async () => {
  const response = await send({
    method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ documentId: 'unknown' }),
  });
  assert.equal(response.errors[0].extensions.code, 'DOCUMENT_NOT_FOUND');
  assert.doesNotMatch(response.text, /persisted/i);
});

test('graphql-request sends queries by GET', async () => {
  const { sent, fetch } = recording();
  const client = new GraphQLClient(endpoint, { method: 'GET', fetch, headers });
  const data = await client.request('query ($id: ID!) { node(id: $id) { id } viewer { subject } }', { id: 'x' });
  assert.deepEqual(data, { node: null, viewer: { subject: 'demo-audit-reader' } });
  assert.deepEqual(methods(sent), ['GET']);
});

/** A query as the compiler of Relay writes it: every variable has a default, null if the query has none. */
function compiled(name, text, variables, selections) {
  const argumentDefinitions = variables.map((variable) => ({ kind: 'LocalArgument', name: variable, defaultValue: null }));
  const operation = { kind: 'Operation', name, argumentDefinitions, selections };
  const fragment = { kind: 'Fragment', name, type: 'Query', metadata: null, abstractKey: null, argumentDefinitions, selections };
  const params = { id: null, cacheID: sha256(text), name, text, operationKind: 'query', metadata: {} };
  return { kind: 'Request', fragment, operation, params };
}

test('Relay sends null for variables without a value, which is as omitted', async () => {
  const text = `query List($category: String, $search: String, $first: Int, $period: AuditPeriodInput, $top: Int) {
    auditEvents(first: $first, occurredAt: $period, filter: { category: { eq: $category }, search: $search }) {
      totalCount occurredAt { from }
    }
    auditEventSummary(occurredAt: $period) { facet(field: STATUS, top: $top) { noneCount } }
  }`;
  const selections = [{ kind: 'ScalarField', alias: null, args: null, name: '__typename', storageKey: null }];
  const query = compiled('List', text, ['category', 'search', 'first', 'period', 'top'], selections);
  let sent, received;
  const network = relay.Network.create(async (params, variables) => {
    sent = variables;
    const response = await ask(params.text, variables);
    received = response.json;
    return { data: { __typename: '__Root' } };
  });
  const environment = new relay.Environment({ network, store: new relay.Store(new relay.RecordSource()) });
  await relay.fetchQuery(environment, query, {}).toPromise();
  assert.deepEqual(sent, { category: null, search: null, first: null, period: null, top: null });
  assert.equal(received.errors, undefined, JSON.stringify(received.errors));
  const { json: omitted } = await ask(text, {});
  assert(received.data.auditEvents.occurredAt.from, 'the default period, not all time');
  assert.equal(received.data.auditEvents.totalCount, omitted.data.auditEvents.totalCount);
});

test('the loader of graphql-codegen reads the schema', async () => {
  const schema = await loadSchema(endpoint, { loaders: [new UrlLoader()], headers });
  assert(schema.getType('AuditEvent'));
});

test('gzip is preferred to zstd', async () => {
  const coding = async (accepted) => {
    const init = { method: 'POST', headers: { ...headers, 'content-type': 'application/json', 'accept-encoding': accepted } };
    const query = '{ __schema { types { name description } } }';
    const response = await fetch(endpoint, { ...init, body: JSON.stringify({ query }) });
    await response.body.cancel();
    return response.headers.get('content-encoding');
  };
  assert.equal(await coding('gzip, deflate, br, zstd'), 'gzip');
});
