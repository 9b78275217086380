/**
 * The brain's sentences besides the headline of a reason: why a candidate fits or does not, and why
 * no runtime takes a model. Wording only; decides nothing.
 */
import { assertNever } from '../../../shared/errors.ts';
import type { FormKind, ModelProfile } from '../../../shared/profile.ts';
import { listed } from '../sentences.ts';
import type { Box, Weighed } from './brain-fit.ts';
import type { NamedRuntime } from './planner.ts';
import { suitedRuntime } from './runtime-preference.ts';

/** A phrase for a cell; the figures stand beside it. */
export function candidateWords({ option, fit, victims, waitsFor, lacksRoom }: Weighed, box: Box): string {
  const words = fitWords();
  return option.needsTrust ? `would run code from the model's files, which is not trusted yet; ${words}` : words;

  function fitWords(): string {
    switch (fit) {
      case 'now':
        return option.plan.placement.kind === 'elsewhere' ? 'runs there, and takes no memory here' : 'fits';
      case 'victims':
        return `fits after ${listed(victims)} left`;
      case 'draining':
        return `fits when ${listed(waitsFor)} has been unloaded`;
      case 'waits':
        if (!lacksRoom) return `fits after ${listed(waitsFor)} has loaded: one load at a time`;
        if (waitsFor.length === 0) return 'no room now';
        return `no room while ${listed(waitsFor)} is there${box.input.mayEvict ? '' : ', and a new model evicts no other'}`;
      case 'held':
        return 'no room: other programs hold the memory';
      case 'too-large':
        return 'too large, even if nothing else were loaded';
      case 'impossible':
        return option.obstacle ?? 'a device that it needs is not there';
      default:
        return assertNever(fit);
    }
  }
}

/**
 * For a model that no runtime here takes: what it is, and what would take it. @param later runtimes
 * of a later version.
 */
export function noRuntimeWords(
  { kind, forms, architecture }: ModelProfile,
  runtimes: readonly NamedRuntime[],
  later: readonly NamedRuntime[],
): { readonly reason: string; readonly help: string } {
  const kinds = forms.map((form) => form.kind);
  const what = `${architecture || 'unknown architecture'}${kind === 'unknown' ? '' : `, ${kind}`}`;
  const suited = (form: FormKind): NamedRuntime | null => suitedRuntime([...runtimes, ...later], kind, form);
  const conversion = forms.find((form) => form.kind === 'transformers')?.conversion;
  if (kinds.includes('transformers')) {
    const best = suited('transformers');
    return {
      reason: `This is a Hugging Face folder (${what}), and no runtime that is ready here takes that form${conversion?.why == null ? '' : `: ${conversion.why}`}.`,
      help:
        best !== null && later.includes(best)
          ? `${best.name} would serve it as it is, once this version can use it.`
          : `Drop a GGUF of the same model: ${suited('gguf')?.name} serves that. ${HELP_CHECK}`,
    };
  }
  const best = kinds.map(suited).find((runtime) => runtime !== null);
  const would = best === undefined || !later.includes(best) ? '' : ` ${best.name} would serve it, once this version can use it.`;
  return { reason: `No runtime that is ready here takes this model (${what}; ${listed(kinds)}).${would}`, help: HELP_CHECK };
}

export const HELP_CHECK = '`modelium check` lists the runtimes and what each of them lacks.';
