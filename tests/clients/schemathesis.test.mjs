// Operations generated from the schema get a response, and never an internal error. schemathesis runs in a virtual
// environment of its own, created here with the versions of schemathesis/requirements.txt.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { environment } from './python.mjs';
import { RESPONSE_SECONDS_MAX, endpoint, token } from './server.mjs';

const folder = join(import.meta.dirname, 'schemathesis');
const EXAMPLES = process.env.AUDITGRAPH_SCHEMATHESIS_EXAMPLES ?? '25';
const SEED = process.env.AUDITGRAPH_SCHEMATHESIS_SEED ?? '1';

const { venv, reason } = environment(folder, '.venv');
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
