import { execFile } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { onlyModel } from '../../main/cli/chat.ts';
import { type Ask, converse, type Message } from '../../main/cli/chat-session.ts';
import { type Finished, streamAnswer } from '../../main/cli/chat-stream.ts';
import { BUILT_COMMAND } from '../helpers/built-app.ts';
import { eventually } from '../helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { makeSimulatedBox } from '../helpers/simulated-box.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { modelView } from '../http/harness.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

const FINISHED: Finished = {
  done: true,
  model: 'tiny',
  runtime: 'llama',
  finish_reason: 'stop',
  usage: { prompt_tokens: 5, completion_tokens: 3 },
  timings: { queue_ms: 0, load_ms: 0, first_token_ms: 12.4, total_ms: 100, tokens_per_second: 38.12 },
};

describe('which model', () => {
  const other = (id: string, kind: 'chat' | 'embedding') => {
    const view = modelView(id);
    return { ...view, profile: view.profile && { ...view.profile, kind } };
  };

  test('the only one that can be talked with', () => {
    expect(onlyModel([other('words', 'embedding'), modelView('tiny'), modelView('bad', { state: 'blocked' })]).id).toBe('tiny');
  });

  test('none, or several, which are named', () => {
    expect(() => onlyModel([other('words', 'embedding')])).toThrow(/no model yet/);
    expect(() => onlyModel([modelView('a'), modelView('b')])).toThrow(/Which of them: a, b\?/);
  });
});

/**
 * A talk with a terminal that is not there: what is typed, what is shown, and what the model was
 * asked.
 */
function talk(ask: Ask | null = null, options: { system?: string; remembers?: boolean } = {}) {
  const input = new PassThrough();
  const output = new PassThrough();
  const asked: (readonly Message[])[] = [];
  let shown = '';
  output.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  const recording: Ask = (messages, onPiece, signal) => {
    asked.push(messages);
    return (ask ?? answering('Hello.'))(messages, onPiece, signal);
  };
  const ended = converse({ input, output, answers: output }, recording, options.system ?? null, options.remembers ?? true);
  return {
    asked,
    ended,
    shown: () => shown,
    type: (text: string) => input.write(text),
    /** Waits until so much was shown. */
    until: (text: string, times = 1) => eventually(`${text} is shown`, () => shown.split(text).length > times),
  };
}

const answering =
  (text: string): Ask =>
  async (_, onPiece) => {
    onPiece({ kind: 'text', text });
    return FINISHED;
  };

describe('the talk', () => {
  afterEach(() => vi.restoreAllMocks());

  test('remembers what was said, until it is told to forget; the system text goes first', async () => {
    const { type, until, asked, ended, shown } = talk(null, { system: 'Be brief.' });
    type('one\r');
    await until('tokens/s', 1);
    type('two\r');
    await until('tokens/s', 2);
    type('/clear\r');
    await until('Forgotten.');
    type('/system Sing.\r');
    await until('from your next line on');
    type('three\r');
    await until('tokens/s', 3);
    type('/bye\r');
    await ended;
    const [system, one] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'one' },
    ];
    expect(asked).toEqual([
      [system, one],
      [system, one, { role: 'assistant', content: 'Hello.' }, { role: 'user', content: 'two' }],
      [
        { role: 'system', content: 'Sing.' },
        { role: 'user', content: 'three' },
      ],
    ]);
    expect(shown()).toContain('Hello.\n3 tokens from 5, first token 12 ms');
  });

  test('thoughts come in front of the answer, and are not said back to the model', async () => {
    const thinking: Ask = async (_, onPiece) => {
      for (const text of ['Let me', ' see.']) onPiece({ kind: 'reasoning', text });
      onPiece({ kind: 'text', text: 'Four.' });
      return FINISHED;
    };
    const { type, until, asked, ended, shown } = talk(thinking);
    type('one\r');
    await until('tokens/s', 1);
    type('two\r');
    await until('tokens/s', 2);
    type('/bye\r');
    await ended;
    expect(shown()).toContain('Let me see.\n\nFour.\n3 tokens');
    expect(asked[1]?.map(({ content }) => content)).toEqual(['one', 'Four.', 'two']);
  });

  test('Ctrl-C stops the answer under way, a second one at the empty line leaves', async () => {
    const stopped: boolean[] = [];
    const { type, until, ended, asked } = talk(async (_, onPiece, signal) => {
      onPiece({ kind: 'text', text: 'Once upon' });
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      stopped.push(signal.aborted);
      return null;
    });
    type('tell\r');
    await until('Once upon');
    type(CTRL_C);
    await until('Stopped.');
    type('more\r');
    await until('Once upon', 2);
    type(CTRL_C);
    await until('Stopped.', 2);
    type(CTRL_C);
    await ended;
    expect(stopped).toEqual([true, true]);
    // What was said of the stopped answer is remembered.
    expect(asked[1]?.map(({ content }) => content)).toEqual(['tell', 'Once upon', 'more']);
  });

  test('Ctrl-C gives up a line that was typed; Ctrl-D leaves, in the middle of an answer too', async () => {
    let aborted = false;
    const { type, until, ended, asked } = talk(async (_, onPiece, signal) => {
      onPiece({ kind: 'text', text: 'Once upon' });
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      aborted = true;
      return null;
    });
    type(`never mind${CTRL_C}asked\r`);
    await until('Once upon');
    type(CTRL_D);
    await ended;
    expect(aborted).toBe(true);
    expect(asked).toEqual([[{ role: 'user', content: 'asked' }]]);
  });

  test('an error is one sentence, the talk goes on, and the question is not held against the next', async () => {
    const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
    let first = true;
    const { type, until, ended, asked } = talk(async (...given) => {
      if (!first) return answering('Yes.')(...given);
      first = false;
      throw new Error('no luck');
    });
    type('one\r');
    await eventually('the error is told', () => reported.mock.calls.length > 0);
    type('two\r');
    await until('tokens/s');
    type(CTRL_D);
    await ended;
    expect(reported.mock.calls.flat().join('\n')).toContain('no luck');
    expect(asked[1]).toEqual([{ role: 'user', content: 'two' }]);
  });

  test('what the model says cannot speak to the terminal', async () => {
    const { type, until, ended, shown } = talk(answering('a\u001b]0;owned\u0007b\u009b2Jc\rd\n'));
    type('x\r');
    await until('tokens/s');
    type('/bye\r');
    await ended;
    expect(shown()).toContain('a ]0;owned b 2Jc d\n');
    for (const obeyed of ['\u001b]', '\u009b', '\u0007']) expect(shown()).not.toContain(obeyed);
  });

  test('a model without a chat template gets the line alone; unknown commands are told', async () => {
    const { type, until, ended, asked } = talk(null, { remembers: false, system: 'unused' });
    type('one\r');
    await until('tokens/s', 1);
    type('two\r');
    await until('tokens/s', 2);
    type('/system x\r');
    await until('has no chat template');
    type('/nothing\r');
    await until('There is no /nothing.');
    type('/help\r');
    await until('/clear', 2);
    type(CTRL_D);
    await ended;
    expect(asked).toEqual([[{ role: 'user', content: 'one' }], [{ role: 'user', content: 'two' }]]);
  });
});

test('a stopped answer ends the request at the engine too', async () => {
  const box = makeSimulatedBox({ gpus: [], runtimeFlags: ['--token-ms', '50'] });
  const live = await startLiveEngine({ settings: { llama: { command: box.runtimeCommand } } });
  try {
    await live.drop('slow', { chatTemplate: true });
    await live.comesTo('slow', 'ready');
    const ask: Ask = (messages, onPiece, signal) => streamAnswer(live.address, 'slow', { messages, max_tokens: 1_000 }, onPiece, signal);
    const { type, until, ended } = talk(ask);
    type('go on\r');
    await eventually('it is under way', async () => (await live.model('slow'))?.inFlight === 1);
    type(CTRL_C);
    await until('Stopped.');
    await eventually('nothing is in flight', async () => (await live.model('slow'))?.inFlight === 0);
    type(CTRL_D);
    await ended;
  } finally {
    await live.close();
    box.remove();
  }
});

describe('as a command, with a real model', () => {
  let live: LiveEngine;

  beforeAll(async () => {
    live = await startLiveEngine({
      settings: { orchestration: { policies: { load: 'on_request' } } },
      prepare: async ({ watch }) => {
        await writeTinyGguf(watch, { name: 'talker', chatTemplate: true, contextTokens: 512 });
        await writeTinyGguf(watch, { name: 'words', kind: 'bert' });
      },
    });
    for (const name of ['talker', 'words']) await live.comesTo(name, 'unloaded');
  });

  afterAll(() => live.close());

  function chat(args: readonly string[], input = ''): Promise<{ code: number; out: string; err: string }> {
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [BUILT_COMMAND, '--state-folder', live.state, 'chat', ...args],
        { timeout: 28_000 },
        (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
      );
      child.stdin?.end(input);
    });
  }

  test('a question through a pipe: the only model that can talk is loaded, and answers', async () => {
    const { code, out, err } = await chat(['--max-tokens', '5', '--temperature', '0'], 'What is a GPU?\n');
    expect([code, out.endsWith('\n'), out.trim().length > 0]).toEqual([0, true, true]);
    // Its way to ready, and nothing else.
    for (const line of err.trim().split('\n').filter(Boolean)) expect(line).toMatch(/^talker: /);
  });

  test('--json prints the final event with the text', async () => {
    const { code, out } = await chat(['talker', '--prompt', 'Hello', '--system', 'Be brief.', '--max-tokens', '4', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      done: true,
      model: 'talker',
      runtime: 'llama',
      text: expect.any(String),
      usage: { completion_tokens: expect.any(Number) },
    });
  });

  test.each<[string, readonly string[], string, number, string]>([
    ['an embedding model', ['words', '-p', 'x'], '', 1, 'chat needs a chat or completion model'],
    ['a name that there is not', ['talkr', '-p', 'x'], '', 1, 'Did you mean talker?'],
    ['an empty pipe', ['talker'], ' \n', 2, 'the prompt is empty'],
    ['a wrong temperature', ['talker', '--temperature', 'hot'], '', 2, 'from 0 to 2'],
    ['no tokens', ['talker', '--max-tokens', '0'], '', 2, 'from 1 to 1000000'],
  ])('%s is told', async (_, args, input, code, sentence) => {
    expect(await chat(args, input)).toMatchObject({ code, out: '', err: expect.stringContaining(sentence) });
  });

  test('a prompt beyond the context is told in one sentence', async () => {
    const { code, err } = await chat(['talker'], 'question '.repeat(2_000));
    expect(code).toBe(1);
    expect(err).toMatch(/^modelium: .*context/m);
  });
});
