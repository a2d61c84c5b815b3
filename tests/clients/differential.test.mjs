// Random documents get what graphql-js, the reference implementation, gives them.
//
// AUDITGRAPH_TEST_DOCUMENTS is the number of documents (500), AUDITGRAPH_TEST_SEED the first seed (1). A
// document depends on its seed only, so one of them can be repeated.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareAll } from './differential/compare.mjs';

const COUNT = Number(process.env.AUDITGRAPH_TEST_DOCUMENTS ?? 500);
const SEED = Number(process.env.AUDITGRAPH_TEST_SEED ?? 1);

test(`${COUNT} random documents get what graphql-js gives them`, async () => {
  const { wrong, counts } = await compareAll(COUNT, SEED);
  assert.deepEqual(wrong, []);
  if (COUNT >= 100) {
    const share = (count) => assert(count > COUNT / 10, JSON.stringify(counts));
    [counts.valid, counts.executed, counts.invalid].forEach(share);
  }
  console.error(JSON.stringify(counts));
});
