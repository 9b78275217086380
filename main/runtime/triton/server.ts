/**
 * The steps that start a server of ours. It listens at sockets in a folder that only this user may
 * open, so that nobody else reaches its routes for loading models and for shared memory; it has no
 * gRPC, and loads only what it is told to.
 */
import { basename } from 'node:path';
import type { Endpoint } from '../../../shared/model.ts';
import type { Settings } from '../../../shared/settings.ts';
import { http, pause, phase, type Steps, scratch, spawn } from '../step.ts';
import type { TritonFound } from './find.ts';

const READY_PAUSE_MS = 25;
const READY_TIMEOUT_MS = 1_000;
/**
 * Requests in flight get so long when it is asked to end; a dead model process would hold it up for
 * ever.
 */
const EXIT_SECONDS = 5;

export interface ServerWorld {
  readonly found: TritonFound;
  readonly settings: Settings['triton'];
  /** May it use GPUs? */
  readonly hasGpus: boolean;
}

/** @param folder its repository, and where its sockets are. */
export function serverArgs({ found, settings }: ServerWorld, folder: string): readonly string[] {
  return [
    `--model-repository=${folder}`,
    '--model-control-mode=explicit',
    // One model that failed says nothing about the server.
    '--strict-readiness=false',
    `--backend-directory=${found.backendsFolder}`,
    `--http-address=unix:${folder}/h`,
    '--allow-grpc=false',
    `--metrics-address=unix:${folder}/m`,
    `--exit-timeout-secs=${EXIT_SECONDS}`,
    // Shared memory bears the name of the launch, by which what a kill leaves there is found and
    // removed.
    `--backend-config=python,shm-region-prefix-name=modelium-${basename(folder)}`,
    ...settings.args,
  ];
}

export function* start(world: ServerWorld): Steps<Endpoint> {
  const folder = yield* scratch();
  yield* phase('starting');
  // Its GPUs are counted as nvidia-smi counts them; an empty list hides every GPU.
  const devices: Record<string, string> = world.hasGpus ? { CUDA_DEVICE_ORDER: 'PCI_BUS_ID' } : { CUDA_VISIBLE_DEVICES: '' };
  yield* spawn(world.found.program ?? 'tritonserver', serverArgs(world, folder), { ...devices, ...world.settings.env }, false);
  const server = { at: { socket: `${folder}/h` }, key: null };
  for (;;) {
    const ready = yield* http({ ...server, method: 'GET', path: '/v2/health/ready', body: null, timeoutMs: READY_TIMEOUT_MS });
    if (ready?.status === 200) return { ...server, protocol: 'v2', model: '', prefix: '', figuresAt: { socket: `${folder}/m` } };
    yield* pause(READY_PAUSE_MS);
  }
}
