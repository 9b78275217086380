/**
 * The routes for chats and completions: from the body of a request to its answers, for every choice
 * of every prompt. Owns no model and no socket.
 */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { IGNORED_HEADER } from '../../../shared/ignored-fields.ts';
import { complete, type Generation, type GenerationEnd, type Sink } from '../llama/generation.ts';
import type { LoadedModel } from '../llama/llama.ts';
import { bestSequence, type Sequence } from '../llama/sequence.ts';
import type { GenerationRequest, Route } from '../requests/openai-request.ts';
import type { PreparedGeneration } from '../requests/prepared.ts';
import { AnswerStream } from './answer-stream.ts';
import { type AnswerHead, sendJson, type Usage, WholeBudget, WholeChoice, wholeAnswer } from './openai-answer.ts';
import { notSupported, untilClosed } from './replies.ts';
import type { Serving } from './serving.ts';
import { Timings } from './timings.ts';

interface Work extends PreparedGeneration {
  readonly head: AnswerHead;
  readonly budget: WholeBudget;
}

/** Answers `/v1/chat/completions` and `/v1/completions`. */
export async function generate(route: Route, body: Buffer, response: ServerResponse, serving: Serving): Promise<void> {
  if (serving.purpose !== 'generation')
    throw notSupported(`"${serving.alias}" was loaded for ${serving.purpose}, so it generates no text.`);
  const abort = new AbortController();
  const signal = AbortSignal.any([untilClosed(response), abort.signal]);
  const prepared = (await serving.prepare(route, body, signal)) as PreparedGeneration;
  const work: Work = { ...prepared, head: newHead(route, serving), budget: new WholeBudget() };
  if (work.ignored.length > 0) response.setHeader(IGNORED_HEADER, work.ignored.join(', '));
  const isWaitedFor = () => serving.slots.isWaitedFor;
  const stream = work.request.stream ? new AnswerStream(response, work.head, work.request.includeUsage, isWaitedFor) : null;
  try {
    const answers = await all(abort, work.prompts.length, (at) => answerPrompt(at, work, serving, signal, stream));
    if (signal.aborted) return;
    const usage = answers.map((each) => each.usage).reduce(added);
    if (stream !== null) stream.end(usage);
    else
      sendJson(
        response,
        200,
        wholeAnswer(
          work.head,
          answers.flatMap(({ choices }) => choices),
          usage,
        ),
      );
  } catch (error) {
    if (stream === null) throw error;
    stream.fail(error);
  }
}

function newHead(route: Route, { alias, model }: Serving): AnswerHead {
  return {
    route,
    id: `${route === 'chat' ? 'chatcmpl' : 'cmpl'}-${randomBytes(12).toString('hex')}`,
    model: alias,
    created: Math.floor(Date.now() / 1000),
    fingerprint: model.fingerprint,
  };
}

interface Answered {
  readonly choices: readonly object[];
  readonly usage: Usage;
}

/**
 * All choices of one prompt, one after the other, mostly in the same sequence, so that the prompt
 * is read once. Where others wait for a sequence they come between two choices.
 */
async function answerPrompt(at: number, work: Work, serving: Serving, signal: AbortSignal, stream: AnswerStream | null): Promise<Answered> {
  const { request, prompts, bias, tools, thinking, head, budget } = work;
  const tokens = prompts[at] ?? [];
  const echo = request.echo ? serving.model.textOf(tokens, false) : '';
  const choices: object[] = [];
  let usage: Usage = { promptTokens: tokens.length, cachedTokens: 0, completionTokens: 0 };
  for (let choice = 0; choice < request.choices; choice++) {
    const index = at * request.choices + choice;
    const whole = stream === null ? new WholeChoice(head.route, index, echo, request.rivals !== null, budget) : null;
    const generation: Generation = { tokens, request: choice === 0 ? request : onwards(request), choice, bias, tools, thinking, signal };
    const make = async (sequence: Sequence | null) => {
      if (stream !== null && echo !== '') await stream.part(index, { kind: 'text', text: echo }, []);
      return await completeOne(serving.model, sequence, generation, sinkOf(index, tokens.length, request, whole, stream));
    };
    const best = (free: readonly (Sequence | null)[]) =>
      bestSequence(
        free.filter((sequence) => sequence !== null),
        request.reuse || choice > 0 ? tokens : [],
      );
    const end = await serving.slots.use(signal, make, best);
    if (end === null) break;
    stream?.finish(index, end.finish);
    if (whole !== null) choices.push(whole.choice(end.finish));
    usage = {
      ...usage,
      cachedTokens: choice === 0 ? end.cachedTokens : usage.cachedTokens,
      completionTokens: usage.completionTokens + end.completionTokens,
    };
  }
  return { choices, usage };
}

async function completeOne(
  model: LoadedModel,
  sequence: Sequence | null,
  generation: Generation,
  sink: Sink,
): Promise<GenerationEnd | null> {
  return sequence === null ? null : await complete(model, sequence, generation, sink);
}

/**
 * The further choices need not read the prompt again, unless the same answer must come again to the
 * last bit.
 */
function onwards(request: GenerationRequest): GenerationRequest {
  return { ...request, reportsProgress: false };
}

function sinkOf(index: number, total: number, request: GenerationRequest, whole: WholeChoice | null, stream: AnswerStream | null): Sink {
  const timings = request.reportsTimings ? new Timings(() => performance.now()) : null;
  return {
    token() {
      timings?.token();
    },
    progress(known, kept) {
      stream?.open();
      timings?.read(known, kept);
      if (request.reportsProgress) stream?.progress(index, total, known, kept);
    },
    part(part, likelihoods) {
      if (stream !== null) return stream.part(index, part, likelihoods, timings?.summary());
      whole?.add(part, likelihoods);
      return undefined;
    },
  };
}

/** Waits for all; the first failure stops the others and is the one that is told. */
async function all<Result>(abort: AbortController, count: number, make: (at: number) => Promise<Result>): Promise<readonly Result[]> {
  const failures: unknown[] = [];
  const results = await Promise.all(
    Array.from({ length: count }, (_, at) =>
      make(at).catch((error: unknown) => {
        failures.push(error);
        abort.abort();
        return null;
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
  return results.filter((result) => result !== null);
}

function added(left: Usage, right: Usage): Usage {
  return {
    promptTokens: left.promptTokens + right.promptTokens,
    cachedTokens: left.cachedTokens + right.cachedTokens,
    completionTokens: left.completionTokens + right.completionTokens,
  };
}
