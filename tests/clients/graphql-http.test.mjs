// GraphQL over HTTP: every MUST and every SHOULD of the specification, as the audits of graphql-http have them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { authorization, endpoint } from './server.mjs';

// GET needs a header that a page of another site cannot send without a preflight.
const ours = { ...authorization('AUDIT_READER'), 'graphql-require-preflight': '1' };
const fetchFn = (input, init = {}) => {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(ours)) headers.set(name, value);
  return fetch(input, { ...init, headers });
};

const audits = serverAudits({ url: endpoint, fetchFn });
assert(audits.length >= 60, `${audits.length} audits`);
for (const audit of audits) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    // `notice` is a MAY that the server does not do
    const kept = result.status === 'ok' || (result.status === 'notice' && / MAY |^MAY /.test(audit.name));
    assert(kept, `${result.status}: ${result.reason}`);
  });
}
