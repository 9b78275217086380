/**
 * Reading a GGUF header with 150,000 tokens, against decoding the same bytes as text once: about
 * the least that looking at each of them costs.
 */
import { analyzeCandidate } from '../../main/core/analyzer/candidate.ts';
import { LARGE_VOCABULARY, largeHeaderGguf } from '../helpers/large-gguf.ts';
import { type BenchOptions, median, type Row } from './kit.ts';

const ROUNDS = 15;

export async function gguf(_options: BenchOptions): Promise<readonly Row[]> {
  const bytes = largeHeaderGguf();
  const source = { bytes: bytes.length, read: (offset: number, length: number) => bytes.subarray(offset, offset + length) };
  const parsing: number[] = [];
  const decoding: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    let began = performance.now();
    const { profile } = analyzeCandidate([{ path: 'large.gguf', bytes: bytes.length, open: () => source }], false);
    parsing.push(performance.now() - began);
    if (profile?.vocabularySize !== LARGE_VOCABULARY) throw new Error(`read as ${profile?.vocabularySize} tokens`);
    began = performance.now();
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    decoding.push(performance.now() - began);
  }
  const what = `gguf: header of ${LARGE_VOCABULARY} tokens, ${(bytes.length / 1e6).toFixed(1)} MB`;
  return [{ what, unit: 'ms', value: median(parsing), baseline: median(decoding), baselineName: 'as text' }];
}
