// The reference: graphql-js with the schema of this project.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  GraphQLError, astFromValue, buildSchema, getNamedType, isCompositeType, isObjectType, parse, print, validate,
} from 'graphql';
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js';
import { getArgumentValues, getVariableValues } from 'graphql/execution/values.js';

export const schema = buildSchema(readFileSync(join(import.meta.dirname, '../../../schema.graphql'), 'utf8'));

/** The errors of a document by graphql-js; empty if it is valid. */
export function errors(query) {
  try {
    return validate(schema, parse(query), undefined, { maxErrors: 5 }).map((error) => error.message);
  } catch (error) {
    if (error instanceof GraphQLError) return [error.message];
    throw error;
  }
}

/** Removes the variables that are null: null is as omitted. */
const withoutNulls = (variables) => Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== null));

/**
 * A query of the same meaning, as graphql-js understands it, in its plainest form: without variables, directives, named
 * fragments and repeated fields. `null` if graphql-js selects no field.
 */
export function plain(query, variables) {
  const document = parse(query);
  const operation = document.definitions.find((definition) => definition.kind === 'OperationDefinition');
  const fragments = Object.fromEntries(
    document.definitions.filter((it) => it.kind === 'FragmentDefinition').map((fragment) => [fragment.name.value, fragment]),
  );
  const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], withoutNulls(variables));
  if (errors) throw new Error(errors.map(String).join('; '));

  const written = (type, fields) => {
    const items = [...fields].map(([key, nodes]) => {
      const name = nodes[0].name.value;
      const definition = name === '__typename' ? null : type.getFields()[name];
      const alias = key === name ? '' : `${key}: `;
      if (!definition) return alias + name;
      const values = getArgumentValues(definition, nodes[0], coerced);
      const given = definition.args
        .filter((argument) => values[argument.name] !== undefined && values[argument.name] !== null)
        .map((argument) => `${argument.name}: ${print(astFromValue(values[argument.name], argument.type))}`);
      const named = getNamedType(definition.type);
      const below = isCompositeType(named) ? ` ${selection(named, nodes)}` : '';
      return `${alias}${name}${given.length > 0 ? `(${given.join(', ')})` : ''}${below}`;
    });
    return items.join(' ');
  };
  const selection = (type, nodes) => {
    const fieldsOf = (object) => written(object, collectSubfields(schema, fragments, coerced, object, nodes));
    // A selection without fields gives an empty object, which no query can ask for.
    if (isObjectType(type)) return `{ ${fieldsOf(type) || EMPTY} }`;
    const parts = schema.getPossibleTypes(type).map((object) => [object.name, fieldsOf(object)]);
    return `{ ${parts.map(([name, fields]) => `... on ${name} { ${fields || EMPTY} }`).join(' ')} }`;
  };
  const root = schema.getQueryType();
  const fields = collectFields(schema, fragments, coerced, root, operation.selectionSet);
  return fields.size === 0 ? null : `{ ${written(root, fields)} }`;
}

/** Stands for a selection without fields. */
const EMPTY = 'nothing: __typename';

/** The response without what [`EMPTY`] added. */
export const withoutEmpty = (text) => text.replace(/"nothing":"[A-Za-z]+"/g, '');
