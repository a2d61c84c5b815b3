// The description of the REST interface: a linter accepts it, generated clients in two languages work, and responses to
// generated requests are as described.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { environment } from './python.mjs';
import { authorization, token, url } from './server.mjs';

const here = import.meta.dirname;
const folder = join(here, 'openapi');
const address = `${url}/v1/openapi.json`;
const EXAMPLES = process.env.AUDITGRAPH_SCHEMATHESIS_EXAMPLES ?? '10';

/** Runs a program of the packages, or one with a path, and asserts that it succeeds. */
function run(program, args, options = {}) {
  const path = program.includes('/') ? program : join(here, 'node_modules/.bin', program);
  const ended = spawnSync(path, args, { cwd: folder, encoding: 'utf8', timeout: 300_000, ...options });
  assert.equal(ended.status, 0, `${ended.error ?? ''}${ended.stdout}\n${ended.stderr}`);
  return ended.stdout;
}

test('the description has no problem', () => {
  run('redocly', ['lint', '--extends', 'recommended-strict', '../../../docs/api/openapi.json'], {
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
});

test('a client with types of openapi-typescript compiles, records and exports', () => {
  run('openapi-typescript', [address, '--output', 'generated/schema.d.ts']);
  run('tsc', ['--project', 'tsconfig.json']);
  const output = run(process.execPath, ['generated/record.js', url, token('RECORD'), token('GLOBAL_ADMIN')]);
  const { lines, status } = JSON.parse(output);
  assert.deepEqual(JSON.parse(lines[0]), { eventKey: 'openapi-typescript' });
  assert.equal(status.state, 'COMPLETE');
  assert.deepEqual(JSON.parse(lines[1]).export, status);
});

const { venv, reason } = environment(folder, '.venv-openapi');
if (reason) console.error(`openapi-python-client is left out: ${reason}`);

test('a client of openapi-python-client records', { skip: reason ?? false }, () => {
  const client = join(folder, 'generated/client');
  rmSync(client, { recursive: true, force: true });
  const options = ['generate', '--url', address, '--meta', 'none', '--output-path', join(client, 'auditgraph_client')];
  const warnings = run(join(venv, 'bin/openapi-python-client'), options);
  assert.doesNotMatch(warnings, /Unable to parse|will not be generated/, 'everything is generated');
  const environment = { ...process.env, PYTHONPATH: client };
  const output = run(join(venv, 'bin/python'), ['client.py', url, token('RECORD')], { env: environment });
  const { status, eventKey } = JSON.parse(output);
  assert.equal(eventKey, 'openapi-python-client');
  assert([200, 201].includes(status), output);
});

const schemathesis = environment(join(here, 'schemathesis'), '.venv');
for (const role of ['RECORD', 'AUDIT_READER'])
  test(`responses to generated requests of ${role} are as described`, { skip: schemathesis.reason ?? false }, () => {
    const checks = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';
    run(join(schemathesis.venv, 'bin/schemathesis'), [
      ...['run', address, '--phases', 'fuzzing', '--max-examples', EXAMPLES, '--seed', '1', '--workers', '1'],
      ...['--no-color', '--suppress-health-check', 'all', '--checks', checks, '--exclude-path', '/metrics'],
      ...['-H', `Authorization: ${authorization(role).authorization}`],
    ], { cwd: schemathesis.venv });
  });
