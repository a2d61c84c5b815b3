// PostGraphile over the normalised schema, with the same token check and without optional features.
//
//   node server.mjs DATABASE_URL SECRET PORT
import { createServer } from 'node:http';

import jsonwebtoken from 'jsonwebtoken';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';

const [url, secret, port] = process.argv.slice(2);

const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString: url, schemas: ['normalised'], poolConfig: { max: 8 } })],
  grafserv: { graphiql: false, watch: false, websockets: false },
  grafast: {
    explain: false,
    context({ node }) {
      const claims = jsonwebtoken.verify((node?.req.headers.authorization ?? '').replace(/^Bearer /, ''), secret, {
        algorithms: ['HS256'],
      });
      if (claims.tid !== 'contoso') throw new Error('not this tenant');
      return {};
    },
  },
});

const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(Number(port), '127.0.0.1');
