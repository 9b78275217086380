/**
 * The interactive chat in a terminal: reads lines, prints answers, and handles slash commands,
 * Ctrl-C and Ctrl-D. Knows neither engine nor HTTP: the caller passes a function that asks the
 * model.
 */

import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { figuresOf } from '../../shared/answer-figures.ts';
import { harmless } from '../../shared/visible.ts';
import type { Finished, Piece } from './chat-stream.ts';
import { paint, printError } from './output.ts';
import { PASTE_OFF, PASTE_ON, PastedInput, withLineEnds } from './pasted-input.ts';
import { wrapFor } from './word-wrap.ts';

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Answers null when the signal aborted it. */
export type Ask = (messages: readonly Message[], onPiece: (piece: Piece) => void, signal: AbortSignal) => Promise<Finished | null>;

export interface Terminal {
  readonly input: Readable;
  /** Where the prompt and all that is no answer goes. */
  readonly output: Writable;
  readonly answers: Writable;
}

const HELP = [
  '/clear         forget what was said so far',
  '/system TEXT   set the system prompt; without a text: remove it',
  '/bye           leave, as Ctrl-D does',
  'Ctrl-C         stops an answer; at an empty line it leaves',
].join('\n');

/**
 * Talks until the person leaves. @param remembers false: the model gets only the last line, and is
 * told nothing first.
 */
export async function converse(terminal: Terminal, ask: Ask, system: string | null, remembers: boolean): Promise<void> {
  await new Session(terminal, ask, system, remembers).run();
}

class Session {
  readonly #terminal: Terminal;
  readonly #ask: Ask;
  readonly #lines: Interface;
  readonly #remembers: boolean;
  #system: string | null;
  #messages: Message[] = [];
  #answering: AbortController | null = null;
  #left = false;
  readonly #marksPastes: boolean;

  constructor(terminal: Terminal, ask: Ask, system: string | null, remembers: boolean) {
    this.#terminal = terminal;
    this.#ask = ask;
    this.#system = system;
    this.#remembers = remembers;
    // A paste with line ends in it is one question: only a terminal can mark it.
    const { input } = terminal;
    const pasted = input instanceof ReadStream ? input.pipe(new PastedInput(input)) : input;
    if (pasted !== input) terminal.output.write(PASTE_ON);
    this.#marksPastes = pasted !== input;
    this.#lines = createInterface({ input: pasted, output: terminal.output, terminal: true, historySize: 200, prompt: '> ' });
    this.#lines.on('SIGINT', () => this.#interrupted());
    this.#lines.once('close', () => {
      this.#left = true;
      this.#answering?.abort();
    });
  }

  async run(): Promise<void> {
    this.#lines.prompt();
    for await (const line of this.#lines) {
      if (this.#left) break;
      const text = withLineEnds(line).trim();
      if (text.startsWith('/')) this.#runCommand(text);
      else if (text !== '') await this.#answer(text);
      if (this.#left) break;
      this.#lines.prompt();
    }
    this.#terminal.output.write(`${this.#marksPastes ? PASTE_OFF : ''}\n`);
    // What feeds the lines must not keep the process alive.
    if (this.#marksPastes) this.#terminal.input.unpipe().pause();
  }

  #interrupted(): void {
    if (this.#answering !== null && !this.#answering.signal.aborted) {
      this.#answering.abort();
    } else if (this.#answering === null && this.#lines.line !== '') {
      // As a shell does: what was typed so far is given up.
      this.#lines.write(null, { ctrl: true, name: 'e' });
      this.#lines.write(null, { ctrl: true, name: 'u' });
    } else {
      this.#lines.close();
    }
  }

  #runCommand(command: string): void {
    const [verb = '', ...rest] = command.split(' ');
    const text = rest.join(' ').trim();
    if (verb === '/bye' || verb === '/exit' || verb === '/quit') this.#lines.close();
    else if (verb === '/help' || verb === '/?') this.#say(HELP);
    else if (verb === '/clear') {
      this.#messages = [];
      this.#say('Forgotten.');
    } else if (verb === '/system' && !this.#remembers) this.#say('This model has no chat template, so it cannot have a system prompt.');
    else if (verb === '/system') {
      this.#system = text === '' ? null : text;
      this.#say(text === '' ? 'The system prompt is removed.' : 'The system prompt is set, from your next line on.');
    } else this.#say(`There is no ${harmless(verb)}.\n${HELP}`);
  }

  async #answer(text: string): Promise<void> {
    const asked: Message = { role: 'user', content: text };
    const before = this.#remembers ? [...this.#first(), ...this.#messages] : [];
    const stop = new AbortController();
    this.#answering = stop;
    let answer = '';
    let thoughts = '';
    const { output, answers } = this.#terminal;
    const wrap = wrapFor(answers);
    // A line between thoughts and answer, or none where the thoughts ended themselves.
    const endThoughts = (between: string): void =>
      void (thoughts === '' || output.write(thoughts.endsWith('\n') ? between : `\n${between}`));
    try {
      const take = ({ kind, text: part }: Piece): void => {
        if (kind === 'reasoning') {
          thoughts += part;
          output.write(paint('dim', harmless(part)));
          return;
        }
        if (answer === '') endThoughts('\n');
        answer += part;
        answers.write(wrap?.push(harmless(part)) ?? harmless(part));
      };
      const finished = await this.#ask([...before, asked], take, stop.signal);
      answers.write(wrap?.end() ?? '');
      if (answer === '') endThoughts('');
      else if (!answer.endsWith('\n')) answers.write('\n');
      if (!this.#left) this.#say(finished === null ? 'Stopped.' : figuresOf(finished).join(', '));
    } catch (thrown) {
      if (answer === '') endThoughts('');
      else answers.write('\n');
      printError(thrown);
    } finally {
      this.#answering = null;
    }
    // A question without an answer is not held against the next one.
    if (answer !== '' && this.#remembers) this.#messages.push(asked, { role: 'assistant', content: answer });
  }

  #first(): readonly Message[] {
    return this.#system === null ? [] : [{ role: 'system', content: this.#system }];
  }

  #say(words: string): void {
    this.#terminal.output.write(`${paint('dim', words)}\n`);
  }
}
