// Random documents over the schema. About half of them are valid; the others contain one of many mistakes, or conflict
// because their parts are written independently of each other.
import {
  astFromValue, getNamedType, getNullableType, isAbstractType, isCompositeType, isEnumType, isInputObjectType, isLeafType,
  isListType, isNonNullType, isObjectType, isRequiredArgument, isRequiredInputField, print,
} from 'graphql';

const ALIASES = ['a', 'b', 'c', 'key', 'id'];
const LEVELS_MAX = 5;

/** Writes one document and its variables. */
export class DocumentWriter {
  /** `samples` has values for scalars and arguments that find something. */
  constructor(schema, random, samples) {
    Object.assign(this, { schema, random, samples, variables: new Map(), fragments: [], budget: 60 });
  }

  /** A document as `{ kind, query, variables }`. */
  document() {
    const share = this.random.number();
    const kind = share < 0.86 ? 'query' : share < 0.95 ? 'subscription' : 'mutation';
    this.kind = kind;
    const root = { query: this.schema.getQueryType(), mutation: this.schema.getMutationType(), subscription: this.schema.getSubscriptionType() }[kind];
    let selection = this.selection(root, 0);
    const parts = kind === 'query' ? this.random.below(3) : this.random.below(2);
    for (let part = 0; part < parts; part++) {
      const name = this.fragment(root, 0);
      selection = selection.replace(/\}$/, `...${name}${this.directives(0)} }`);
    }
    const definitions = [...this.variables.entries()].map(([name, { type, text }]) => `$${name}: ${type}${text}`);
    const head = definitions.length > 0 ? `${kind}(${definitions.join(', ')}) ` : kind === 'query' ? '' : `${kind} `;
    let query = [head + selection, ...this.fragments].join('\n');
    if (this.random.chance(0.3)) query = this.random.pick(MISTAKES)(query, this.random);
    const given = [...this.variables.entries()].filter(([, { value }]) => value !== undefined);
    return { kind, query, variables: Object.fromEntries(given.map(([name, { value }]) => [name, value])) };
  }

  /** Writes a fragment and returns its name. */
  fragment(type, level) {
    const index = this.fragments.push(null) - 1;
    this.fragments[index] = `fragment F${index} on ${type.name} ${this.selection(type, level)}`;
    return `F${index}`;
  }

  selection(type, level) {
    const items = [];
    const count = this.kind !== 'query' && level === 0 ? 1 : 1 + this.random.below(level === 0 ? 3 : 4);
    for (let i = 0; i < count; i++) items.push(this.item(type, level));
    return `{ ${items.join(' ')} }`;
  }

  item(type, level) {
    const kind = this.random.number();
    if (level > 0 && kind < 0.12) return `...${this.condition(type)}${this.directives(level)} ${this.selection(type, level)}`;
    if (isAbstractType(type) && kind < 0.6) {
      const object = this.random.pick(this.schema.getPossibleTypes(type));
      return `... on ${object.name}${this.directives(level)} ${this.selection(object, level)}`;
    }
    if (level > 0 && kind < 0.22 && this.fragments.length < 5) {
      return `...${this.fragment(type, level)}${this.directives(level)}`;
    }
    return this.field(type, level);
  }

  condition(type) {
    const interfaces = isObjectType(type) ? type.getInterfaces() : [];
    const choices = ['', ` on ${type.name}`];
    // The selection is of the type itself, so an interface fits only if the type is one.
    return interfaces.length === 0 || this.random.chance(0.8) ? this.random.pick(choices) : ` on ${type.name}`;
  }

  field(type, level) {
    if (!type.getFields || this.random.chance(0.08)) return `${this.alias()}__typename${this.directives(level)}`;
    this.budget--;
    const isDeep = level >= LEVELS_MAX || this.budget < 0;
    const fields = Object.values(type.getFields()).filter(
      (field) => !this.samples.avoided.includes(field.name) && (!isDeep || isLeafType(getNamedType(field.type))),
    );
    if (fields.length === 0) return '__typename';
    const field = this.random.pick(fields);
    const named = getNamedType(field.type);
    const below = isCompositeType(named) ? ` ${this.selection(named, level + 1)}` : '';
    return `${this.alias()}${field.name}${this.arguments(type, field)}${this.directives(level)}${below}`;
  }

  alias() {
    return this.random.chance(0.06) ? `${this.random.pick(ALIASES)}: ` : '';
  }

  directives(level) {
    // A subscription must select its field unconditionally.
    if (this.random.chance(0.9) || (this.kind === 'subscription' && level === 0)) return '';
    const name = this.random.pick(['skip', 'include']);
    const value = this.random.chance(0.5) ? this.random.chance(0.5) : this.variable('Boolean!', this.random.chance(0.5), '');
    return ` @${name}(if: ${value})`;
  }

  arguments(type, field) {
    const of = this.samples.arguments[`${type.name}.${field.name}`] ?? {};
    const isGiven = (argument) => of[argument.name] || isRequiredArgument(argument) || this.random.chance(0.25);
    const written = field.args.filter((argument) => of[argument.name] !== null && isGiven(argument));
    if (written.length === 0) return '';
    return `(${written.map((argument) => `${argument.name}: ${this.input(argument, of[argument.name])}`).join(', ')})`;
  }

  /** A literal or a variable for an argument. */
  input(input, choices) {
    const type = getNullableType(input.type);
    if (choices) {
      const value = this.random.pick(choices);
      const literal = print(astFromValue(value, type));
      if (this.random.chance(0.2)) return this.variable(`${input.type}`, value, '');
      return this.random.chance(0.1) ? this.variable(`${type}`, undefined, ` = ${literal}`) : literal;
    }
    // A variable without a value, or with null, which is as omitted.
    const unset = () => (this.random.chance(0.5) ? undefined : null);
    if (!isRequiredArgument(input) && this.random.chance(0.15)) return this.variable(`${type}`, unset(), '');
    return this.random.chance(0.1) ? this.variable(`${type}`, unset(), ` = ${this.value(type, 0)}`) : this.value(type, 0);
  }

  value(type, level) {
    if (isNonNullType(type)) return this.value(type.ofType, level);
    if (isListType(type)) {
      if (this.random.chance(0.2)) return this.value(type.ofType, level);
      return `[${Array.from({ length: 1 + this.random.below(2) }, () => this.value(type.ofType, level)).join(', ')}]`;
    }
    if (isEnumType(type)) return this.random.pick(type.getValues()).name;
    if (isInputObjectType(type)) return this.object(type, level);
    return this.random.pick(this.samples.scalars[type.name]);
  }

  object(type, level) {
    const members = Object.values(type.getFields());
    let given = members.filter((member) => isRequiredInputField(member));
    const others = members.filter((member) => !given.includes(member) && (level < 2 || isLeafType(getNamedType(member.type))));
    const choices = others.length > 0 ? others : members;
    if (type.isOneOf) given = [this.random.pick(choices)];
    else if (given.length === 0) given.push(this.random.pick(choices));
    return `{${given.map((member) => `${member.name}: ${this.value(member.type, level + 1)}`).join(', ')}}`;
  }

  variable(type, value, text) {
    const name = `v${this.variables.size}`;
    this.variables.set(name, { type, value, text });
    return `$${name}`;
  }
}

/** Replaces one random match. */
const replaceOne = (pattern, by) => (query, random) => {
  const matches = [...query.matchAll(pattern)];
  if (matches.length === 0) return query;
  const match = random.pick(matches);
  return query.slice(0, match.index) + by(match[0], random) + query.slice(match.index + match[0].length);
};

/** Changes that make most documents invalid, each for a reason of its own. */
const MISTAKES = [
  replaceOne(/\b[a-z][A-Za-z]+ \{/g, (text) => `x${text}`),
  replaceOne(/\b(key|id|name|displayName|status|sequence)\b/g, (text) => `${text} { __typename }`),
  replaceOne(/\b(key|id|name|displayName|status|sequence)\b/g, (text) => `${text} @nope`),
  replaceOne(/\b(key|id|name|displayName|status|sequence)\b/g, (text) => `${text} @skip(if: true) @skip(if: false)`),
  replaceOne(/\b(key|id|name|displayName|status|sequence)\b/g, (text) => `${text} @include(unless: true)`),
  replaceOne(/\b(key|id|name|displayName|status|sequence)\b/g, (text) => `${text} @include(if: $undefined)`),
  replaceOne(/\b(key|id|name|displayName|status|sequence)\b/g, (text) => `x: ${text} x: __typename`),
  replaceOne(/\b[A-Z][A-Z_0-9]+\b/g, (text) => `"${text}"`),
  replaceOne(/\b[A-Z][A-Z_0-9]+\b/g, (text) => `${text}X`),
  replaceOne(/: \d+\b/g, (text) => `${text}.5`),
  replaceOne(/: \d+\b/g, (text) => `: "${text.slice(2)}"`),
  replaceOne(/: "[^"]*"/g, () => ': 7'),
  replaceOne(/: "[^"]*"/g, () => ': WORD'),
  replaceOne(/\{([a-zA-Z]+: [^{}]*)\}/g, (text) => `${text.slice(0, -1)}, ${text.slice(1)}`),
  replaceOne(/\(([a-zA-Z]+: [^()]*)\)/g, (text) => `${text.slice(0, -1)}, ${text.slice(1)}`),
  replaceOne(/\(([a-zA-Z]+: [^()$]*)\)/g, () => ''),
  replaceOne(/\(/g, (text) => `${text}nothing: 1, `),
  replaceOne(/\$v\d+: [^,)]*/g, (text) => `${text}, $unused: Int`),
  replaceOne(/\$v\d+: [^,)]*/g, (text) => `${text} @nope`),
  replaceOne(/\$v\d+: [^,)]*/g, (text) => text.replace(/: .*/, ': Nothing')),
  replaceOne(/\$v\d+: [^,)]*/g, (text) => text.replace(/: .*/, ': Viewer')),
  replaceOne(/\$v\d+: [^,)]*/g, (text) => text.replace(/: .*/, ': [[String]]')),
  replaceOne(/\$v\d+: [^,)]*/g, (text) => text.replace('!', '')),
  replaceOne(/\$v\d+: [^,)]*/g, (text) => `${text}, ${text}`),
  replaceOne(/ on [A-Z]\w+/g, () => ' on Viewer'),
  replaceOne(/ on [A-Z]\w+/g, () => ' on DateTime'),
  replaceOne(/ on [A-Z]\w+/g, () => ' on Nothing'),
  replaceOne(/\.\.\.F\d/g, () => '...F9'),
  replaceOne(/\.\.\.F\d/g, () => '__typename'),
  replaceOne(/fragment F\d/g, () => 'fragment F0'),
  replaceOne(/fragment F\d/g, () => 'fragment on'),
  replaceOne(/\bfirst: \d+/g, () => 'first: null'),
  (query) => `${query} { __typename }`,
  (query) => query.replace(/^query\(/, 'query() ('),
  (query) => query.replace(/\}$/, ''),
  (query) => `${query} fragment Unused on Viewer { subject }`,
  (query) => query.replace('{ ', '{ viewer { x: subject } ...X ').concat(' fragment X on Query { viewer { x: displayName } }'),
  (query) => query.replace('{ ', '{ viewer { x: grants { role } } ...X ').concat(' fragment X on Query { viewer { x: tenant { key } } }'),
  (query) => query.replace('{ ', '{ s: auditEventSummary { facet(field: STATUS) { noneCount } } ...X ').concat(' fragment X on Query { s: auditEventSummary { facet(field: CATEGORY) { noneCount } } }'),
];
