/**
 * Hashes launch plans to compare them. If the hash is equal after a settings change, a running load
 * or ready model is left alone. The hash is not cryptographic: users gain nothing from collisions
 * of their own plans.
 */
import type { LaunchPlan } from '../../../shared/decision.ts';

const WAKE = '-wake';
const FNV_PRIME = 0x01000193;
const FNV_OFFSET = 0x811c9dc5;
/**
 * Any other start value gives a second, independent lane; 32 bits alone would collide within some
 * ten thousand plans.
 */
const OTHER_OFFSET = 0x9e3779b9;

/**
 * Sixteen hex digits over every field of the plan; the order of environment variables does not
 * count, that of arguments and GPUs does.
 */
export function planHash(plan: LaunchPlan): string {
  const text = canonical(plan);
  let first = FNV_OFFSET;
  let second = OTHER_OFFSET;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    first = Math.imul(first ^ code, FNV_PRIME);
    second = Math.imul(second ^ (code + index), FNV_PRIME);
  }
  return hex(first) + hex(second);
}

/** Under which waking is learned: another time than starting, and other bytes. */
export function wakeHash(plan: LaunchPlan): string {
  return `${planHash(plan)}${WAKE}`;
}

export function isWake({ planHash: hash }: { readonly planHash: string }): boolean {
  return hash.endsWith(WAKE);
}

function canonical(plan: LaunchPlan): string {
  const env = Object.entries(plan.env).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const { kind, gpus, gpuLayers, where } = plan.placement;
  return JSON.stringify([
    plan.runtime,
    plan.form,
    plan.file,
    kind,
    gpus,
    gpuLayers,
    plan.contextTokens,
    plan.parallelSequences,
    plan.args,
    env,
    // Nothing where nothing is prepared: hashes that the ledger holds stay what they are.
    ...(plan.preparation === undefined ? [] : [plan.preparation.type]),
    ...(where === undefined ? [] : [where]),
    ...(plan.asked === undefined ? [] : [plan.asked]),
  ]);
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0');
}
