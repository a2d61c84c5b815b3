// The documents of the Rust tests are valid in the schema by the rules of graphql-js, the reference implementation.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildSchema, parse, validate } from 'graphql';

const documents = join(import.meta.dirname, '../documents');
const schema = buildSchema(readFileSync(join(import.meta.dirname, '../../schema.graphql'), 'utf8'));

for (const name of readdirSync(documents))
  test(`${name} is valid`, () => {
    const errors = validate(schema, parse(readFileSync(join(documents, name), 'utf8')));
    assert.deepEqual(errors.map(String), []);
  });
