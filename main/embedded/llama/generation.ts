/**
 * Generates one answer: turns the tokens of a sequence into text, cuts it at stop strings, and
 * finds tool calls. Owns the rules for the end of an answer; knows nothing of HTTP.
 */

import type { GenerationRequest } from '../requests/openai-request.ts';
import { type ThinkingMarks, type ThinkingPart, ThinkingReader, tokensOf } from '../tools/thinking.ts';
import { MARKS, type ToolFormat } from '../tools/tool-format.ts';
import { type Part, ToolReader } from '../tools/tool-reader.ts';
import { FollowedGrammar } from './followed-grammar.ts';
import { LikelihoodLog, type TokenLikelihood } from './likelihoods.ts';
import type { LoadedModel } from './llama.ts';
import type { Chosen } from './sampling.ts';
import type { Sequence } from './sequence.ts';
import { IncrementalText, StopWatch } from './text-stream.ts';

export type FinishReason = 'stop' | 'length' | 'tool_calls';

export interface Generation {
  readonly tokens: readonly number[];
  readonly request: GenerationRequest;
  readonly bias: ReadonlyMap<number, number>;
  /** Which of the answers to the same prompt: each has a seed of its own. */
  readonly choice: number;
  readonly tools: {
    readonly format: ToolFormat;
    readonly names: readonly string[];
    /** Names of tools that take nothing. */
    readonly empty: readonly string[];
    /** At most one call. */
    readonly isSingle: boolean;
    readonly grammar: string | null;
  } | null;
  /**
   * How its thoughts are told from its answer, and whether it begins inside of them, or behind
   * their end; null: it has none.
   */
  readonly thinking: { readonly marks: ThinkingMarks; readonly isOpen: boolean; readonly isClosed?: boolean } | null;
  readonly signal: AbortSignal;
}

/**
 * Where an answer goes. A promise makes the next token wait, which is how a slow reader slows only
 * its own sequence.
 */
export interface Sink {
  /** Told before the part that the token makes, if it makes one. */
  token(): void;
  progress(known: number, kept: number): void;
  /** @param likelihoods empty where none were asked for. */
  part(part: Part, likelihoods: readonly TokenLikelihood[]): Promise<void> | undefined;
}

export interface GenerationEnd {
  readonly finish: FinishReason;
  readonly completionTokens: number;
  /** Tokens of the prompt that were not read again. */
  readonly cachedTokens: number;
}

/** Generates, and hands out what comes. @returns null when the client left. */
export async function complete(model: LoadedModel, sequence: Sequence, generation: Generation, sink: Sink): Promise<GenerationEnd | null> {
  const { tokens, request, choice, bias, tools, signal } = generation;
  const writer = new Writer(model, generation, sink);
  const room = request.shift ? Number.POSITIVE_INFINITY : model.contextTokens - tokens.length;
  const grammar = tools === null ? request.grammar : tools.grammar;
  const followed = grammar === null ? null : new FollowedGrammar(grammar);
  let completionTokens = 0;
  let cachedTokens = 0;
  const end = await sequence.run({
    tokens,
    signal,
    rivals: request.rivals,
    reuse: request.reuse,
    sampling: { ...request.sampling, bias, seed: (request.sampling.seed + choice) >>> 0 },
    grammar: grammar === null ? null : model.grammarState(grammar),
    maxTokens: Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, room),
    onRead(known, kept) {
      cachedTokens = kept;
      sink.progress(known, kept);
    },
    onToken(chosen) {
      completionTokens += 1;
      followed?.token(model.tokenText(chosen.token).bytes);
      sink.token();
      return writer.token(chosen);
    },
  });
  if (end === 'aborted') return null;
  await writer.end(end !== 'stopped');
  const finish = end === 'length' ? 'length' : writer.calls > 0 ? 'tool_calls' : 'stop';
  return { finish, completionTokens, cachedTokens };
}

function readerOf({ format, names, empty, isSingle }: NonNullable<Generation['tools']>): ToolReader {
  return new ToolReader(format, (name) => names.includes(name), { isSingle, takesNothing: (name) => empty.includes(name) });
}

class Writer {
  readonly #sink: Sink;
  readonly #text: IncrementalText;
  readonly #stops: StopWatch;
  readonly #thinking: ThinkingReader | null;
  readonly #reader: ToolReader | null;
  /**
   * Control tokens that begin or divide calls and thoughts: no text of an answer, but the readers
   * must see them.
   */
  readonly #marks: ReadonlyMap<number, string>;
  readonly #log: LikelihoodLog;
  #made = 0;
  #sent = 0;

  constructor(model: LoadedModel, { tokens, request, tools, thinking }: Generation, sink: Sink) {
    this.#sink = sink;
    this.#text = new IncrementalText((some, before) => model.detokenize(some, before), tokens);
    this.#stops = new StopWatch(request.stop);
    this.#reader = tools === null ? null : readerOf(tools);
    this.#thinking = thinking === null ? null : new ThinkingReader(thinking.marks, thinking.isOpen, thinking.isClosed);
    this.#marks = model.marks([...(tools === null ? [] : MARKS[tools.format]), ...(thinking === null ? [] : tokensOf(thinking.marks))]);
    this.#log = new LikelihoodLog((token) => model.tokenText(token));
  }

  get calls(): number {
    return this.#reader?.calls ?? 0;
  }

  /** @returns false when a stop string ended the answer. */
  token(chosen: Chosen): boolean | Promise<boolean> {
    this.#log.add(chosen, this.#made);
    const text = this.#text.push(chosen.token) + (this.#marks.get(chosen.token) ?? '');
    this.#made += text.length;
    const piece = this.#stops.push(text);
    const goesOn = () => !piece.stopped && this.#reader?.isDone !== true;
    return this.#write(piece.text)?.then(goesOn) ?? goesOn();
  }

  /** @param isWhole no stop string was met, so that what was held back belongs to the answer. */
  async end(isWhole: boolean): Promise<void> {
    if (isWhole) {
      const last = this.#stops.push(this.#text.end());
      await this.#write(last.text + (last.stopped ? '' : this.#stops.end()));
    }
    const parts = [...this.#divided(this.#thinking?.end() ?? []), ...(this.#reader?.end() ?? [])];
    const late = this.#log.take(isWhole ? Number.POSITIVE_INFINITY : this.#sent);
    if (parts.length === 0 && late.length > 0) await this.#sink.part({ kind: 'text', text: '' }, late);
    for (const [index, part] of parts.entries()) await this.#sink.part(part, index === 0 ? late : []);
  }

  #write(text: string): Promise<void> | undefined {
    if (text === '') return undefined;
    this.#sent += text.length;
    const likelihoods = this.#log.take(this.#sent);
    if (this.#reader === null && this.#thinking === null) return this.#sink.part({ kind: 'text', text }, likelihoods);
    return this.#writeParts(this.#divided(this.#thinking?.push(text) ?? [{ kind: 'text', text }]), likelihoods);
  }

  /** Calls are looked for in answers, not in thoughts. */
  #divided(parts: readonly ThinkingPart[]): readonly Part[] {
    const reader = this.#reader;
    return reader === null ? parts : parts.flatMap((part): readonly Part[] => (part.kind === 'text' ? reader.push(part.text) : [part]));
  }

  async #writeParts(parts: readonly Part[], likelihoods: readonly TokenLikelihood[]): Promise<void> {
    if (parts.length === 0 && likelihoods.length > 0) await this.#sink.part({ kind: 'text', text: '' }, likelihoods);
    for (const [index, part] of parts.entries()) await this.#sink.part(part, index === 0 ? likelihoods : []);
  }
}
