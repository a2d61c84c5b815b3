// Operations generated from the schema get a response, and never an internal error. schemathesis runs in a virtual
// environment of its own, created here with the versions of schemathesis/requirements.txt.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RESPONSE_SECONDS_MAX, endpoint, token } from './server.mjs';

const folder = join(import.meta.dirname, 'schemathesis');
const venv = join(import.meta.dirname, '.venv');
const EXAMPLES = process.env.AUDITGRAPH_SCHEMATHESIS_EXAMPLES ?? '25';
const SEED = process.env.AUDITGRAPH_SCHEMATHESIS_SEED ?? '1';

const run = (program, ...args) => spawnSync(program, args, { cwd: folder, encoding: 'utf8' });

/** Creates the environment. Returns the reason if that is impossible, else null. */
function missing() {
  const wanted = readFileSync(join(folder, 'requirements.txt'), 'utf8');
  const made = join(venv, 'requirements.txt');
  if (existsSync(made) && readFileSync(made, 'utf8') === wanted) return null;
  if (run('python3', '-m', 'venv', '--clear', venv).status !== 0) return 'python3 with venv is not there';
  const installed = run(join(venv, 'bin/pip'), 'install', '--quiet', '-r', 'requirements.txt');
  if (installed.status !== 0) return `schemathesis cannot be installed: ${installed.stderr.trim().split('\n').at(-1)}`;
  writeFileSync(made, wanted);
  return null;
}

const reason = missing();
if (reason) console.error(`schemathesis is left out: ${reason}`);
// Fields of Query with a reading role, and of Mutation with a recording role; either is FORBIDDEN to the other.
for (const role of ['AUDIT_READER', 'RECORD'])
  test(`generated operations of ${role} get a response`, { skip: reason ?? false }, () => {
    const options = ['--phases', 'fuzzing', '--max-examples', EXAMPLES, '--seed', SEED, '--workers', '1', '--no-color'];
    options.push('--request-timeout', `${2 * RESPONSE_SECONDS_MAX}`, '--max-response-time', `${RESPONSE_SECONDS_MAX}`);
    options.push('--suppress-health-check', 'all', '--checks', 'responses_without_internal_errors');
    options.push('--include-name-regex', role === 'RECORD' ? '^Mutation' : '^Query');
    options.push('-H', `Authorization: Bearer ${token(role)}`);
    const environment = { ...process.env, PYTHONPATH: folder, SCHEMATHESIS_HOOKS: 'auditgraph_hooks' };
    const program = join(venv, 'bin/schemathesis');
    const ended = spawnSync(program, ['run', endpoint, ...options], { cwd: venv, encoding: 'utf8', env: environment });
    assert.equal(ended.status, 0, `${ended.stdout}\n${ended.stderr}`);
    assert.match(ended.stdout, /[1-9]\d* (test cases )?generated/, 'test cases were generated');
  });
