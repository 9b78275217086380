/**
 * What the playground computes: bodies, the command for a shell, figures, vectors, which model it
 * shows.
 */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { samplesOf } from '../../renderer/pages/models/samples.ts';
import { figuresTable, type Measured } from '../../renderer/pages/playground/compare-figures.ts';
import { plannedInWords } from '../../renderer/pages/playground/loads-first-words.ts';
import { chosenModel, DEFAULTS, isSeed, requestKindOf, textBody, textsOf } from '../../renderer/pages/playground/request.ts';
import { curlCommand } from '../../renderer/pages/playground/snippets.ts';
import { norm, similarity } from '../../renderer/pages/playground/vectors.ts';
import { figuresOf } from '../../shared/answer-figures.ts';
import { predictPath, predictRequestSchema } from '../../shared/api-predict.ts';
import type { Decision } from '../../shared/decision.ts';
import type { ModelView } from '../../shared/snapshot.ts';

it('what a question to several sets going is told of them together', () => {
  const place = (...victims: string[]) => ({ kind: 'place', candidate: { victims } }) as unknown as Decision;
  const wait = (...waitsFor: string[]) => ({ kind: 'wait', waitsFor }) as unknown as Decision;
  const words = (...planned: (readonly [string, Decision | null])[]) => plannedInWords(planned.map(([id, decision]) => ({ id, decision })));
  expect(words(['a', place()], ['b', place()])).toEqual({ sentence: 'a and b are loaded first.', isWarning: false });
  expect(words(['a', place('x', 'y')], ['b', place('y')])?.sentence).toBe('a and b are loaded first: x and y have to leave for that.');
  expect(words(['a', place()], ['b', wait('a')])).toEqual({
    sentence: 'a is loaded first. b has no room beside them: it waits until a is done.',
    isWarning: true,
  });
  expect(words(['a', { kind: 'refuse' } as unknown as Decision], ['b', null])).toBeNull();
});

describe('the request', () => {
  it('sends nothing that nobody changed, and lets the model end by itself', () => {
    expect(textBody('chat', [], 'Hi', DEFAULTS)).toEqual({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: -1, stream: true });
    expect(textBody('text', [{ question: 'a', answer: 'b' }], 'Go on', { ...DEFAULTS, system: 'Be brief' })).toEqual({
      prompt: 'Go on',
      max_tokens: -1,
      stream: true,
    });
  });

  it('has an answer gone on with where it broke off', () => {
    expect(textBody('chat', [], 'Count', DEFAULTS, 'one, two')['messages']).toEqual([
      { role: 'user', content: 'Count' },
      { role: 'assistant', content: 'one, two' },
    ]);
    expect(textBody('text', [], 'one, ', DEFAULTS, 'two')['prompt']).toBe('one, two');
  });

  it('sends what was changed, in a body that the contract takes', () => {
    const body = textBody(
      'chat',
      [
        { question: 'One', answer: 'Two' },
        { question: 'Failed', answer: '' },
      ],
      'Three',
      {
        system: 'Be brief.',
        temperature: 0,
        topP: 0.5,
        maxTokens: 9,
        seed: '7',
        stop: 'END\n\\n\\n',
      },
    );
    expect(body).toEqual({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'One' },
        { role: 'assistant', content: 'Two' },
        { role: 'user', content: 'Three' },
      ],
      temperature: 0,
      top_p: 0.5,
      max_tokens: 9,
      seed: 7,
      stop: ['END', '\n\n'],
      stream: true,
    });
    expect(predictRequestSchema.safeParse(body).success).toBe(true);
    expect(textBody('chat', [], 'x', { ...DEFAULTS, seed: '1.5' })['seed']).toBeUndefined();
    expect(['', '-3', '1e3', '99999999999999999999'].map(isSeed)).toEqual([true, true, false, false]);
    expect(textsOf(' \none\n\n two\n')).toEqual(['one', ' two']);
  });
});

describe('the request as curl', () => {
  const nasty = "It's \"quoted\", $HOME `id` $(id) \\ \\n !x\nnew\tline \u0000 \u2028 emoji \u{1f600} ''";

  it('reaches curl through a real shell as it was meant', () => {
    const body = textBody('chat', [{ question: nasty, answer: "'" }], nasty, { ...DEFAULTS, system: nasty, stop: "'\n\\n" });
    const command = curlCommand('http://127.0.0.1:8000', { kind: 'json', path: predictPath("it's a (model)"), body });
    const script = `curl() { "$NODE" -e 'process.stdout.write(JSON.stringify(process.argv.slice(1)))' -- "$@"; }\n${command}\n`;
    const { stdout, stderr, status } = spawnSync('sh', ['-eu'], {
      input: script,
      encoding: 'utf8',
      env: { NODE: process.execPath, HOME: '/wrong' },
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const words = JSON.parse(stdout) as string[];
    expect(words.slice(0, 5)).toEqual([
      '-N',
      "http://127.0.0.1:8000/predict/it's%20a%20(model)",
      '-H',
      'content-type: application/json',
      '-d',
    ]);
    expect(words).toHaveLength(6);
    expect(JSON.parse(words[5]!)).toEqual(body);
  });

  it('reaches curl whole where it is longer than one argument of a shell may be', () => {
    const body = { image: `${nasty}${'x'.repeat(200_000)}` };
    const command = curlCommand('http://127.0.0.1:8000', { kind: 'json', path: '/m', body });
    const script = `curl() { cat; }\n${command}\n`;
    const { stdout, stderr, status } = spawnSync('sh', ['-eu'], { input: script, encoding: 'utf8', env: { PATH: process.env['PATH'] } });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(body);
  });

  it('of a first call holds any name', () => {
    const id = `it's "a" (model) $HOME`;
    const samples = samplesOf('http://127.0.0.1:8000', id, 'chat');
    const script = `printf() { "$NODE" -e 'process.stdout.write(process.argv[1])' -- "$1"; }\ncurl() { printf "$1"; }\n${samples?.curl}\n`;
    const { stdout } = spawnSync('sh', ['-eu'], { input: script, encoding: 'utf8', env: { NODE: process.execPath, HOME: '/wrong' } });
    expect(decodeURIComponent(stdout)).toBe(`http://127.0.0.1:8000/predict/${id}`);
    expect(samples?.python).toContain(`model=${JSON.stringify(id)}`);
  });

  it('waits for the whole answer where nothing streams', () => {
    expect(curlCommand('http://x', { kind: 'json', path: '/m', body: { input: ['a'] } })).not.toContain('-N');
  });
});

describe('the figures under an answer', () => {
  const timings = { queue_ms: 0.2, load_ms: 0, first_token_ms: 240, total_ms: 3_800, tokens_per_second: 35.234 };

  it("21, are the engine's own", () => {
    const final = { finish_reason: 'stop', usage: { prompt_tokens: 1_234, completion_tokens: 128 }, timings };
    expect(figuresOf(final)).toEqual(['128 tokens from 1,234', 'first token 240 ms', '35.2 tokens/s', 'total 3.8 s']);
  });

  it('tell of waiting, and of an end that is none', () => {
    const waited = { ...timings, queue_ms: 2_600, load_ms: 2_100 };
    const final = { finish_reason: 'length', usage: { prompt_tokens: null, completion_tokens: 1 }, timings: waited };
    expect(figuresOf(final).slice(0, 1)).toEqual(['1 token']);
    expect(figuresOf(final).slice(-3)).toEqual([
      'loaded in 2.1 s',
      'queued 500 ms',
      'cut at max_tokens or the end of the context: raise it',
    ]);
  });

  it('leave out what nobody measured', () => {
    const none = { queue_ms: 0, load_ms: 0, first_token_ms: null, total_ms: 5, tokens_per_second: null };
    expect(figuresOf({ finish_reason: null, usage: { prompt_tokens: null, completion_tokens: null }, timings: none })).toEqual([
      'total 5 ms',
    ]);
  });
});

describe('the figures of a comparison', () => {
  const column = (first: number | null, speed: number | null, memoryBytes: number | null) =>
    ({
      memoryBytes,
      watts: null,
      final:
        first === null
          ? null
          : { usage: { completion_tokens: 9 }, timings: { first_token_ms: first, tokens_per_second: speed, total_ms: 50 } },
    }) as unknown as Measured;

  it('mark what is better than all others, and no tie; what nobody measured is no column', () => {
    const { names, rows } = figuresTable([column(100.2, 30, 1024 ** 3), column(100.4, 20, null), column(null, null, null)]);
    expect(names).toEqual(['First token', 'Tokens/s', 'Tokens', 'Total', 'Memory']);
    expect(rows.map((row) => row.map(({ text }) => text))).toEqual([
      ['100 ms', '30.0', '9', '50 ms', '1.0 GiB'],
      ['100 ms', '20.0', '9', '50 ms', null],
      [null, null, null, null, null],
    ]);
    // The first tokens read the same, and one memory alone is not the least.
    expect(rows.map((row) => row.map(({ isBest }) => isBest))).toEqual([
      [false, true, false, false, false],
      [false, false, false, false, false],
      [false, false, false, false, false],
    ]);
  });
});

describe('vectors', () => {
  it('have a norm and a likeness', () => {
    expect(norm([3, 4])).toBe(5);
    expect(similarity([1, 0], [0, 2])).toBe(0);
    expect(similarity([1, 2], [2, 4])).toBeCloseTo(1);
    expect(similarity([1, 0], [-3, 0])).toBe(-1);
    expect(similarity([0, 0], [1, 1])).toBe(0);
  });
});

describe('the model that is shown', () => {
  const view = (id: string, state: ModelView['state'], kind: string, aliases: readonly string[] = []) =>
    ({ id, aliases, state, plan: null, profile: { kind, hasChatTemplate: kind === 'chat', forms: [] } }) as unknown as ModelView;
  const models = [
    view('blocked', 'blocked', 'chat'),
    view('embed', 'ready', 'embedding'),
    view('cold', 'unloaded', 'chat'),
    view('warm', 'ready', 'chat', ['w']),
  ];

  it('is the one named, the one before, a loaded one that talks, or the first that can be asked', () => {
    expect(chosenModel(models, 'w', 'cold')?.id).toBe('warm');
    expect(chosenModel(models, 'gone', 'cold')).toBeNull();
    expect(chosenModel(models, null, 'cold')?.id).toBe('cold');
    expect(chosenModel(models, null, 'gone')?.id).toBe('warm');
    expect(chosenModel(models.slice(0, 3), null, null)?.id).toBe('embed');
    expect(chosenModel([], null, null)).toBeNull();
  });

  it('is asked in the way of its kind', () => {
    const kindOf = (kind: 'chat' | 'completion' | 'unknown' | 'embedding' | 'speech', hasChatTemplate = false) =>
      requestKindOf({ profile: { kind, hasChatTemplate, forms: [] }, plan: null });
    const nothing = requestKindOf({ profile: null, plan: null });
    expect([
      kindOf('chat'),
      kindOf('completion'),
      kindOf('completion', true),
      kindOf('unknown'),
      kindOf('embedding'),
      kindOf('speech'),
      nothing,
    ]).toEqual(['chat', 'text', 'chat', 'text', 'embeddings', 'speech', 'chat']);
    // Of a folder with two forms, the one that is served says it.
    const onnx = { kind: 'onnx', files: [], codeFiles: [], inputs: [{ name: 'x', type: 'float32', shape: [4] }] } as const;
    const text = (name: string) => ({ name, type: 'TYPE_STRING', shape: [1] });
    const triton = { kind: 'triton', files: [], codeFiles: [], inputs: [text('text_input')], outputs: [text('text_output')] } as const;
    const transformers = { kind: 'transformers', files: [], codeFiles: [] } as const;
    const profile = { kind: 'embedding', hasChatTemplate: false } as const;
    expect(requestKindOf({ profile: { ...profile, forms: [onnx] }, plan: null })).toBe('tensors');
    expect(requestKindOf({ profile: { ...profile, forms: [transformers, onnx] }, plan: null })).toBe('embeddings');
    expect(requestKindOf({ profile: { ...profile, forms: [transformers, onnx] }, plan: { form: 'onnx' } })).toBe('tensors');
    expect(requestKindOf({ profile: { ...profile, forms: [triton] }, plan: null })).toBe('text');
  });
});
