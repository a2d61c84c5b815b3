// The Python client gql: variables that are None, and subscriptions by its two WebSocket transports.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { environment } from './python.mjs';

const folder = join(import.meta.dirname, 'gql');
const { venv, reason } = environment(folder, '.venv-gql');
if (reason) console.error(`gql is left out: ${reason}`);

test('gql queries and subscribes', { skip: reason ?? false }, () => {
  const ended = spawnSync(join(venv, 'bin/python'), ['client.py'], { cwd: folder, encoding: 'utf8', timeout: 120_000 });
  assert.equal(ended.status, 0, ended.stderr);
  const { unset, aiohttp, websockets } = JSON.parse(ended.stdout);
  assert(unset.auditEvents.occurredAt.from, 'None is as omitted: the default period, not all time');
  assert(aiohttp.auditEventsRecorded.resumeCursor);
  // WebsocketsTransport looks for the header `Sec-WebSocket-Protocol` in this case only, and falls back to the older
  // protocol if a server writes it in lower case.
  assert(websockets.auditEventsRecorded || /graphql-ws;.*graphql-transport-ws/.test(websockets), JSON.stringify(websockets));
});
