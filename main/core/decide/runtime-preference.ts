/**
 * Compares how well runtimes suit a model; each runtime states its own rank (`RuntimePreference`).
 * Pure.
 */
import type { Placement } from '../../../shared/decision.ts';
import type { FormKind, ModelKind } from '../../../shared/profile.ts';
import type { NamedRuntime } from './planner.ts';

/** Behind whatever has a place. */
const LAST = 100;

/** The runtime that suits this kind of model in this form best; null where none takes it. */
export function suitedRuntime<Named extends NamedRuntime>(runtimes: readonly Named[], kind: ModelKind, form: FormKind): Named | null {
  const suited = runtimes.filter(({ preference }) => preference(kind, form, 'gpu') !== null);
  return suited.toSorted((one, other) => placeOf(one, kind, form, 'gpu') - placeOf(other, kind, form, 'gpu'))[0] ?? null;
}

/** The lowest first. Whether a runtime takes the model at all is its adapter's word. */
export function placeOf({ preference }: NamedRuntime, kind: ModelKind, form: FormKind, placement: Placement['kind']): number {
  return preference(kind, form, placement) ?? LAST;
}
