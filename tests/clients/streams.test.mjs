// Subscriptions with graphql-ws and graphql-sse: they connect, receive, resume and end cleanly.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient as createSse } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';
import WebSocket from 'ws';
import { ask, authorization, endpoint, send, token, url } from './server.mjs';

const query = `subscription ($after: String, $filter: AuditEventFilter) {
  auditEventsRecorded(after: $after, filter: $filter) { edges { node { eventKey } } resumeCursor safeUpTo }
}`;

/** Records events under these keys. */
async function record(...keys) {
  const event = (eventKey) => ({
    eventKey, occurredAt: new Date().toISOString(), activity: 'Approve payment', category: 'Payments', service: 'Contoso Payroll',
    status: 'SUCCESS', actor: { system: { name: 'Nightly job' } },
  });
  const headers = { 'content-type': 'application/json', ...authorization('RECORD') };
  const response = await send({ address: `${url}/v1/events`, method: 'POST', headers, body: JSON.stringify(keys.map(event)) });
  assert.equal(response.status, 201, response.text);
}

/** Reads results until there are at least `count` events. */
async function take(results, count) {
  const keys = [];
  for (;;) {
    const { value, done } = await results.next();
    assert(!done, 'the stream ended');
    assert.equal(value.errors, undefined, JSON.stringify(value.errors));
    const batch = value.data.auditEventsRecorded;
    keys.push(...batch.edges.map((edge) => edge.node.eventKey));
    if (keys.length >= count) return { keys, after: batch.resumeCursor };
  }
}

const clients = {
  'graphql-ws': () =>
    createSocket({ url: endpoint.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0,
      connectionParams: { authorization: `Bearer ${token('AUDIT_READER')}` } }),
  'graphql-sse': () => createSse({ url: endpoint, headers: authorization('AUDIT_READER'), retryAttempts: 0 }),
};

for (const [name, create] of Object.entries(clients)) {
  test(`${name}: connects, receives, resumes, ends cleanly`, async () => {
    const client = create();
    const results = client.iterate({ query });
    await take(results, 0);
    await record(`${name}-1`, `${name}-2`);
    const { keys, after } = await take(results, 2);
    assert.deepEqual(keys, [`${name}-1`, `${name}-2`]);
    await results.return();
    await record(`${name}-3`);
    const resumed = client.iterate({ query, variables: { after } });
    assert.deepEqual((await take(resumed, 1)).keys, [`${name}-3`]);
    await record(`${name}-4`);
    assert.deepEqual((await take(resumed, 1)).keys, [`${name}-4`]);
    await resumed.return();
    await client.dispose();
  });

  test(`${name}: an invalid filter ends the subscription with its code`, async () => {
    const client = create();
    const results = client.iterate({ query, variables: { filter: { search: '' } } });
    let code;
    try {
      code = (await results.next()).value.errors[0].extensions.code;
    } catch (refused) {
      code = refused[0].extensions.code;
    }
    assert.equal(code, 'BAD_USER_INPUT');
    await client.dispose();
  });
}

test('graphql-ws: an invalid token closes the connection', async () => {
  const client = createSocket({ url: endpoint.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0,
    connectionParams: { authorization: 'Bearer nonsense' } });
  await assert.rejects(client.iterate({ query }).next(), (closed) => closed.code === 4403);
});

test('a subscription resumes from a cursor of the feed', async () => {
  const polled = await ask('{ auditLogInfo { feedCursor } }');
  await record('after-the-poll');
  const client = clients['graphql-ws']();
  const results = client.iterate({ query, variables: { after: polled.json.data.auditLogInfo.feedCursor } });
  assert.deepEqual((await take(results, 1)).keys, ['after-the-poll']);
  await client.dispose();
});
