/**
 * Reads the JSON schema of the settings into sections and fields, and chooses a control for each.
 * Pure. It knows shapes, not single settings: an unknown shape becomes a field for JSON.
 */

/** As much of a JSON schema as settings use. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly needsRestart?: boolean;
  readonly fileOnly?: boolean;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema | boolean;
  readonly prefixItems?: readonly Schema[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

export interface NumberLimits {
  readonly whole: boolean;
  readonly least: number;
  /** The least one itself is too small. */
  readonly above: boolean;
  readonly most: number;
}

/** Words: texts that stand for a choice beside the numbers, the list: `auto`, `all`. */
export type Control =
  | { readonly name: 'switch' }
  | { readonly name: 'text' }
  | { readonly name: 'choice'; readonly values: readonly (string | boolean)[] }
  | { readonly name: 'number'; readonly limits: NumberLimits; readonly words: readonly string[] }
  | { readonly name: 'list'; readonly words: readonly string[]; readonly numbers: boolean }
  | { readonly name: 'map' }
  | { readonly name: 'json' };

export interface Field {
  readonly path: readonly string[];
  readonly description: string;
  /** Undefined: leaving it out means something of its own, which the description says. */
  readonly fallback: unknown;
  readonly needsRestart: boolean;
  /** Shown here, changed in the file alone. */
  readonly fileOnly: boolean;
  readonly control: Control;
}

/** Fields that stand under one heading; the key of a section's own fields is the section's. */
export interface Group {
  readonly path: readonly string[];
  readonly description: string;
  readonly fields: readonly Field[];
}

export interface Section {
  readonly key: string;
  readonly description: string;
  readonly groups: readonly Group[];
  /**
   * For a section of things by name (`models`, `runtimes`): the fields of each, with paths that
   * begin below the name.
   */
  readonly each: readonly Field[] | null;
}

export function sectionsOf(schema: Schema): readonly Section[] {
  return Object.entries(schema.properties ?? {}).map(([key, inner]) => sectionOf(key, inner));
}

function sectionOf(key: string, schema: Schema): Section {
  const { description = '', additionalProperties } = schema;
  if (schema.properties === undefined && typeof additionalProperties === 'object' && additionalProperties.properties !== undefined) {
    return { key, description, groups: [], each: groupsOf([], additionalProperties).flatMap(({ fields }) => fields) };
  }
  const whole = schema.properties === undefined ? { properties: { [key]: schema } } : schema;
  return { key, description, groups: groupsOf(schema.properties === undefined ? [] : [key], whole), each: null };
}

function groupsOf(path: readonly string[], schema: Schema): readonly Group[] {
  const own = fieldsOf(path, schema);
  const below = Object.entries(schema.properties ?? {}).filter(([, inner]) => inner.properties !== undefined);
  const groups = below.flatMap(([key, inner]) => groupsOf([...path, key], inner));
  return own.length === 0 ? groups : [{ path, description: schema.description ?? '', fields: own }, ...groups];
}

function fieldsOf(path: readonly string[], schema: Schema): readonly Field[] {
  return Object.entries(schema.properties ?? {})
    .filter(([, inner]) => inner.properties === undefined)
    .map(([key, inner]) => ({
      path: [...path, key],
      description: inner.description ?? '',
      fallback: inner.default,
      needsRestart: inner.needsRestart === true,
      fileOnly: inner.fileOnly === true,
      control: controlOf(inner),
    }));
}

/** A value that may be null has the control of the rest: null is what leaving the key out means. */
export function controlOf(schema: Schema): Control {
  const parts = partsOf(schema);
  const words = parts.flatMap(({ const: word }) => (typeof word === 'string' ? [word] : []));
  const rest = parts.filter((part) => part.const === undefined);
  const [only] = rest;
  if (rest.length === 0 && words.length > 0) return { name: 'choice', values: words };
  if (only === undefined || rest.length > 1) return { name: 'json' };
  return controlOfOne(only, words);
}

function partsOf({ type, anyOf, ...rest }: Schema): readonly Schema[] {
  if (anyOf !== undefined) return anyOf.flatMap(partsOf);
  const types = typeof type === 'string' ? [type] : (type ?? []);
  return types.filter((each) => each !== 'null').map((each) => ({ ...rest, type: each }));
}

function controlOfOne(schema: Schema, words: readonly string[]): Control {
  const { type, enum: choices, items, prefixItems, additionalProperties } = schema;
  if (choices !== undefined) {
    const texts = choices.filter((choice) => typeof choice === 'string');
    return texts.length === choices.length ? { name: 'choice', values: [...texts, ...words] } : { name: 'json' };
  }
  if (type === 'boolean') return words.length === 0 ? { name: 'switch' } : { name: 'choice', values: [...words, true, false] };
  if (type === 'number' || type === 'integer') return { name: 'number', limits: limitsOf(schema), words };
  if (type === 'string' && words.length === 0) return { name: 'text' };
  if (type === 'array' && prefixItems === undefined && typeof items === 'object') return listOf(items, words);
  if (type === 'object' && words.length === 0 && typeof additionalProperties === 'object' && additionalProperties.type === 'string') {
    return { name: 'map' };
  }
  return { name: 'json' };
}

function listOf(items: Schema, words: readonly string[]): Control {
  const types = partsOf(items).map(({ type }) => type);
  const numbers = types.includes('integer') || types.includes('number');
  return types.includes('string') && types.every((type) => type === 'string' || type === 'integer' || type === 'number')
    ? { name: 'list', words, numbers }
    : { name: 'json' };
}

function limitsOf({ type, minimum, exclusiveMinimum, maximum }: Schema): NumberLimits {
  return {
    whole: type === 'integer',
    least: exclusiveMinimum ?? minimum ?? Number.NEGATIVE_INFINITY,
    above: exclusiveMinimum !== undefined,
    most: maximum ?? Number.POSITIVE_INFINITY,
  };
}
