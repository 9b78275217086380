/** Chats and completions: from a request's body to its answers, all choices of all prompts. Owns no model and no socket. */
import { randomBytes, randomInt } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { ModeliumError } from '../../shared/errors.ts';
import { IGNORED_HEADER } from '../../shared/ignored-fields.ts';
import { grammarOf } from './answer-format.ts';
import { AnswerStream } from './answer-stream.ts';
import { exactBody } from './exact-body.ts';
import { complete, type Generation, type GenerationEnd, type Sink } from './generation.ts';
import type { LoadedModel } from './llama.ts';
import { type AnswerHead, sendJson, type Usage, WholeChoice, wholeAnswer } from './openai-answer.ts';
import { type Body, invalid } from './openai-fields.ts';
import { readMessages, readPrefill, readTools, type ToolRequest } from './openai-messages.ts';
import { type GenerationRequest, type Route, readGeneration, readPrompts } from './openai-request.ts';
import { chatText, chatTokens, checkForeign, checkTokens } from './prompt.ts';
import { notSupported, untilClosed } from './replies.ts';
import { bestSequence, type Sequence } from './sequence.ts';
import type { Serving } from './serving.ts';
import { readTemplateValues, unknownToTemplate } from './template-values.ts';
import { closedAtOnce, isThoughtOpen, thinkingMarksOf } from './thinking.ts';
import { Timings } from './timings.ts';
import { answerGrammar, toolFormatOf } from './tool-format.ts';

const SEEDS = 2 ** 32;
/** llama-server's words: `none` leaves thoughts in the answer. */
const REASONING_FORMATS = ['auto', 'deepseek', 'none'] as const;

interface Work {
  readonly request: GenerationRequest;
  readonly bias: ReadonlyMap<number, number>;
  readonly prompts: readonly (readonly number[])[];
  readonly tools: Generation['tools'];
  readonly thinking: Generation['thinking'];
  readonly head: AnswerHead;
}

/** Answers `/v1/chat/completions` and `/v1/completions`. */
export async function generate(route: Route, body: Body, response: ServerResponse, serving: Serving): Promise<void> {
  if (serving.purpose !== 'generation') throw notSupported(`"${serving.alias}" was loaded for ${serving.purpose}: it generates no text.`);
  const abort = new AbortController();
  const signal = AbortSignal.any([untilClosed(response), abort.signal]);
  const work = await read(route, body, serving, signal);
  const ignored = unknownToTemplate(body, route === 'chat' ? serving.template.text : '');
  if (ignored.length > 0) response.setHeader(IGNORED_HEADER, ignored.join(', '));
  const stream = work.request.stream ? new AnswerStream(response, work.head, work.request.includeUsage) : null;
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

async function read(route: Route, body: Body, serving: Serving, signal: AbortSignal): Promise<Work> {
  const { model, alias } = serving;
  const request = readGeneration(body, route, randomInt(SEEDS));
  const bias = biasOf(model, alias, request.bias);
  const head = {
    route,
    id: `${route === 'chat' ? 'chatcmpl' : 'cmpl'}-${randomBytes(12).toString('hex')}`,
    model: alias,
    created: Math.floor(Date.now() / 1000),
  };
  if (route === 'completion') {
    return {
      request,
      bias,
      head,
      tools: null,
      thinking: null,
      prompts: readPrompts(body).map((prompt) => checkTokens(model, alias, prompt)),
    };
  }
  const asked = readTools(body);
  const tools = asked === null ? null : toolsOf(serving, asked, request);
  const exact = exactBody(body);
  const shown = asked === null ? {} : { tools: shownTools(exact, asked) };
  const { messages, prefill } = readPrefill(body, readMessages(exact));
  const text = (await chatText(serving, { ...shown, ...readTemplateValues(exact), messages }, signal)) + prefill;
  const isHeld = (tools === null ? request.grammar : tools.grammar) !== null;
  const { thinking, prompt } = thinkingOf(serving, body, text, { isHeld, isBegun: prefill !== '' });
  return { request, bias, head, tools, thinking, prompts: [chatTokens(model, prompt)] };
}

/** The tools that may be called, as the request has them. */
function shownTools(exact: Body, { tools }: ToolRequest): readonly unknown[] {
  const given = exact['tools'] as readonly { readonly function: { readonly name: string } }[];
  return given.filter((tool) => tools.some(({ name }) => name === tool.function.name));
}

/**
 * How the thoughts of an answer are told apart, and the prompt, in which thoughts are closed where the answer has no room for them.
 * @param how isHeld: a grammar holds the answer from its first token on; isBegun: the client wrote its beginning.
 */
function thinkingOf(
  { template }: Serving,
  body: Body,
  text: string,
  how: { readonly isHeld: boolean; readonly isBegun: boolean },
): { readonly thinking: Generation['thinking']; readonly prompt: string } {
  const format = body['reasoning_format'] ?? 'auto';
  if (!REASONING_FORMATS.some((known) => known === format))
    throw invalid('reasoning_format', `"reasoning_format" must be one of ${REASONING_FORMATS.map((known) => `"${known}"`).join(', ')}.`);
  const marks = thinkingMarksOf(template.text);
  if (marks === null) return { thinking: null, prompt: text };
  const isOpen = isThoughtOpen(text, marks);
  if (how.isHeld) return { thinking: null, prompt: isOpen ? text + closedAtOnce(marks) : text };
  const isApart = format !== 'none' && (isOpen || !how.isBegun);
  return { thinking: isApart ? { marks, isOpen } : null, prompt: text };
}

function toolsOf({ template, alias }: Serving, asked: ToolRequest, request: GenerationRequest): Generation['tools'] {
  const format = toolFormatOf(template.toolText);
  if (format === null) {
    const message = `The chat template of "${alias}" knows no tools, or has calls in a form that the embedded llama.cpp does not read. Leave "tools" out.`;
    throw new ModeliumError('not-supported-by-model', message, { param: 'tools', origin: 'llama' });
  }
  if (request.isOwnGrammar) throw invalid('grammar', 'A "grammar" of one\'s own and "tools" exclude each other: leave one out.');
  const grammar = grammarOf('tools', () => answerGrammar(format, asked, request.answer));
  return { format, tools: asked.tools, isSingle: !asked.parallel, grammar };
}

/** What is added to the logits of which tokens: a text stands for each of its tokens. */
function biasOf(model: LoadedModel, alias: string, asked: GenerationRequest['bias']): ReadonlyMap<number, number> {
  const pairs = asked.flatMap(({ token, added }) => {
    const tokens = typeof token === 'string' ? model.tokenizeAlone(token) : [token];
    checkForeign(model, alias, tokens, 'logit_bias');
    return tokens.map((each) => [each, added] as const);
  });
  return new Map(pairs);
}

interface Answered {
  readonly choices: readonly object[];
  readonly usage: Usage;
}

/** All choices of one prompt, one after the other in the same sequence, so that the prompt is read once. */
async function answerPrompt(at: number, work: Work, serving: Serving, signal: AbortSignal, stream: AnswerStream | null): Promise<Answered> {
  const { request, prompts, bias, tools, thinking, head } = work;
  const tokens = prompts[at] ?? [];
  const echo = request.echo ? serving.model.detokenize(tokens, []) : '';
  return await serving.slots.use(
    signal,
    async (sequence) => {
      const choices: object[] = [];
      let usage: Usage = { promptTokens: tokens.length, cachedTokens: 0, completionTokens: 0 };
      for (let choice = 0; choice < request.choices; choice++) {
        const index = at * request.choices + choice;
        const whole = stream === null ? new WholeChoice(head.route, index, echo, request.rivals !== null) : null;
        if (stream !== null && echo !== '') await stream.part(index, { kind: 'text', text: echo }, []);
        const generation: Generation = {
          tokens,
          request: choice === 0 ? request : onwards(request),
          choice,
          bias,
          tools,
          thinking,
          signal,
        };
        const end = await completeOne(serving.model, sequence, generation, sinkOf(index, tokens.length, request, whole, stream));
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
    },
    (free) =>
      bestSequence(
        free.filter((sequence) => sequence !== null),
        request.reuse ? tokens : [],
      ),
  );
}

async function completeOne(
  model: LoadedModel,
  sequence: Sequence | null,
  generation: Generation,
  sink: Sink,
): Promise<GenerationEnd | null> {
  return sequence === null ? null : await complete(model, sequence, generation, sink);
}

/** The further choices need not read the prompt again, unless the same answer must come again to the last bit. */
function onwards(request: GenerationRequest): GenerationRequest {
  return { ...request, tellsProgress: false };
}

function sinkOf(index: number, total: number, request: GenerationRequest, whole: WholeChoice | null, stream: AnswerStream | null): Sink {
  const timings = request.tellsTimings ? new Timings(() => performance.now()) : null;
  return {
    token() {
      timings?.token();
    },
    progress(known, kept) {
      stream?.open();
      timings?.read(known, kept);
      if (request.tellsProgress) stream?.progress(index, total, known, kept);
    },
    part(part, likelihoods) {
      if (stream !== null) return stream.part(index, part, likelihoods, timings?.told());
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
