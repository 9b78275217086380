/**
 * What a model is asked for before it counts as ready. The body's form: the Open Inference
 * Protocol, version 2, "Infer".
 */
import { describe, expect, test } from 'vitest';
import { proofOf, smallestInference } from '../../main/runtime/proof.ts';
import type { ModelForm } from '../../shared/profile.ts';

const form = (change: Partial<ModelForm>): ModelForm => ({ kind: 'onnx', files: ['m.onnx'], codeFiles: [], ...change });

describe('the proof', () => {
  test('follows the kind, and the tensors where a form names them', () => {
    const inputs = [{ name: 'x', type: 'float32', shape: [1] }];
    const asked = [
      proofOf('chat', form({ kind: 'gguf' })),
      proofOf('embedding', undefined),
      proofOf('speech', form({})),
      proofOf('vision', form({ inputs })),
      proofOf('embedding', form({ inputs })),
    ];
    expect(asked).toEqual(['generate', 'embed', 'none', 'infer', 'infer']);
  });

  test('takes the smallest tensors of each type, as formats spell them', () => {
    const body = smallestInference([
      { name: 'pixels', type: 'float32', shape: ['batch', 3, 2, 1] },
      { name: 'ids', type: 'TYPE_INT64', shape: [2] },
      { name: 'text', type: 'TYPE_STRING', shape: [1] },
      { name: 'mask', type: 'bool', shape: [] },
    ]);
    expect(body).toEqual({
      inputs: [
        { name: 'pixels', datatype: 'FP32', shape: [1, 3, 2, 1], data: [0, 0, 0, 0, 0, 0] },
        { name: 'ids', datatype: 'INT64', shape: [2], data: [0, 0] },
        { name: 'text', datatype: 'BYTES', shape: [1], data: [''] },
        { name: 'mask', datatype: 'BOOL', shape: [], data: [false] },
      ],
    });
  });

  test('is an image of a usual size where that is chosen at run time, and one of each other open size', () => {
    const shapes = (shape: readonly (string | number)[], size?: readonly [number, number]) =>
      smallestInference([{ name: 'x', type: 'float32', shape }], size)?.inputs[0]?.shape;
    expect([
      shapes(['batch', 3, 'height', 'width']),
      shapes([-1, -1, -1, 3], [48, 320]),
      shapes([-1, 3, 48, -1], [48, 320]),
      shapes([-1, 'tokens']),
      shapes([-1, 80, -1]),
    ]).toEqual([
      [1, 3, 224, 224],
      [1, 48, 320, 3],
      [1, 3, 48, 320],
      [1, 1],
      [1, 80, 1],
    ]);
  });

  test('is not asked for where that would be a large question', () => {
    expect(smallestInference([{ name: 'x', type: 'FP32', shape: [1_000, 1_000, 2] }])).toBeNull();
  });
});
