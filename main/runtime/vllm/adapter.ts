/**
 * The vLLM runtime: Hugging Face folders served by `vllm serve`, one process group each. Facts and
 * steps only; the process host executes them. `supports.ts` says what vLLM takes, `plan.ts` and
 * `load.ts` how it starts, `estimate.ts` what it costs; `words.ts` and `explain.ts` interpret its
 * output.
 */
import type { RuntimeFound } from '../../core/decide/planner.ts';
import type { Adapter } from '../adapter.ts';
import { lastNumber } from '../last-argument.ts';
import { attach, detach, sleep, wake } from './changes.ts';
import { estimate } from './estimate.ts';
import { explainExit } from './explain.ts';
import type { VllmFacts } from './facts.ts';
import { load } from './load.ts';
import { planOf } from './plan.ts';
import { obstacleAt, supports, whyNotAttached } from './supports.ts';
import { progressOf, reportedOf } from './words.ts';

function foundOf({ install, gpus }: VllmFacts): RuntimeFound {
  if (!install.found) return { found: false, version: null, message: install.message, gpu: { usable: false, why: install.message } };
  const { version, command, isCpuBuild } = install;
  const name = `vLLM ${version ?? '(version unknown)'}`;
  const build = isCpuBuild ? ', built for processors' : '';
  const gpu = isCpuBuild
    ? { usable: false, why: `${name} in ${command} is built for processors: install the one for CUDA to use a GPU` }
    : { usable: gpus.isPresent, why: gpus.isPresent ? `${name}; ${gpus.why}` : gpus.why };
  const cpu = isCpuBuild ? { usable: true, why: `${name} computes on processors` } : { usable: false, why: `${name} is built for GPUs` };
  // A wrapper may start either: its word is not doubted.
  return { found: true, version, message: `${name}${build}: ${command}.`, gpu, ...(version === null ? {} : { cpu }) };
}

/** The adapter for these facts. */
export function vllmAdapter(facts: VllmFacts): Adapter {
  return {
    id: 'vllm',
    found: foundOf(facts),
    portRange: facts.settings.port_range,
    // It ends in a second when it is ready. While its engine starts it loses the signal, and
    // SIGTERM to its whole group hangs it.
    stopping: { graceSeconds: 15, loadingGraceSeconds: 2, leaderFirst: true },
    splits: false,
    groups: true,
    speaks: 'openai',
    supports: (profile, form) => supports(facts, profile, form),
    obstacle: (profile, placement) => obstacleAt(facts, profile, placement),
    plan: (profile, form, placement, settings) => planOf(facts, profile, form, placement, settings),
    estimate: (profile, plan) => estimate(facts, profile, plan),
    capacity: ({ args, parallelSequences }) => lastNumber(args, '--max-num-seqs') ?? parallelSequences,
    load: (target) => load(facts, target),
    sleep,
    wake,
    attach,
    detach,
    whyNotAttached,
    canSleep: (plan) => plan.args.includes('--enable-sleep-mode'),
    progress: progressOf,
    explainExit,
    reported: reportedOf,
  };
}
