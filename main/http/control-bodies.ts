/**
 * Reads the bodies of control requests completely, and refuses a body that differs from the one
 * that the proof of the request was made for. Remembers each admitted request until its body has
 * arrived. Knows no route.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toModeliumError } from '../../shared/errors.ts';
import { type BodyBounds, MAX_BODY, parseObject, readBody } from './body.ts';
import { decodedBody } from './body-encoding.ts';
import { inSlices } from './in-slices.ts';
import { type Admitted, requireBody } from './token.ts';

/** What the raw listener calls these bodies, so that Fastify has them read here. */
export const JSON_TYPE = 'application/json';
export const FILE_TYPE = 'application/octet-stream';
/** Names, paths and settings are far shorter (I10). */
const CONTROL_BYTES = 64 * 1024;
/** A nonce is, which is all that is asked without the token. */
const OPEN_BYTES = 1024;

type Done = (error: Error | null, body?: unknown) => void;
type Admission = Admitted & { readonly response: ServerResponse };

const admissions = new WeakMap<IncomingMessage, Admission>();

/** What was proven is compared with the body once that is there. */
export function letIn(request: IncomingMessage, response: ServerResponse, admitted: Admitted): void {
  admissions.set(request, { ...admitted, response });
}

export function admissionOf(request: IncomingMessage): Admitted | undefined {
  return admissions.get(request);
}

/** No body counts as an empty object. @param limitBytes that of the settings (api.max_body_mb). */
export function readJsonBody(request: IncomingMessage, limitBytes: number, done: Done): void {
  const most = admissions.has(request) ? CONTROL_BYTES : OPEN_BYTES;
  const bounds: BodyBounds =
    limitBytes < most ? { limitBytes, limitName: MAX_BODY, budget: null } : { limitBytes: most, limitName: 'this route', budget: null };
  readProven(request, bounds, done, (body) => (body.length === 0 ? {} : parseObject(body)));
}

/** The bytes as they are. */
export function readFileBody(request: IncomingMessage, bounds: BodyBounds, done: Done): void {
  readProven(request, bounds, done, (body) => body);
}

function readProven(request: IncomingMessage, bounds: BodyBounds, done: Done, parsed: (body: Buffer) => unknown): void {
  const admission = admissions.get(request);
  const response = admission?.response ?? request.socket;
  async function proven(body: Buffer): Promise<unknown> {
    await inSlices(requireBody(body, admission), () => response.destroyed);
    return parsed(body);
  }
  readBody(decodedBody(request), response, bounds, (result) => {
    if ('error' in result) return done(result.error);
    proven(result.body).then(
      (value) => done(null, value),
      (thrown: unknown) => done(toModeliumError(thrown)),
    );
  });
}
