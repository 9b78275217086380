/**
 * Refuses a schema of too many values by a scan of the bytes, before they are parsed. Pure: it
 * pauses by what it is given.
 */
import { outlineOf } from '../../core/json-outline.ts';
import { invalid } from './openai-fields.ts';

const SCHEMAS = ['response_format', 'json_schema'];
/** Keys and commas count as well. An enumeration has 10,000 values at most. */
const MOST_VALUES = 100_000;
const UNBOUNDED = { depth: Number.POSITIVE_INFINITY, values: Number.POSITIVE_INFINITY };

/**
 * A schema of a hundred thousand values is parsed in one turn of many milliseconds, and refused
 * then.
 * @param body what is no JSON passes: the parser says what is wrong.
 * @param pause called after each part of a large body.
 * @throws ModeliumError invalid-body.
 */
export function checkSchemaSize(body: Uint8Array, pause: () => void): void {
  const whole = outlineOf(body, UNBOUNDED, pause);
  if (whole.kind !== 'object') return;
  for (const name of SCHEMAS) {
    const member = whole.members.get(name);
    if (member === undefined) continue;
    const { kind } = outlineOf(body.subarray(member.start, member.end), { ...UNBOUNDED, values: MOST_VALUES }, pause);
    if (kind !== 'too-many') continue;
    throw invalid(name, `The JSON schema in "${name}" cannot be carried out: it has more than ${MOST_VALUES} values, keys and commas.`);
  }
}
