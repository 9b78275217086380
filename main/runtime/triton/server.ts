/**
 * The steps that start our Triton server. It listens on sockets in a folder that only this user may
 * open, so that nobody else reaches its routes for loading models and for shared memory. It has no
 * gRPC, and loads only models that Modelium names.
 */
import { basename } from 'node:path';
import type { Endpoint } from '../../../shared/model.ts';
import type { Settings } from '../../../shared/settings.ts';
import { MIB } from '../../../shared/units.ts';
import { http, pause, phase, type Steps, scratch, spawn, spawnApart } from '../step.ts';
import { containerArgs, passedOn, removeLeftovers } from './container.ts';
import type { TritonFound } from './find.ts';

const READY_PAUSE_MS = 25;
const READY_TIMEOUT_MS = 1_000;
/**
 * Requests in flight get so long when it is asked to end; a dead model process would hold it up for
 * ever.
 */
const EXIT_SECONDS = 5;

export const OPENS = 'while it runs it listens at two sockets in a folder that only you can open, and at no port';

export interface TritonServerFacts {
  readonly found: TritonFound;
  readonly settings: Settings['triton'];
  /** As large a request is let through to it. */
  readonly maxBodyMb: number;
  /** May it use GPUs? */
  readonly hasGpus: boolean;
}

const INPUT_SIZE = '--http-max-input-size=';
/** What it takes where nothing else is said. */
const USUAL_REQUEST_MB = 64;
/** Since then a server ends at once with options that it knows, and knows this one: 25.08. */
const SIZED_SINCE = [2, 60] as const;
const SIZED_IMAGE_SINCE = [25, 8] as const;

/** Null: this Triton may be too old for the option, and an unknown one would end it. */
function requestMb({ found, maxBodyMb }: TritonServerFacts): number | null {
  const [version, since] =
    found.container === null ? [found.version, SIZED_SINCE] : [found.container.image.split(':').at(-1), SIZED_IMAGE_SINCE];
  const [, major, minor] = /^(\d+)\.(\d+)(?!\d)/.exec(version ?? '') ?? [];
  if (major === undefined || Number(major) < since[0] || (Number(major) === since[0] && Number(minor) < since[1])) return null;
  return Math.max(USUAL_REQUEST_MB, Math.ceil(maxBodyMb));
}

/** How large a request may be, as its arguments say. */
function mostRequestBytes(args: readonly string[]): number {
  const configured = Number(args.findLast((arg) => arg.startsWith(INPUT_SIZE))?.slice(INPUT_SIZE.length));
  return Number.isSafeInteger(configured) && configured > 0 ? configured : USUAL_REQUEST_MB * MIB;
}

/** @param folder its repository, and where its sockets are. */
export function serverArgs(facts: TritonServerFacts, folder: string): readonly string[] {
  const { found, settings } = facts;
  const mostMb = requestMb(facts);
  return [
    `--model-repository=${folder}`,
    '--model-control-mode=explicit',
    // One model that failed says nothing about the server.
    '--strict-readiness=false',
    // An image has its own.
    ...(found.container === null ? [`--backend-directory=${found.backendsFolder}`] : []),
    `--http-address=unix:${folder}/h`,
    '--allow-grpc=false',
    ...(mostMb === null ? [] : [`${INPUT_SIZE}${mostMb * MIB}`]),
    `--metrics-address=unix:${folder}/m`,
    `--exit-timeout-secs=${EXIT_SECONDS}`,
    // Shared memory bears the name of the launch, by which what a kill leaves there is found and
    // removed.
    `--backend-config=python,shm-region-prefix-name=modelium-${basename(folder)}`,
    ...settings.args,
  ];
}

export function* start(facts: TritonServerFacts): Steps<Endpoint> {
  const folder = yield* scratch();
  yield* phase('starting');
  // Its GPUs are counted as nvidia-smi counts them; an empty list hides every GPU.
  const devices: Record<string, string> = facts.hasGpus ? { CUDA_DEVICE_ORDER: 'PCI_BUS_ID' } : { CUDA_VISIBLE_DEVICES: '' };
  const env = { ...devices, ...facts.settings.env };
  const { container, program } = facts.found;
  const args = serverArgs(facts, folder);
  if (container === null) yield* spawn(program ?? 'tritonserver', args, env, false);
  else {
    yield* removeLeftovers(container);
    yield* spawnApart(container.program, containerArgs(container, folder, facts.hasGpus, env, args), passedOn(env));
  }
  const server = { at: { socket: `${folder}/h` }, key: null };
  const served = { protocol: 'v2', model: '', prefix: '', mostRequestBytes: mostRequestBytes(args) } as const;
  for (;;) {
    const ready = yield* http({ ...server, method: 'GET', path: '/v2/health/ready', body: null, timeoutMs: READY_TIMEOUT_MS });
    if (ready?.status === 200) return { ...server, ...served, figuresAt: { socket: `${folder}/m` } };
    yield* pause(READY_PAUSE_MS);
  }
}
