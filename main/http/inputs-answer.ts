/**
 * A runtime's answer to texts or images, as one embedding or class for each, in their order. Pure;
 * a large one is read on a thread of its own.
 */
import { usageOf } from './usage.ts';

interface Entry {
  readonly index?: number;
  readonly embedding?: readonly number[];
  readonly label?: string | null;
  readonly probs?: readonly number[];
}

interface InputsAnswer {
  readonly data?: readonly Entry[];
  readonly usage?: object | null;
}

/** A clause where the answer is none. */
export function inputsIn(
  bytes: Buffer,
  kind: 'embeddings' | 'classes',
): { readonly entries: readonly unknown[]; readonly promptTokens: number | null } | string {
  let answer: InputsAnswer | null;
  try {
    answer = JSON.parse(bytes.toString()) as InputsAnswer | null;
  } catch {
    return 'its answer is not JSON';
  }
  const { data, usage } = answer ?? {};
  if (!Array.isArray(data) || !data.every((entry) => typeof entry === 'object' && entry !== null)) return `its answer has no ${kind}`;
  const inOrder = (data as readonly Entry[]).toSorted((one, other) => (one.index ?? 0) - (other.index ?? 0));
  const entries = inOrder.map((entry) => (kind === 'classes' ? labelOf(entry) : (entry.embedding ?? [])));
  return { entries, promptTokens: usageOf(usage).promptTokens };
}

function labelOf({ label, probs }: Entry): { readonly label: string; readonly probability: number | null } {
  const likeliest = Array.isArray(probs) && probs.length > 0 ? probs.reduce((one, other) => Math.max(one, other)) : null;
  return { label: label ?? (likeliest === null ? '' : String(probs?.indexOf(likeliest))), probability: likeliest };
}
