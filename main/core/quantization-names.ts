/**
 * Resolves `name:Q4_K_M`, a spelling that other servers use: the model of that name, if it is
 * served in this quantisation. Another quantisation is never served in its place. Pure.
 */
import type { ModelState } from '../../shared/model.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import { quantizationOf } from './analyzer/part-folders.ts';

const ASKED = /^(.+):([\w.-]{1,32})$/s;

/** The name and the quantisation behind its last colon; null: it has none. */
export function askedQuantization(name: string): { readonly base: string; readonly quantization: string } | null {
  const [, base, quantization] = ASKED.exec(name) ?? [];
  return base === undefined || quantization === undefined ? null : { base, quantization };
}

/**
 * What the quantisation that a request reaches is called, in each of its spellings; none where
 * several lie in the folder, and which of them is loaded is decided when somebody asks.
 * @param chosen `models.NAME.quantization`.
 */
export function servedQuantizations(
  { profile, state }: { readonly profile: ModelProfile | null; readonly state: ModelState },
  chosen: string | undefined,
): readonly string[] {
  if (profile === null) return [];
  const several = profile.forms.filter(({ weights }) => weights !== undefined);
  if (several.length < 2) return labelsOf(profile);
  const file = 'plan' in state ? state.plan.file : null;
  const loaded = several.find(({ files }) => files[0] === file)?.detail;
  return [loaded ?? chosen].filter((label) => label !== undefined);
}

/** As the file is called, and as its weights are. */
function labelsOf({ forms, quantization }: ModelProfile): readonly string[] {
  const stems = forms.map(
    ({ files }) =>
      (files[0] ?? '')
        .split('/')
        .at(-1)
        ?.replace(/(?:-\d{5}-of-\d{5})?\.gguf$/i, '') ?? '',
  );
  const named = stems.map((stem) => quantizationOf(stem)?.quantization);
  return [...named, quantization ?? undefined].filter((label) => label !== undefined);
}
