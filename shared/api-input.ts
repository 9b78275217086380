/** Checks the bodies and queries of requests against the schemas of the contract in `api.ts`. */
import type { z } from 'zod';
import { ModeliumError } from './errors.ts';

/** Names of fields are shorter; a stranger's may have millions of characters. */
const LONGEST_NAME = 200;
/**
 * Stops at the first fault: only that one is told, and half a million wrong items of a list took
 * 700 ms. Zod sets it in `validate`, and does not have it among its public types.
 */
const FIRST_FAULT: object = { abortEarly: true };

/**
 * Checks what came in from outside.
 * @throws ModeliumError invalid-body, which names the field, in its sentence and as `param`.
 */
export function checkInput<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value, FIRST_FAULT);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue === undefined) throw new ModeliumError('invalid-body', 'The body does not match the schema of this route.');
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  const param = shown(path.map((name) => shown(String(name))).join('.'));
  const message = issue.code === 'unrecognized_keys' ? 'there is no such field' : issue.message;
  throw new ModeliumError('invalid-body', param === '' ? message : `${param}: ${message}`, param === '' ? {} : { param });
}

function shown(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}...` : name;
}
