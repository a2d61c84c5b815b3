// A client with generated types: records an event, exports it and reads the status of the export.
import createClient from 'openapi-fetch';
import type { components, paths } from './generated/schema.js';

const [baseUrl, recorder, reader] = process.argv.slice(2) as [string, string, string];
const client = (token: string) =>
  createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });

const event: components['schemas']['AuditEventInput'] = {
  eventKey: 'openapi-typescript',
  occurredAt: new Date().toISOString(),
  service: 'Generated Client',
  category: 'Tests',
  activity: 'Record event',
  status: 'SUCCESS',
  actor: { system: { name: 'openapi-typescript' } },
};
const recorded = await client(recorder).POST('/v1/events', { body: [event] });
if (!recorded.data) throw new Error(JSON.stringify(recorded.error));
const result = recorded.data.results[0];
if (result?.status !== 'RECORDED' && result?.status !== 'DUPLICATE') throw new Error(JSON.stringify(recorded.data));

const refused = await client(recorder).POST('/v1/events', { body: [{ ...event, status: 'WELL' as 'SUCCESS' }] });
const body = refused.error;
if (!body || !('results' in body) || body.results[0]?.status !== 'REJECTED') throw new Error(JSON.stringify(body));
if (body.results[0].problems[0]?.path[0] !== 'status') throw new Error(JSON.stringify(body));

const exported = await client(reader).POST('/v1/events/export', {
  body: { columns: ['eventKey'], filter: { eventKey: { eq: 'openapi-typescript' } } },
  parseAs: 'text',
});
const id = exported.response.headers.get('x-auditgraph-export-id');
if (!id || typeof exported.data !== 'string') throw new Error(JSON.stringify(exported.error));
const status = await client(reader).GET('/v1/events/export/{id}', { params: { path: { id } } });
console.log(JSON.stringify({ lines: exported.data.trim().split('\n'), status: status.data }));
