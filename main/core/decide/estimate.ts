/**
 * Corrects a planner's memory estimate by what earlier loads took, and predicts the seconds that a
 * load will take. It does not read the ledger: the caller passes the measurements.
 */
import { type DeviceBytes, HOST_DEVICE, type LaunchPlan, type RuntimeId } from '../../../shared/decision.ts';
import type { ModelProfile } from '../../../shared/profile.ts';
import type { Correction } from '../../../shared/reason.ts';
import type { Measurement } from '../ports.ts';
import { isWake, planHash, wakeHash } from './plan-hash.ts';
import type { Estimate, RuntimePlanner } from './planner.ts';

/** The same plan of the same model was measured: believed almost as it is. */
const SAME_PLAN_BOUNDS = [0.8, 2] as const;
/** Of a guess, what was measured is all that is known. */
const ANY_BOUNDS = [0, Number.POSITIVE_INFINITY] as const;
/**
 * Another plan or another model: a hint only. Never much below the arithmetic, since too little
 * ends in an out-of-memory load.
 */
const LOOSE_BOUNDS = [0.9, 1.5] as const;
/** A runtime's habit is believed from this many loads on. */
const RUNTIME_LOADS = 3;
const RECENT_LOADS = 5;
/** Other models' loads that a forecast of seconds rests on. */
const FORECAST_LOADS = 16;

type Side = 'gpu' | 'host';

export interface CorrectedEstimate extends Estimate {
  /** What was done to the planner's figures, where that is a hundredth or more. */
  readonly corrections: readonly Correction[];
}

/**
 * `planner.estimate` corrected by what was measured: of this model with this plan, else of this
 * model on this runtime, else of this runtime. The correction is clamped, and a note says what was
 * done. `measurements` are newest first. Their `predicted` must be the planner's own estimate
 * before any correction: else the correction would be corrected in turn, and the forecast would
 * swing.
 */
export function correctedEstimate(
  planner: RuntimePlanner,
  profile: ModelProfile,
  plan: LaunchPlan,
  modelId: string,
  measurements: readonly Measurement[],
): CorrectedEstimate {
  const raw = planner.estimate(profile, plan);
  const ofRuntime = measurements.filter((one) => one.runtime === plan.runtime && !isWake(one));
  if (ofRuntime.length === 0) return { ...raw, corrections: [] };
  const ofModel = ofRuntime.filter((one) => one.modelId === modelId);
  const hash = ofModel.length === 0 ? '' : planHash(plan);
  const samePlan = ofModel.filter((one) => one.planHash === hash).slice(0, RECENT_LOADS);
  const onGpu = Object.keys(raw.bytes).some((device) => device !== HOST_DEVICE);
  const bytes: Record<string, number> = {};
  const corrections: Correction[] = [];
  for (const [device, rawBytes] of Object.entries(raw.bytes)) {
    const side = sideOf(device);
    // Beside a GPU the resident bytes on the host are mostly mapped weights, which the kernel may
    // drop: nothing to learn from.
    const learned =
      side === 'host' && onGpu ? null : learn(device, rawBytes, samePlan, ofModel, ofRuntime, raw.isGuess ? ANY_BOUNDS : SAME_PLAN_BOUNDS);
    bytes[device] = learned === null ? rawBytes : Math.ceil(rawBytes * learned.factor);
    if (learned !== null && Math.abs(learned.factor - 1) >= 0.01)
      corrections.push({ fact: 'corrected', side, factor: learned.factor, from: learned.from, isClamped: learned.clamped });
  }
  const learned = totalOf(bytes) - totalOf(raw.bytes);
  return { bytes, parts: learned === 0 ? raw.parts : { ...raw.parts, learned }, notes: raw.notes, corrections: unique(corrections) };
}

interface Learned {
  readonly factor: number;
  readonly clamped: boolean;
  readonly from: Correction['from'];
}

function learn(
  device: string,
  rawBytes: number,
  samePlan: readonly Measurement[],
  ofModel: readonly Measurement[],
  ofRuntime: readonly Measurement[],
  samePlanBounds: readonly [number, number],
): Learned | null {
  const side = sideOf(device);
  // The highest of the last few: a plan may have been measured while it was idle, and will need
  // again what it once needed.
  const measured = Math.max(0, ...samePlan.map((one) => one.measured[device] ?? 0));
  if (measured > 0 && rawBytes > 0) return clamped(measured / rawBytes, samePlanBounds, 'plan');
  const sameModel = ratios(ofModel, side);
  if (sameModel.length > 0) return clamped(Math.max(...sameModel), LOOSE_BOUNDS, 'model');
  const sameRuntime = ratios(ofRuntime, side);
  return sameRuntime.length < RUNTIME_LOADS ? null : clamped(median(sameRuntime), LOOSE_BOUNDS, 'runtime');
}

/**
 * Measured / predicted of the newest loads, on the GPUs together, or on the host for loads without
 * a GPU.
 */
function ratios(measurements: readonly Measurement[], side: Side): readonly number[] {
  const found: number[] = [];
  for (const one of measurements) {
    if (side === 'host' && bytesOn(one.predicted, 'gpu') > 0) continue;
    const predicted = bytesOn(one.predicted, side);
    const measured = bytesOn(one.measured, side);
    // Zero: nothing of that kind, or a driver that did not tell.
    if (predicted > 0 && measured > 0) found.push(measured / predicted);
    if (found.length === RECENT_LOADS) break;
  }
  return found;
}

function clamped(ratio: number, bounds: readonly [number, number], from: Correction['from']): Learned {
  const factor = Math.min(bounds[1], Math.max(bounds[0], ratio));
  return { factor, clamped: factor !== ratio, from };
}

function totalOf(bytes: DeviceBytes): number {
  return Object.values(bytes).reduce((sum, each) => sum + each, 0);
}

/** Equal GPUs are corrected alike: that is told once. */
function unique(corrections: readonly Correction[]): readonly Correction[] {
  const isSame = (one: Correction, other: Correction): boolean => one.side === other.side && one.factor === other.factor;
  return corrections.filter((one, at) => corrections.findIndex((other) => isSame(one, other)) === at);
}

/**
 * Seconds that a load is expected to take: the median of this model's loads on the runtime, else by
 * the bytes per second of other models' loads on it, else null.
 */
export function expectedLoadSeconds(
  modelId: string,
  runtime: RuntimeId,
  bytes: DeviceBytes,
  measurements: readonly Measurement[],
): number | null {
  const ofRuntime = measurements.filter((one) => one.runtime === runtime && !isWake(one));
  const own = ofRuntime.filter((one) => one.modelId === modelId).slice(0, RECENT_LOADS);
  if (own.length > 0) return median(own.map((one) => one.loadSeconds));
  const secondsPerByte = ofRuntime
    .slice(0, FORECAST_LOADS)
    .map((one) => one.loadSeconds / (bytesOn(one.measured, 'gpu') + bytesOn(one.measured, 'host')))
    .filter((rate) => Number.isFinite(rate));
  return secondsPerByte.length === 0 ? null : median(secondsPerByte) * (bytesOn(bytes, 'gpu') + bytesOn(bytes, 'host'));
}

/**
 * Seconds that waking it is expected to take: the median of the last times; null before the first.
 */
export function expectedWakeSeconds(modelId: string, plan: LaunchPlan, measurements: readonly Measurement[]): number | null {
  const hash = wakeHash(plan);
  const own = measurements.filter((one) => one.modelId === modelId && one.planHash === hash).slice(0, RECENT_LOADS);
  return own.length === 0 ? null : median(own.map((one) => one.loadSeconds));
}

function bytesOn(bytes: DeviceBytes, side: Side): number {
  let sum = 0;
  for (const device of Object.keys(bytes)) if (sideOf(device) === side) sum += bytes[device] ?? 0;
  return sum;
}

function sideOf(device: string): Side {
  return device === HOST_DEVICE ? 'host' : 'gpu';
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
