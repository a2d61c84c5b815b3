// The server under test: its URL, and requests with the token of a role.

/** The address of the server. */
export const url = process.env.AUDITGRAPH_URL;
if (!url) throw new Error('AUDITGRAPH_URL is not set: start these tests with tests/clients/run');

/**
 * The longest time that a response may take, in seconds. A document that is not rejected before execution would take
 * minutes; a busy machine stays far below.
 */
export const RESPONSE_SECONDS_MAX = 30;

/** The address of the GraphQL endpoint. */
export const endpoint = `${url}/graphql`;

/** A token of a role: GLOBAL_ADMIN, INTUNE_SERVICE_ADMIN, AUDIT_READER or RECORD. */
export const token = (role) => process.env[`AUDITGRAPH_TOKEN_${role}`];

/** The authorization header of a role. */
export const authorization = (role) => ({ authorization: `Bearer ${token(role)}` });

/** Sends a request to the endpoint and reads the response, whatever its status is. */
export async function send(init) {
  const started = performance.now();
  const response = await fetch(init.address ?? endpoint, init);
  const text = await response.text();
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    // The body is not JSON.
  }
  const seconds = (performance.now() - started) / 1000;
  return { status: response.status, headers: response.headers, text, json, errors: json?.errors ?? [], seconds };
}

/** Sends a JSON body as an administrator, or with these headers. */
export const post = (value, headers = authorization('GLOBAL_ADMIN')) =>
  send({ method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) });

/** Runs a query as an administrator. */
export const ask = (query, variables) => post({ query, variables });
