/**
 * A model's chat template for the routes: messages in, prompt out. Owns the thread that renders it,
 * one chat at a time, and replaces the thread if it ran out of memory, took too long, or its client
 * left. A template that cannot be rendered refuses chats; it never ends a load.
 */
import { Worker } from 'node:worker_threads';
import type { RenderResult } from './template-worker.ts';

/** Of the thread, in MiB: several times what the largest chat takes. */
const MOST_MEMORY = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16 } as const;
/**
 * Each way of calling a template ends by its own bounds within 5 s; this holds where a bound fails.
 */
const MOST_MS = 30_000;

export interface TemplateTexts {
  readonly default: string;
  readonly tool_use?: string;
}

interface Waiting {
  readonly values: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
}

export class ChatTemplate {
  /** Empty where the model has none. */
  readonly text: string;
  /** The one for chats with tools. */
  readonly toolText: string;
  readonly #program: URL;
  readonly #tokens: Readonly<Record<string, string>>;
  readonly #mostMs: number;
  readonly #waiting: Waiting[] = [];
  #worker: Worker | null = null;
  #current: Waiting | null = null;
  #jobs = 0;
  #unwatch = (): void => {};

  /**
   * @param texts of the templates by their names: `default`, which may be empty, and perhaps
   * `tool_use`.
   * @param program the file of `template-worker.ts`.
   * @param tokens variables that every template knows: `bos_token`, `eos_token`.
   */
  constructor(texts: TemplateTexts, program: URL, tokens: Readonly<Record<string, string>>, mostMs = MOST_MS) {
    this.text = texts.default;
    this.toolText = texts.tool_use ?? texts.default;
    this.#program = program;
    this.#tokens = tokens;
    this.#mostMs = mostMs;
    // Now, beside what else a load does, and not at the first chat.
    if (this.text !== '') this.#start();
  }

  /**
   * The prompt that the template makes.
   * @param values `messages`, `tools` and the template's own variables: JSON as `exact-json.ts`
   * reads it.
   * @throws Error with the refusal's line and words.
   */
  render(values: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const all = { ...this.#tokens, add_generation_prompt: true, ...values };
      this.#waiting.push({ values: all, signal, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#current !== null) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    if (next.signal.aborted) {
      next.reject(new Error('the client left'));
      return this.#next();
    }
    this.#current = next;
    const worker = this.#worker ?? this.#start();
    this.#watch(next);
    this.#jobs += 1;
    try {
      worker.postMessage({ id: this.#jobs, values: next.values });
    } catch (error) {
      this.#settle(({ reject }) => reject(error instanceof Error ? error : new Error(String(error))));
    }
  }

  /** Whatever the thread does, the next chat's turn comes. */
  #watch(current: Waiting): void {
    const timer = setTimeout(() => this.#replace(`it does not end: more than ${this.#mostMs} ms`), this.#mostMs).unref();
    const leave = (): void => this.#replace('the client left');
    current.signal.addEventListener('abort', leave, { once: true });
    this.#unwatch = () => {
      clearTimeout(timer);
      current.signal.removeEventListener('abort', leave);
    };
  }

  #replace(why: string): void {
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
    this.#settle(({ reject }) => reject(new Error(why)));
  }

  #settle(how: (waiting: Waiting) => void): void {
    const current = this.#current;
    this.#current = null;
    this.#unwatch();
    if (current !== null) how(current);
    this.#next();
  }

  #start(): Worker {
    const worker = new Worker(this.#program, { workerData: { text: this.text, toolText: this.toolText }, resourceLimits: MOST_MEMORY });
    // A process that has nothing else to do ends.
    worker.unref();
    worker.on('message', ({ text, refusal }: RenderResult) =>
      this.#settle(({ resolve, reject }) => (text === null ? reject(new Error(refusal)) : resolve(text))),
    );
    const ended = (why: string) => {
      if (this.#worker !== worker) return;
      this.#worker = null;
      this.#settle(({ reject }) => reject(new Error(why)));
    };
    worker.on('error', (error: NodeJS.ErrnoException) =>
      ended(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'it takes more memory than a chat needs' : error.message),
    );
    worker.on('exit', () => ended('its thread ended'));
    this.#worker = worker;
    return worker;
  }
}
