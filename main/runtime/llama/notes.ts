/** What a person should know of a launch of llama.cpp beside its bytes. Pure. */
import type { LaunchPlan } from '../../../shared/decision.ts';
import type { ModelProfile } from '../../../shared/profile.ts';

export function notesOf(profile: ModelProfile, plan: LaunchPlan): readonly string[] {
  const notes: string[] = [];
  if (profile.kv !== null && !profile.kv.exact) notes.push('The KV cache is an upper bound: the layers of this architecture differ.');
  if (plan.placement.gpus.length > 1) notes.push('llama.cpp deals the layers by the free memory of each GPU; equal shares are assumed.');
  // node-llama-cpp 3.21.1 has llama.cpp without its part for images.
  const companions = profile.forms.find(({ kind }) => kind === plan.form)?.companions ?? [];
  if (companions.some(({ role }) => role === 'projector'))
    notes.push('Images are not read: the projector (mmproj) beside it is not loaded.');
  const form = profile.forms.find(({ kind }) => kind === plan.form);
  const conversion = plan.preparation === undefined ? undefined : form?.conversion;
  if (conversion?.why === null && conversion.isCut) {
    notes.push(`Its context ends at ${conversion.contextTokens} tokens: beyond them llama.cpp does not compute what it was trained for.`);
  }
  return notes;
}
