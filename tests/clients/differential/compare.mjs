// Sends random documents to the server and compares with graphql-js: an invalid document gets no data, a valid one is
// not refused, and its response is that to the same query in its plainest form.
import { ask } from '../server.mjs';
import { DocumentWriter } from './documents.mjs';
import { Random } from './random.mjs';
import { errors, plain, schema, withoutEmpty } from './reference.mjs';

const REFUSALS = ['GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED'];
const PERIODS = [{ window: 'ALL' }, { between: { from: '2026-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' } }];
const SIZES = [1, 2, 3];

/** Values with which queries find something. The periods do not depend on the time of the request. */
async function samples() {
  const { json } = await ask(`{
    auditEvents(first: 3, occurredAt: { window: ALL }) { nodes { id service eventKey category } pageInfo { endCursor } }
    auditLogInfo { feedCursor }
  }`);
  const { nodes, pageInfo } = json.data.auditEvents;
  const id = nodes.map((node) => node.id);
  const page = { occurredAt: PERIODS, after: null, before: null, last: null, asOf: null };
  return {
    // Fields that cost much or differ from one request to the next.
    avoided: ['auditActivityTypes', 'auditLogInfo', 'raw', 'unmapped', 'tokenExpiresAt', 'activityType', 'grants'],
    arguments: {
      'Query.node': { id },
      'Query.nodes': { ids: [id, [id[0], 'unknown', id[1]]] },
      'Query.auditEvent': { id },
      'Query.auditEventByKey': { service: [nodes[0].service], eventKey: [nodes[0].eventKey] },
      'Query.auditEvents': { ...page, first: SIZES },
      'Query.auditEventFeed': { first: SIZES, after: null },
      'Query.auditEventSummary': { occurredAt: PERIODS, asOf: null },
      'Query.auditActors': { search: ['a', 'e'], first: SIZES },
      'AuditEventSummary.facet': { top: SIZES },
      'AuditEventSummary.histogram': { timeZone: ['UTC', 'Europe/Berlin'] },
      'AuditEventConnection.countUpTo': { limit: [1, 100] },
    },
    scalars: {
      Int: ['1', '2', '10'],
      Float: ['1.5'],
      Count: ['1', '2'],
      Sequence: ['1', '20'],
      String: ['"a"', '"Core Directory"', JSON.stringify(nodes[0].category), '"""block"""', '"\\u0041"'],
      ID: [JSON.stringify(id[0]), '7'],
      Boolean: ['true', 'false'],
      DateTime: ['"2026-06-01T00:00:00Z"'],
      JSON: ['"a"', '1'],
    },
  };
}

/** The data and the errors of a response, without the positions of errors in the document. */
const outcome = ({ json }) =>
  withoutEmpty(JSON.stringify({ data: json.data, errors: json.errors?.map(({ message, path, extensions }) => [message, path, extensions?.code]) }));

/** Compares one document. Returns what is wrong, or `null`, and counts it. */
async function compare({ kind, query, variables }, counts) {
  const invalid = errors(query);
  const response = await ask(query, variables);
  const code = response.errors[0]?.extensions?.code;
  const wrong = (what) => `${what}\n${query}\n${JSON.stringify(variables)}\n${response.text.slice(0, 2_000)}`;
  if (response.json === null || code === 'INTERNAL_SERVER_ERROR') return wrong('the server failed');
  if (code === 'LIMIT_EXCEEDED') {
    counts.limited++;
    return null;
  }
  if (invalid.length > 0) {
    counts.invalid++;
    return REFUSALS.includes(code) && !('data' in response.json) ? null : wrong(`executed, though ${invalid[0]}`);
  }
  counts.valid++;
  if (REFUSALS.includes(code)) return wrong('refused, though valid');
  // A subscription needs a stream and a mutation a token for recording, so their documents are validated only.
  if (kind !== 'query') return null;
  const same = plain(query, variables);
  if (same === null) return response.text === '{"data":{}}' ? null : wrong('selects nothing');
  // The default period begins at the time of the request, which is in cursors, too.
  if (same.includes('LAST_')) return null;
  const expected = await ask(same);
  if (expected.errors[0]?.extensions?.code === 'LIMIT_EXCEEDED') {
    counts.limited++;
    return null;
  }
  if (response.json.data) counts.executed++;
  if (outcome(response) === outcome(expected)) return null;
  return wrong(`differs from ${same}\n${expected.text.slice(0, 2_000)}`);
}

/** Compares `count` documents. Returns what is wrong, and how many documents of each kind there were. */
export async function compareAll(count, seed) {
  const values = await samples();
  const counts = { valid: 0, executed: 0, invalid: 0, limited: 0 };
  const wrong = [];
  for (let i = 0; i < count && wrong.length < 10; i++) {
    const writer = new DocumentWriter(schema, new Random(seed + i), values);
    const found = await compare(writer.document(), counts);
    if (found) wrong.push(`document ${seed + i}: ${found}`);
  }
  return { wrong, counts };
}
