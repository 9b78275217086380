/**
 * Sends requests that a seed makes to something that serves models, several at a time, and asks
 * beside them for an answer that is known. A request may be answered or refused by name; it may
 * never end a server, be its error, take for ever, or change another one's answer.
 */
const AT_ONCE = 6;
/**
 * Between two questions for the known answer: often, so that several are asked at once and are
 * computed together.
 */
const WITNESS_EACH = 10;
/** No request here asks for more than some seconds of work on a slow machine. */
export const PATIENCE_MS = 60_000;

export class FuzzFailure extends Error {}

/** What is fuzzed. */
export interface FuzzTarget {
  /**
   * Sends one case, and waits for its end. @returns the status, or that the client left, as the
   * case has it. @throws Error with the request where the answer is none that it may have.
   */
  send(seed: number, index: number): Promise<number | 'left'>;
  /** The case, to be shown. */
  describe(seed: number, index: number): unknown;
  /** The answer to a completion with these fields. */
  complete(fields: object): Promise<{ readonly status: number; readonly text: string }>;
  /** What is wrong after all of them. @throws Error. */
  check?(): Promise<void>;
  end(): Promise<void>;
}

export class RequestFuzzer {
  readonly #target: FuzzTarget;
  readonly #known: Known;
  /** How many requests each status answered. */
  readonly counts = new Map<number | 'left', number>();

  private constructor(target: FuzzTarget, known: Known) {
    this.#target = target;
    this.#known = known;
  }

  static async start(target: FuzzTarget): Promise<RequestFuzzer> {
    return new RequestFuzzer(target, await findKnown(target));
  }

  end(): Promise<void> {
    return this.#target.end();
  }

  /** @throws FuzzFailure with the case. */
  async run(seed: number, from: number, count: number): Promise<void> {
    let next = from;
    const worker = async () => {
      while (next < from + count) {
        const index = next++;
        await this.#one(seed, index).catch((error: unknown) => {
          throw new FuzzFailure(`case ${index} of seed ${seed}: ${error instanceof Error ? error.message : error}`);
        });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await this.#askKnown();
    await this.#target.check?.();
  }

  async #one(seed: number, index: number): Promise<void> {
    const kind = await this.#target.send(seed, index);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    if (index % WITNESS_EACH === 0) await this.#askKnown();
  }

  async #askKnown(): Promise<void> {
    const answer = await this.#known.ask();
    if (answer !== this.#known.text) throw new Error(`another request changed a known answer to ${answer.slice(0, 500)}`);
  }
}

interface Known {
  readonly text: string;
  ask(): Promise<string>;
}

/** Of these the one whose answer is surest is asked again and again. */
const WITNESSES = ['the model', 'Hello', 'one two three', 'What is it?', 'a', 'The end of'];
/**
 * In logarithms of probability. What else is in a batch changes the last digits of a sum: 1e-5 of
 * these.
 */
const SURE = 1e-3;

interface Completion {
  readonly choices: readonly {
    readonly text: string;
    readonly logprobs: { readonly top_logprobs: readonly Readonly<Record<string, number>>[] };
  }[];
}

/** @throws where each answer has a token that is hardly likelier than the next one. */
async function findKnown(target: FuzzTarget): Promise<Known> {
  const asked = await Promise.all(
    WITNESSES.map(async (prompt) => {
      const request = { prompt, temperature: 0, max_tokens: 6, seed: 1 };
      const answer = await target.complete({ ...request, logprobs: 2 });
      if (answer.status !== 200) throw new Error(`the answer to be known is refused: ${answer.text}`);
      const [choice] = (JSON.parse(answer.text) as Completion).choices;
      const margins = choice!.logprobs.top_logprobs.map((top) => {
        const [first = 0, second = first] = Object.values(top).sort((a, b) => b - a);
        return first - second;
      });
      const ask = async () => {
        const { status, text } = await target.complete(request);
        return status === 200 ? (JSON.parse(text) as Completion).choices[0]!.text : `${status} ${text}`;
      };
      return { margin: Math.min(...margins), text: choice!.text, ask };
    }),
  );
  const surest = asked.reduce((best, one) => (one.margin > best.margin ? one : best));
  if (!(surest.margin > SURE)) throw new Error(`no answer of the tiny model is sure: ${asked.map(({ margin }) => margin).join(', ')}`);
  return surest;
}

/** @throws Error where a refusal is none of these statuses, or does not say what was wrong. */
export function checkRefusal(
  answer: { readonly status: number; readonly text: string },
  statuses: readonly number[],
  request: string,
): void {
  if (!statuses.includes(answer.status)) throw new Error(`${request} was answered with ${answer.status}: ${answer.text.slice(0, 1000)}`);
  const { error } = JSON.parse(answer.text) as { error?: { message?: unknown; code?: unknown; origin?: unknown } };
  if (typeof error?.message !== 'string' || typeof error.code !== 'string' || !['llama', 'modelium'].includes(String(error.origin)))
    throw new Error(`${request} was refused without a reason: ${answer.text.slice(0, 1000)}`);
}
