/** A candidate of a decision in words. Pure. */
import type { Candidate } from '../../shared/decision.ts';
import * as texts from '../texts.ts';
import { mainDevices } from './device-name.ts';

type NameOf = (id: string) => string;

/** The same for the same runtime, form and place, whatever it needs. */
export function keyOf({ plan }: Candidate): string {
  return JSON.stringify([plan.runtime, plan.form, plan.placement, plan.preparation]);
}

export function candidateInWords(candidate: Candidate, nameOf: NameOf): string {
  const { plan, feasible } = candidate;
  // What was never reckoned, because the runtime does not take it, has no place.
  const place = feasible || needsOf(candidate).length > 0 ? placeOf(candidate, nameOf) : null;
  return texts.candidates.name(plan.runtime, plan.preparation?.type ?? null, place);
}

/** Bytes by device, without the devices that it takes nothing of. */
export function needsOf({ bytesNeeded }: Candidate): readonly (readonly [string, number])[] {
  return Object.entries(bytesNeeded).filter(([, bytes]) => bytes > 0);
}

/** The candidate that was taken, by its place in the list; rows of a load know it. */
export function chosenOf(inputs: unknown): number | null {
  const chosen = (inputs as { readonly chosen?: unknown } | null)?.chosen;
  return typeof chosen === 'number' && chosen >= 0 ? chosen : null;
}

function placeOf({ plan, bytesNeeded }: Candidate, nameOf: NameOf): string {
  const { kind, gpus, gpuLayers } = plan.placement;
  if (kind === 'cpu') return texts.common.cpu;
  if (kind === 'elsewhere') return plan.placement.where ?? texts.candidates.elsewhere;
  const names = mainDevices(gpus.length > 0 ? gpus : Object.keys(bytesNeeded)).map(nameOf);
  return kind === 'split' ? texts.candidates.splitOverCpu(names.join(' + '), gpuLayers ?? '?') : names.join(' + ');
}
