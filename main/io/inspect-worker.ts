/** The program of the inspecting worker thread: takes one path at a time, answers with an Inspection. Owns no state between two messages. */
import { parentPort } from 'node:worker_threads';
import type { Inspection } from '../core/ports.ts';
import { inspectCandidate } from './inspect.ts';

export interface InspectRequest {
  readonly path: string;
  readonly force: boolean;
}

export type InspectAnswer = { readonly ok: true; readonly inspection: Inspection } | { readonly ok: false; readonly message: string };

parentPort?.on('message', (request: InspectRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});

async function answer(request: InspectRequest): Promise<InspectAnswer> {
  try {
    return { ok: true, inspection: await inspectCandidate(request.path, request.force) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}
