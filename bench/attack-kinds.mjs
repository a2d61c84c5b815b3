// The attacks of bench/attack that hold memory, files or WebSockets, or send JSON that is costly to parse. A resource attack
// is a function that attacks until `isGoing` returns false, and then resolves to counts of what happened.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

/** JSON that nests deeply around a long string of escapes. */
const nested = (bytes) => `${'{"a":'.repeat(115)}"${'\\n'.repeat(bytes / 2)}"${'}'.repeat(115)}`;

/** Opens a connection; resolves to it, or to `undefined` if it is refused. */
const open = (url) =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });

const post = (path, token, length) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
const upgrade = () =>
  `GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`;

/** A text frame that announces `length` bytes, with those of `text`. */
function frame(text, length = text.length) {
  const head = Buffer.alloc(14);
  head[0] = 0x81;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.from(text)]);
}

/** Keeps `count` connections that have sent `bytes`, and opens new ones for those that the server ends. */
const hold = (count, bytes, reads = true) => async (url, token, isGoing) => {
  const totals = { opened: 0, ended: 0, refused: 0 };
  const keep = async () => {
    while (isGoing()) {
      const socket = await open(url);
      if (!socket) {
        totals.refused++;
        await sleep(50);
        continue;
      }
      totals.opened++;
      let isOpen = true;
      socket.on('close', () => (isOpen = false));
      if (reads) socket.resume();
      else socket.pause();
      const sent = bytes(token);
      if (sent.length > 0) socket.write(sent);
      while (isGoing() && isOpen) await sleep(20);
      if (!isOpen) totals.ended++;
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: count }, keep));
  return totals;
};

/** Sends messages over WebSockets without a token, as fast as the server takes them. */
const flood = (count, message) => async (url, _token, isGoing) => {
  const totals = { opened: 0, messages: 0 };
  const one = async () => {
    while (isGoing()) {
      const socket = await open(url);
      if (!socket) continue;
      totals.opened++;
      let isOpen = true;
      socket.on('close', () => (isOpen = false));
      socket.resume();
      socket.write(upgrade());
      while (isGoing() && isOpen) {
        totals.messages++;
        if (!socket.write(message)) await new Promise((done) => socket.once('drain', done).once('close', done));
        await sleep(1);
      }
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: count }, one));
  return totals;
};

/** Records compressed bodies of which each becomes 8 MB, with a new connection for each. */
const decompressed = (count) => async (url, token, isGoing) => {
  const body = gzipSync(Buffer.alloc(8_000_000, ' '), { level: 9 });
  const totals = {};
  const headers = {
    authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip',
  };
  const one = async () => {
    while (isGoing()) {
      const response = await fetch(`${url}/v1/events`, { method: 'POST', headers, body }).catch((error) => ({ status: error.name }));
      await response.body?.cancel();
      totals[response.status] = (totals[response.status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: count }, one));
  return totals;
};

const large = '{ auditEvents(first: 200, occurredAt: { window: ALL }) { nodes { raw unmapped } } }';

/** Bodies of GraphQL requests that are costly to parse, by kind. */
export const RAW_BODIES = {
  'nested-bodies': [Buffer.from(`{"query":"{ viewer { subject } }","variables":{"x":${nested(1_000_000)}}}`)],
};

export const RESOURCE_ATTACKS = {
  'nested-messages': flood(4, frame(`{"type":"ping","payload":${nested(255_000)}}`)),
  'half-messages': hold(500, () => Buffer.concat([Buffer.from(upgrade()), frame('x'.repeat(255_000), 262_000)])),
  'unfinished-bodies': hold(120, (token) => post('/graphql', token, 1_000_000) + ' '.repeat(999_000)),
  'announced-bodies': hold(300, (token) => post('/v1/events', token, 8_000_000) + '['),
  'compressed-bodies': decompressed(16),
  'unread-responses': hold(300, (token) => {
    const body = JSON.stringify({ query: large });
    return post('/graphql', token, body.length) + body;
  }, false),
  'idle-connections': hold(2_000, () => ''),
};
