// The reverse-proxy examples of docs/operations, run by the real nginx and Caddy in front of the real server: TLS with a
// certificate made here, GraphQL by POST, a WebSocket, server-sent events, and the address of the client. Only the name,
// the ports and the certificate of an example are replaced. Started by `scripts/test clients`, which sets AUDITGRAPH_PROGRAM,
// and PROXIES to the programs that are there.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const program = process.env.AUDITGRAPH_PROGRAM;
const examples = join(import.meta.dirname, '../../docs/operations');
const wanted = (process.env.PROXIES ?? 'nginx caddy').split(' ').filter(Boolean);
const START_SECONDS_MAX = 60;
/** An address of this machine that is neither the server's nor the proxy's. */
const CLIENT_ADDRESS = '127.0.0.9';

const folder = mkdtempSync(join(tmpdir(), 'auditgraph-proxies-'));
const processes = [];
const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AUDITGRAPH_')));
const settings = {
  ...clean,
  AUDITGRAPH_DATABASE_URL: `sqlite://${folder}/log.db`,
  AUDITGRAPH_JWT_SECRET: execFileSync('openssl', ['rand', '-base64', '48'], { encoding: 'utf8' }).trim(),
};
const auditgraph = (...words) => execFileSync(program, words, { env: settings, encoding: 'utf8' }).trim();

/** A port that is free now. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a program that ends with this test. */
function start(file, words, options) {
  const child = spawn(file, words, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
  processes.push(child);
  child.log = '';
  child.stderr.on('data', (data) => (child.log += data));
  return child;
}

/** Starts the server. Returns its address. */
async function startServer() {
  auditgraph('tenant', 'add', 'contoso');
  const words = ['serve', '--listen', '127.0.0.1:0', '--metrics-listen', 'off', '--log-format', 'json'];
  words.push('--trusted-proxies', '127.0.0.1', '--access-window-ms', '10');
  const child = start(program, words, { env: settings });
  for await (const line of createInterface({ input: child.stderr })) {
    const { fields } = JSON.parse(line);
    if (fields.message === 'listening') return fields.address;
  }
  throw new Error(`the server did not start: ${child.log}`);
}

/** Replaces a part of an example that differs on every machine. */
function replace(text, ...changes) {
  for (const [from, to] of changes) {
    assert(text.includes(from), `the example has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const certificate = join(folder, 'certificate.pem');
const key = join(folder, 'key.pem');

/** How each proxy is started on a port in front of a server: the words of its command line. */
const proxies = {
  nginx(server, port, plainPort) {
    const site = replace(readFileSync(join(examples, 'nginx.conf'), 'utf8'), ['127.0.0.1:8080', server],
      ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`], ['listen 80;', `listen 127.0.0.1:${plainPort};`],
      ['/etc/ssl/audit.example.pem', certificate], ['/etc/ssl/audit.example.key', key]);
    writeFileSync(join(folder, 'site.conf'), site);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`);
    const user = process.getuid() === 0 ? 'user root;' : '';
    const main = `${user} daemon off; pid ${folder}/nginx.pid; error_log stderr; worker_processes 1; events {}
      http { access_log off; ${temporary.join(' ')} include ${folder}/site.conf; }`;
    writeFileSync(join(folder, 'nginx.conf'), main);
    return ['nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder]];
  },
  caddy(server, port, plainPort) {
    const site = replace(readFileSync(join(examples, 'Caddyfile'), 'utf8'), ['127.0.0.1:8080', server],
      ['audit.example {', `https://127.0.0.1:${port} {\n\ttls ${certificate} ${key}`]);
    const options = `{\n\tadmin off\n\thttp_port ${plainPort}\n\thttps_port ${port}\n\tdefault_bind 127.0.0.1\n}\n`;
    writeFileSync(join(folder, 'Caddyfile'), options + site);
    return ['caddy', ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')]];
  },
};

let server;
let ca;
const tokens = {};

before(async () => {
  const subject = ['-subj', '/CN=audit.example', '-addext', 'subjectAltName=DNS:audit.example,IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1',
    '-keyout', key, '-out', certificate, ...subject], { stdio: 'ignore' });
  ca = readFileSync(certificate);
  server = await startServer();
  const token = (...grant) => auditgraph('token', '--tenant', 'contoso', '--subject', 'proxied', ...grant);
  tokens.admin = token('--role', 'GLOBAL_ADMIN');
  tokens.record = token('--permission', 'audit/write');
});

after(async () => {
  for (const child of processes) {
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Sends a request by HTTP/1.1 over TLS. */
function send(port, path, init = {}) {
  const { body, ...options } = init;
  return new Promise((resolve, reject) => {
    const request = requestHttps({ host: '127.0.0.1', port, path, ca, method: 'POST', ...options }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, headers: response.headers, text });
    });
    request.on('error', reject);
    request.end(body);
  });
}

const bearer = (token) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });
const graphql = (port, query, init = {}) =>
  send(port, '/graphql', { ...init, headers: { ...bearer(tokens.admin), ...init.headers }, body: JSON.stringify({ query }) });

/** Records an event through the proxy. */
async function record(port, eventKey) {
  const event = { eventKey, occurredAt: new Date().toISOString(), activity: 'Approve payment', category: 'Payments',
    service: 'Contoso Payroll', status: 'SUCCESS', actor: { system: { name: 'Nightly job' } } };
  const response = await send(port, '/v1/events', { headers: bearer(tokens.record), body: JSON.stringify(event) });
  assert.equal(response.status, 201, response.text);
}

/** Starts a proxy on free ports, and waits until it forwards requests. Another process may take a port first. */
async function startProxy(name) {
  for (let attempt = 1; ; attempt++) {
    const [port, plainPort] = [await freePort(), await freePort()];
    const [file, words] = proxies[name](server, port, plainPort);
    const environment = { ...clean, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    const child = start(file, words, { env: environment });
    const until = Date.now() + START_SECONDS_MAX * 1000;
    while (child.exitCode === null && Date.now() < until) {
      const ready = await send(port, '/readyz', { method: 'GET' }).catch(() => null);
      if (ready?.status === 200) return { port, plainPort };
      await delay(50);
    }
    if (attempt === 5 || !/address already in use/i.test(child.log)) throw new Error(`${name} did not start: ${child.log}`);
  }
}

const SUBSCRIPTION = 'subscription { auditEventsRecorded { resumeCursor } }';

for (const name of wanted)
  describe(`auditgraph behind ${name}`, () => {
    let port;
    let plainPort;
    before(async () => ({ port, plainPort } = await startProxy(name)));

    test('GraphQL by POST over TLS', async () => {
      const response = await graphql(port, '{ viewer { subject } }');
      assert.equal(response.text, '{"data":{"viewer":{"subject":"proxied"}}}');
      assert.equal(response.headers['strict-transport-security'], 'max-age=31536000');
      assert.match(response.headers['x-request-id'], /^[\w-]{8,}$/);
      const refused = await send(port, '/graphql', { headers: { 'content-type': 'application/json' }, body: '{}' });
      assert.equal(refused.status, 401, refused.text);
    });

    test('an oversized body gets the error of the server', async () => {
      const response = await send(port, '/v1/events', { headers: bearer(tokens.record), body: ' '.repeat(8.5 * 1024 * 1024) });
      assert.equal(response.status, 413, response.text);
      assert.match(response.text, /LIMIT_EXCEEDED/);
    });

    test('a WebSocket receives events', async () => {
      class Trusting extends WebSocket {
        constructor(address, protocols) {
          super(address, protocols, { ca });
        }
      }
      const client = createClient({ url: `wss://127.0.0.1:${port}/graphql`, webSocketImpl: Trusting, retryAttempts: 0,
        connectionParams: { authorization: `Bearer ${tokens.admin}` } });
      const results = client.iterate({ query: SUBSCRIPTION });
      assert((await results.next()).value.data.auditEventsRecorded);
      await record(port, `${name}-socket`);
      assert((await results.next()).value.data.auditEventsRecorded);
      await results.return();
      await client.dispose();
    });

    test('server-sent events arrive over HTTP/2 as they are recorded', async () => {
      const session = connectHttp2(`https://127.0.0.1:${port}`, { ca });
      const stream = session.request({ ':method': 'POST', ':path': '/graphql', ...bearer(tokens.admin),
        accept: 'text/event-stream' });
      stream.end(JSON.stringify({ query: SUBSCRIPTION }));
      const chunks = stream[Symbol.asyncIterator]();
      let text = '';
      const results = async (count) => {
        while ((text.match(/event: next/g) ?? []).length < count) {
          const { value, done } = await chunks.next();
          assert(!done, `the stream ended: ${text}`);
          text += value;
        }
      };
      await results(1);
      await record(port, `${name}-events`);
      await results(2);
      stream.close();
      session.close();
    });

    test('the address of the client cannot be forged', async () => {
      // A request of its own, which gets an access event of its own.
      const operation = `Address_${name}`;
      const forged = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.8' };
      const query = `query ${operation} { auditEvents(first: 1) { nodes { id } } }`;
      const response = await graphql(port, query, { headers: forged, localAddress: CLIENT_ADDRESS });
      assert.equal(response.status, 200, response.text);
      const accesses = `{ auditEvents(occurredAt: { window: ALL }, filter: { service: { eq: "auditgraph" } }) { nodes {
        actor { ipAddress } additionalDetails { key value } } } }`;
      let found;
      for (const until = Date.now() + START_SECONDS_MAX * 1000; !found && Date.now() < until; await delay(50)) {
        const logged = JSON.parse((await graphql(port, accesses)).text);
        found = logged.data.auditEvents.nodes.find((event) => event.additionalDetails.some((detail) => detail.value === operation));
      }
      assert.equal(found?.actor.ipAddress, CLIENT_ADDRESS);
    });

    test('plain HTTP is redirected', { skip: name === 'caddy' && 'Caddy redirects only names with its own certificates' }, async () => {
      const response = await fetch(`http://127.0.0.1:${plainPort}/graphql?query=x`, { redirect: 'manual' });
      assert.deepEqual([response.status, response.headers.get('location')], [308, 'https://127.0.0.1/graphql?query=x']);
    });
  });
