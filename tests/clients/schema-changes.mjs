// Prints the breaking and the dangerous changes between two schemas.
// Usage: node schema-changes.mjs BEFORE AFTER     (files in the schema definition language)
import { readFileSync } from 'node:fs';
import { buildSchema, findBreakingChanges, findDangerousChanges } from 'graphql';

const [before, after] = process.argv.slice(2).map((file) => buildSchema(readFileSync(file, 'utf8')));
const report = (title, changes) => {
  console.log(`${title}: ${changes.length}`);
  for (const { type, description } of changes) console.log(`  ${type}: ${description}`);
};
report('breaking changes', findBreakingChanges(before, after));
report('dangerous changes', findDangerousChanges(before, after));
