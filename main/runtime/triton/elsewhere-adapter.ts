/**
 * Adapter for a Triton that Modelium does not run: models are uploaded into it, and the models that
 * it has itself are offered. Nothing of it is started, ended or counted here.
 */
import type { LaunchPlan } from '../../../shared/decision.ts';
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { bytesInWords } from '../../../shared/units.ts';
import { MOST_IN_FLIGHT } from '../../core/admission.ts';
import type { LaunchSettings, Support } from '../../core/decide/planner.ts';
import type { Adapter } from '../adapter.ts';
import type { MachineFacts } from '../module.ts';
import { capital, checkServer, serverName, type TritonElsewhere } from './elsewhere.ts';
import type { TritonFound } from './find.ts';
import { load } from './load.ts';
import { lacks, mostUploadBytes, plan, supports } from './plan.ts';
import { checkModel } from './proof.ts';
import { unloadThere, uploadModel, usedThere } from './upload.ts';
import { explainExit } from './words.ts';

export function elsewhereAdapter(machine: MachineFacts, found: TritonFound, server: TritonElsewhere): Adapter {
  const name = serverName(server);
  const there = { machine, server };
  return {
    id: 'triton',
    found: {
      found: server.problem === null,
      version: found.version,
      message: found.message,
      isWrong: found.isWrong,
      gpu: { usable: false, why: 'Triton runs elsewhere' },
    },
    // Nothing of it is a process of ours.
    portRange: [1, 1],
    splits: false,
    groups: false,
    stopping: { graceSeconds: 1, loadingGraceSeconds: 1, leaderFirst: false },
    offered: 'too',
    elsewhere: () => server.where,
    supports: (profile, form) => supportsThere(server, mostUploadBytes(machine.settings), profile, form),
    lacks,
    plan: (profile, form, placement, launch) => planThere(machine, name, profile, form, placement, launch),
    estimate: () => ({ bytes: {}, parts: {}, notes: [] }),
    // How many it works on at once is its own matter.
    capacity: () => MOST_IN_FLIGHT,
    servers: [
      {
        name,
        isForeign: true,
        where: server.where,
        about: JSON.stringify({ ...server, version: null, loadProblem: null }),
        check: () => checkServer(machine, server),
      },
    ],
    *load(target) {
      const isOffered = target.plan.form === 'remote';
      const before = isOffered ? null : yield* usedThere(server);
      const endpoint = yield* load(target, (at, wanted, timeoutMs) =>
        isOffered ? offeredName(target.plan) : uploadModel(there, at, wanted, timeoutMs),
      );
      const after = before === null ? null : yield* usedThere(server);
      return before === null || after === null ? endpoint : { ...endpoint, tookBytes: Math.max(0, after - before) };
    },
    detach: (modelId, at) => unloadThere(there, modelId, at),
    checkModel,
    progress: () => null,
    explainExit,
  };
}

// biome-ignore lint/correctness/useYield: it is loaded already.
function* offeredName({ file }: LaunchPlan): Generator<never, string> {
  return file;
}

function supportsThere(server: TritonElsewhere, mostBytes: number, profile: ModelProfile, form: ModelForm): Support {
  const { where, loadProblem } = server;
  if (form.kind === 'remote') return { supported: form.server === serverName(server), why: `${capital(where)} has it loaded.` };
  const refused = (why: string): Support => ({ supported: false, why });
  if (form.kind === 'transformers')
    return refused(`Triton's vLLM reads a folder from its own disk, and Modelium cannot know whether ${where} can read this one.`);
  const known = supports(null, profile, form);
  if (!known.supported) return known;
  if (loadProblem !== null) return refused(loadProblem);
  if (profile.architecture === 'ensemble' && form.kind === 'triton')
    return refused('An ensemble refers to other models by their names here, but a Triton elsewhere has other names for them.');
  if (profile.weightBytes > mostBytes)
    return refused(
      `Its files go to ${where} with the call that loads it. They are ${bytesInWords(profile.weightBytes)}, and at most ${bytesInWords(mostBytes)} are accepted: start that Triton with a larger --http-max-input-size and say so in triton.http_max_input_mb, or copy the model into its repository; once it is loaded there it is offered here.`,
    );
  return { supported: true, why: `${capital(where)} is asked to load it.` };
}

function planThere(
  machine: MachineFacts,
  server: string,
  profile: ModelProfile,
  form: ModelForm,
  placement: LaunchPlan['placement'],
  launch: LaunchSettings,
): LaunchPlan {
  if (form.kind === 'remote')
    return {
      runtime: 'triton',
      form: form.kind,
      file: form.files[0] ?? '',
      placement,
      server,
      contextTokens: 0,
      parallelSequences: 1,
      args: [],
      env: {},
    };
  return { ...plan(machine, profile, form, placement, launch), server };
}
