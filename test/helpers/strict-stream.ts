/**
 * Reads a stream of OpenAI's chunks as strictly as the strictest of its clients do, each rule after
 * one that breaks otherwise: openai-go 1.12 decodes an event at every blank line; go-openai and
 * plain loops take the first choice of each chunk; async-openai wants id, object, created and model
 * in each; the accumulators of openai-node and openai-go want the same id in all.
 */

export interface StrictChunk {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly delta?: { readonly role?: string; readonly content?: string | null };
    readonly text?: string;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number } | null;
}

export interface StrictStream {
  readonly text: string;
  readonly chunks: readonly StrictChunk[];
  readonly comments: readonly string[];
  readonly finishReasons: readonly string[];
}

/** @throws Error naming the line that breaks a client. @param asked what the request asked for. */
export function readStrictly(whole: string, asked: { route: 'chat' | 'completion'; usage?: boolean }): StrictStream {
  const chunks: StrictChunk[] = [];
  const comments: string[] = [];
  let data: string | null = null;
  let isDone = false;
  if (!whole.endsWith('\n\n')) throw new Error(`the stream ends in the middle of an event: ${whole.slice(-80)}`);
  for (const line of whole.slice(0, -1).split('\n')) {
    if (line === '') {
      if (data === null) throw new Error('a blank line without data before it: openai-go decodes an empty event there');
      if (isDone) throw new Error(`an event after [DONE]: ${data}`);
      if (data === '[DONE]') isDone = true;
      else chunks.push(checkedChunk(data, asked, chunks));
      data = null;
    } else if (line.startsWith(':')) {
      if (data !== null) throw new Error(`a comment in the middle of an event: ${line}`);
      comments.push(line.slice(1).trim());
    } else if (line.startsWith('data: ')) {
      if (data !== null) throw new Error('an event of several lines, which clients that read by lines take for several');
      data = line.slice(6);
    } else throw new Error(`a line that clients do not expect: ${line}`);
  }
  if (!isDone) throw new Error('no [DONE] at the end');
  const usages = chunks.filter(({ usage }) => usage != null).length;
  if (usages !== (asked.usage === true ? 1 : 0)) throw new Error(`${usages} chunks tell a usage`);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  return {
    text: choices.map(({ delta, text }) => delta?.content ?? text ?? '').join(''),
    chunks,
    comments,
    finishReasons: choices.flatMap(({ finish_reason }) => finish_reason ?? []),
  };
}

function checkedChunk(data: string, asked: { route: 'chat' | 'completion'; usage?: boolean }, before: readonly StrictChunk[]): StrictChunk {
  const chunk = JSON.parse(data) as StrictChunk;
  const wrong = (what: string) => new Error(`${what}: ${data}`);
  if (typeof chunk.id !== 'string' || chunk.id === '') throw wrong('no id');
  if (before[0] !== undefined && chunk.id !== before[0].id) throw wrong(`another id than ${before[0].id}`);
  if (chunk.object !== (asked.route === 'chat' ? 'chat.completion.chunk' : 'text_completion')) throw wrong('the wrong object');
  if (!Number.isInteger(chunk.created) || chunk.created <= 0) throw wrong('no created');
  if (typeof chunk.model !== 'string' || chunk.model === '') throw wrong('no model');
  if (!Array.isArray(chunk.choices)) throw wrong('no choices');
  if (before.at(-1)?.choices.length === 0) throw wrong('a chunk behind the one of the usage');
  if (chunk.choices.length === 0 && !(asked.usage === true && chunk.usage != null)) throw wrong('no choice');
  if (asked.usage !== true && 'usage' in chunk) throw wrong('a usage that was not asked for');
  for (const choice of chunk.choices) {
    if (!Number.isInteger(choice.index)) throw wrong('a choice without index');
    const body = asked.route === 'chat' ? choice.delta : choice.text;
    if (typeof body !== (asked.route === 'chat' ? 'object' : 'string') || body === null) throw wrong('a choice without text');
  }
  return chunk;
}
