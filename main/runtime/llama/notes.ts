/** The notes to a launch of llama.cpp that users see besides its memory figures. Pure. */
import type { LaunchPlan } from '../../../shared/decision.ts';
import type { ModelProfile } from '../../../shared/profile.ts';

export function notesOf(profile: ModelProfile, plan: LaunchPlan): readonly string[] {
  const notes: string[] = [];
  if (profile.kv !== null && !profile.kv.exact) notes.push('The KV cache is an upper bound: the layers of this architecture differ.');
  if (plan.placement.gpus.length > 1)
    notes.push('llama.cpp divides the layers by the free memory of each GPU; the estimate assumes equal shares.');
  // node-llama-cpp 3.21.1 has llama.cpp without its part for images.
  const companions = profile.forms.find(({ kind }) => kind === plan.form)?.companions ?? [];
  if (companions.some(({ role }) => role === 'projector'))
    notes.push('The model reads no images here, because its projector (mmproj) is not loaded.');
  const form = profile.forms.find(({ kind }) => kind === plan.form);
  const conversion = plan.preparation === undefined ? undefined : form?.conversion;
  if (conversion?.why === null && conversion.isCut) {
    notes.push(`Its context ends at ${conversion.contextTokens} tokens: beyond that, llama.cpp computes other results than the original.`);
  }
  return notes;
}
