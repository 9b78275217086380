/**
 * The sampling defaults of a model's author: from `generation_config.json` of transformers and
 * `general.sampling` of GGUF. Values out of range count as absent. Pure.
 */
import type { SamplingAdvice } from '../../../shared/profile.ts';

const HOTTEST = 2;

/** Null: the author advises nothing. @param temperature as the file has it. */
export function samplingOf(temperature: unknown, topP: unknown): SamplingAdvice | null {
  const advice = { temperature: within(temperature, 0, HOTTEST), topP: within(topP, Number.MIN_VALUE, 1) };
  return advice.temperature === null && advice.topP === null ? null : advice;
}

/** In four digits: a file of 32-bit numbers has 0.6 as 0.6000000238. */
function within(value: unknown, least: number, most: number): number | null {
  return typeof value === 'number' && value >= least && value <= most ? Number(value.toPrecision(4)) : null;
}
