/**
 * Converting as the adapter plans it, by tables: which types, what the model is then, the steps,
 * and what an end means.
 */
import { describe, expect, test } from 'vitest';
import { llamaAdapter } from '../../../main/runtime/llama/adapter.ts';
import type { Step } from '../../../main/runtime/step.ts';
import type { Conversion, ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { DEFAULT_SETTINGS } from '../../../shared/settings.ts';
import { SMOLLM2 } from './profiles.ts';

const facts = {
  settings: DEFAULT_SETTINGS.llama,
  node: { command: '/bin/node', args: [], env: {} },
  serverProgram: '/app/server.js',
  convertProgram: '/app/convert.js',
  gpu: { usable: false, why: 'no GPU', libraryPath: null, isPresent: false },
  cpuCores: 2,
  hasAmx: false,
};
const adapter = llamaAdapter(facts);
const CPU = { kind: 'cpu', gpus: [], gpuLayers: null } as const;

function folder(
  types: Readonly<Record<string, number>>,
  conversion: Conversion,
): { readonly profile: ModelProfile; readonly form: ModelForm } {
  const weightBytes = Object.values(types).reduce((sum, bytes) => sum + bytes, 0);
  const form: ModelForm = { kind: 'transformers', files: ['config.json', 'model.safetensors'], codeFiles: [], conversion };
  const sizes = { weightBytes, weightBytesByType: types, layerBytes: [weightBytes / 2, weightBytes / 2], inputBytes: 0, outputBytes: 0 };
  return { form, profile: { ...SMOLLM2, ...sizes, parameters: weightBytes / 2, contextLength: 32_768, forms: [form] } };
}
const LLAMA: Conversion = { architecture: 'llama', contextTokens: 4096, isCut: true, why: null };

describe('which types', () => {
  test.each([
    ['bf16 stays bf16', { BF16: 1e9 }, 'BF16'],
    ['f16 stays f16', { F16: 1e9 }, 'F16'],
    ['floats become their halves', { F32: 1e9 }, 'F16'],
    ['the commonest counts', { F32: 10, BF16: 1e9 }, 'BF16'],
  ] as const)('%s, then Q8_0', (_what, types, first) => {
    const { profile, form } = folder(types, LLAMA);
    expect(adapter.preparations?.(profile, form)).toEqual([{ type: first }, { type: 'Q8_0' }]);
  });

  test('a GGUF is loaded as it is', () => {
    expect(adapter.preparations?.(SMOLLM2, SMOLLM2.forms[0]!)).toBeNull();
  });

  test('what cannot be converted is not supported, and says why', () => {
    const { profile, form } = folder({ BF16: 1e9 }, { architecture: null, contextTokens: null, why: 'the layers of this Mystery are odd' });
    expect(adapter.supports(profile, form)).toEqual({ supported: false, why: 'The layers of this Mystery are odd.' });
  });
});

describe('what the model is then', () => {
  test('as many weights of another size, up to the context that is computed rightly; a note says so', () => {
    const { profile, form } = folder({ BF16: 2_000_000_000 }, LLAMA);
    const plan = (type: 'BF16' | 'Q8_0') => adapter.plan(profile, form, CPU, {}, { type });
    const model = (type: 'BF16' | 'Q8_0') => adapter.estimate(profile, plan(type)).parts['model'];
    expect(model('BF16')).toBe(2_000_000_000);
    expect(model('Q8_0')).toBe((2_000_000_000 * 8.5) / 16);
    expect(plan('BF16')).toMatchObject({ contextTokens: 4096, preparation: { type: 'BF16' } });
    expect(adapter.estimate(profile, plan('BF16')).notes.join()).toContain('ends at 4096 tokens');
    expect(adapter.preparedBytes?.(profile, { type: 'Q8_0' })).toBeGreaterThan((2_000_000_000 * 8.5) / 16);
  });
});

describe('the steps', () => {
  const target = {
    modelId: 'm',
    places: { 'config.json': '/m/config.json' },
    output: '/cache/converted/key.gguf',
    earlier: '/cache/converted/before.gguf',
    preparation: { type: 'Q8_0' },
  } as const;

  /** Answers every step; the last one is the program's end. @returns the steps. */
  function run(code: number | null, lines: readonly string[], signal: string | null = null, env = {}): readonly Step[] {
    const steps: Step[] = [];
    const generator = llamaAdapter({ ...facts, node: { ...facts.node, env } }).prepare!(target);
    for (let turn = generator.next(); !turn.done; ) {
      steps.push(turn.value);
      turn = generator.next(turn.value.do === 'exit' ? { exit: { code, signal }, lines } : undefined);
    }
    return steps;
  }

  test('a program that may write to the folder of its output and how urgent it is, and nothing else, is started, told, and waited for', () => {
    const steps = run(0, []);
    expect(steps.map((step) => step.do)).toEqual(['phase', 'spawn', 'send', 'exit']);
    const spawned = steps.find((step) => step.do === 'spawn');
    expect(spawned?.args).toEqual([
      '--max-semi-space-size=1',
      '--permission',
      '--allow-fs-read=*',
      '--allow-fs-write=/cache/converted/*',
      '--allow-fs-write=/proc/self/autogroup',
      '/app/convert.js',
    ]);
    expect(steps.find((step) => step.do === 'send')?.message).toEqual({
      files: target.places,
      output: target.output,
      earlier: target.earlier,
      type: 'Q8_0',
    });
    const inElectron = run(0, [], null, { ELECTRON_RUN_AS_NODE: '1' }).find((step) => step.do === 'spawn');
    expect(inElectron?.args).toEqual(['--max-semi-space-size=1', '/app/convert.js']);
  });

  test.each([
    [
      'its sentence',
      1,
      ['modelium: converting 3 %', 'modelium: cannot convert: No place for it.'],
      null,
      'not-convertible',
      'No place for it.',
    ],
    ['a full disk', 1, ['modelium: no room: The disk is full.'], null, 'disk-full', 'The disk is full.'],
    [
      'a crash',
      null,
      ['modelium: converting 3 %'],
      'SIGKILL',
      'runtime-exited',
      'The conversion of m ended with signal SIGKILL. It said: modelium: converting 3 %',
    ],
    ['a bug', 1, ['modelium: the conversion failed: x is undefined'], null, 'runtime-exited', 'x is undefined'],
  ] as const)('%s', (_what, code, lines, signal, expected, message) => {
    expect(() => run(code, lines, signal)).toThrow(expect.objectContaining({ code: expected, message: expect.stringContaining(message) }));
  });

  test('its lines are progress', () => {
    expect(adapter.progress('modelium: converting 42 %')).toEqual({ phase: 'converting', progress: 0.42 });
  });
});
