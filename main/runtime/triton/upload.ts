/**
 * The steps that load a model into a Triton of others and unload it. The call contains the model's
 * files, because the two machines may not share a disk. Modelium never restarts that server; memory
 * that it keeps is reported.
 */
import { dirname, join } from 'node:path';
import { ModeliumError } from '../../../shared/errors.ts';
import type { Endpoint } from '../../../shared/model.ts';
import { formOf } from '../../../shared/profile.ts';
import { bytesInWords, MIB } from '../../../shared/units.ts';
import type { LoadTarget } from '../adapter.ts';
import type { MachineFacts } from '../module.ts';
import { http, pause, phase, real, type Steps, stats, upload } from '../step.ts';
import { of, pathOf } from './calls.ts';
import { configJson } from './config-json.ts';
import { controlOf, type TritonElsewhere } from './elsewhere.ts';
import { CONFIG, entryName, entryOf, ownPrefix } from './entry.ts';
import { failed } from './load.ts';
import { mostUploadBytes } from './plan.ts';
import { namesIn } from './statistics.ts';

const CALL_MS = 10_000;
const UNLOAD_MS = 10_000;
const UNLOAD_PAUSE_MS = 100;
/** Less than this is what a server keeps of a backend that it loaded for the first time. */
const LEFTOVER_BYTES = 256 * MIB;

export interface Elsewhere {
  readonly machine: Pick<MachineFacts, 'instance' | 'settings'>;
  readonly server: TritonElsewhere;
}

/** What that server calls a model of ours: another engine's, and another run's, are told apart. */
export function nameThere({ instance }: Pick<MachineFacts, 'instance'>, modelId: string): string {
  return `${ownPrefix(instance.owner)}${instance.run}-${entryName(modelId)}`;
}

/** @returns its name there. @throws ModeliumError in that server's words. */
export function* uploadModel({ machine, server }: Elsewhere, endpoint: Endpoint, target: LoadTarget, timeoutMs: number): Steps<string> {
  yield* unloadLeftovers(machine, endpoint);
  yield* phase('reading its files');
  const { texts, files } = yield* partsOf(target, mostUploadBytes(machine.settings));
  const model = nameThere(machine, target.modelId);
  yield* phase('uploading and loading', null, true);
  const answer = yield* upload({ ...of(endpoint), method: 'POST', path: pathOf(model, 'load'), texts, files, timeoutMs });
  if (answer?.status === 200) return model;
  throw failed(
    target,
    answer,
    `${server.where} gave no answer. It may accept less in one call than triton.http_max_input_mb says, or it may still be loading the model.`,
  );
}

/** Of an earlier run of this Modelium, which nobody asks any more. */
function* unloadLeftovers({ instance }: Elsewhere['machine'], endpoint: Endpoint): Steps<void> {
  const answer = yield* http({ ...of(endpoint), method: 'GET', path: '/v2/models/stats', body: null, timeoutMs: CALL_MS });
  const names = namesIn(answer?.body ?? '');
  const own = ownPrefix(instance.owner);
  const left = names.filter((name) => name.startsWith(own) && !name.startsWith(`${own}${instance.run}-`));
  for (const name of left) yield* http({ ...of(endpoint), method: 'POST', path: pathOf(name, 'unload'), body: null, timeoutMs: CALL_MS });
}

/**
 * A link may lead to anything of this user's, which nobody wants sent. Other tools keep a model as
 * links to files beside it, by their content.
 * @returns where the file lies, without links. @throws ModeliumError
 */
function* leadsTo(root: string | null, file: string): Steps<string> {
  const lies = yield* real(file);
  const isInside = lies === root || [root, join(root ?? '', '..', '..', 'blobs')].some((place) => lies?.startsWith(`${place}/`));
  if (lies !== null && isInside) return lies;
  throw new ModeliumError('runtime-exited', `${file} leads out of the model's folder, and is not sent to another machine.`);
}

function* partsOf(
  target: LoadTarget,
  mostBytes: number,
): Steps<{ readonly texts: Record<string, string>; readonly files: Record<string, string> }> {
  const texts: Record<string, string> = {};
  const files: Record<string, string> = {};
  for (const [path, part] of Object.entries(yield* entryOf(target))) {
    if (path === CONFIG && 'text' in part) texts['config'] = configJson(part.text);
    else if ('text' in part) texts[`file:${path}`] = Buffer.from(part.text).toString('base64');
    // A folder stands for the files of the model in it.
    else if (part.linkTo === dirname(target.file) && path === '1')
      for (const name of formOf(target.profile, target.plan)?.files ?? [])
        files[`file:1/${name.split('/').at(-1)}`] = `${target.path}/${name}`;
    else files[`file:${path}`] = part.linkTo;
  }
  const root = yield* real(target.path);
  // Opened as they lie now: a link that is put in their way later is not followed.
  for (const [name, file] of Object.entries(files)) files[name] = yield* leadsTo(root, file);
  const facts = yield* stats(Object.values(files));
  const bytes = facts.reduce((sum, fact) => sum + (fact?.bytes ?? 0), 0);
  if (bytes > mostBytes)
    throw new ModeliumError(
      'runtime-exited',
      `Its files are ${bytesInWords(bytes)}, and at most ${bytesInWords(mostBytes)} are accepted in one call (triton.http_max_input_mb).`,
    );
  return { texts, files };
}

/**
 * Bytes of GPU memory in use where it runs, as its figures say; null: they do not say. Others may
 * use those GPUs too.
 */
export function* usedThere({ metricsOrigin }: TritonElsewhere): Steps<number | null> {
  const answer = yield* http({ at: { url: metricsOrigin }, key: null, method: 'GET', path: '/metrics', body: null, timeoutMs: CALL_MS });
  const figures = [...(answer?.status === 200 ? answer.body : '').matchAll(/^nv_gpu_memory_used_bytes\{[^}]*\} (\S+)/gm)];
  return figures.length === 0 ? null : figures.reduce((sum, [, value]) => sum + Number(value), 0);
}

/**
 * Takes a model of ours out; one whose load was broken off may still be loading there. What that
 * server offers itself has another name, and is left alone. @throws ModeliumError where it stays,
 * or its memory does.
 */
export function* unloadThere({ machine, server }: Elsewhere, modelId: string, { tookBytes: took = 0 }: Endpoint): Steps<void> {
  const model = nameThere(machine, modelId);
  const control = controlOf(server);
  const isReady = {
    ...control,
    method: 'GET',
    path: `/v2/models/${encodeURIComponent(model)}/ready`,
    body: null,
    timeoutMs: CALL_MS,
  } as const;
  const before = yield* usedThere(server);
  yield* http({ ...control, method: 'POST', path: pathOf(model, 'unload'), body: null, timeoutMs: CALL_MS });
  let waitedMs = 0;
  for (; waitedMs < UNLOAD_MS && (yield* http(isReady))?.status === 200; waitedMs += UNLOAD_PAUSE_MS) yield* pause(UNLOAD_PAUSE_MS);
  const throws = (what: string) => new ModeliumError('runtime-exited', what, { origin: 'triton' });
  if (waitedMs >= UNLOAD_MS)
    throw throws(`${server.where} did not unload ${modelId} within ${UNLOAD_MS / 1000} s; Modelium does not restart that server.`);
  for (waitedMs = 0; before !== null && took > LEFTOVER_BYTES; waitedMs += UNLOAD_PAUSE_MS) {
    const left = took - (before - ((yield* usedThere(server)) ?? before));
    if (left < LEFTOVER_BYTES) return;
    if (waitedMs >= UNLOAD_MS)
      throw throws(
        `${modelId} left ${server.where}, and ${bytesInWords(left)} of the ${bytesInWords(took)} of GPU memory that it used there are still allocated: Triton keeps the memory of some backends until it is restarted.`,
      );
    yield* pause(UNLOAD_PAUSE_MS);
  }
}
