/** Answers that are sent as a whole: what they hold in memory is bounded, all choices together. */
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { TokenLikelihood } from '../../main/embedded/llama/likelihoods.ts';
import { rerank } from '../../main/embedded/routes/input-routes.ts';
import { WholeBudget, WholeChoice } from '../../main/embedded/routes/openai-answer.ts';
import type { Serving } from '../../main/embedded/routes/serving.ts';

const word = { text: 'a', bytes: [97], logprob: -1 };
const likelihood = (rivals: number): TokenLikelihood => ({ ...word, offset: 0, rivals: Array.from({ length: rivals }, () => word) });

/** How many tokens of one letter fit, in choices of 1,000. */
function tokensThatFit(rivals: number): number {
  const budget = new WholeBudget(1024 * 1024);
  for (let tokens = 0; ; tokens += 1000) {
    const choice = new WholeChoice('completion', 0, '', true, budget);
    try {
      for (let at = 0; at < 1000; at++) choice.add({ kind: 'text', text: 'a' }, [likelihood(rivals)]);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid-body', message: expect.stringContaining('"stream": true') });
      return tokens;
    }
  }
}

test('the choices of a request share what they may hold, and log-probabilities count', () => {
  expect(tokensThatFit(0)).toBe(4_000);
  expect(tokensThatFit(1)).toBe(2_000);
  const text = new WholeChoice('chat', 0, '', false, new WholeBudget(10));
  text.add({ kind: 'reasoning', text: 'a'.repeat(10) }, []);
  expect(() => text.add({ kind: 'text', text: 'b' }, [])).toThrow('too large');
  expect(() => new WholeChoice('completion', 0, 'the prompt', false, new WholeBudget(5))).toThrow('too large');
});

test('documents of a client that left are not read on', async () => {
  const response = new EventEmitter() as unknown as ServerResponse;
  let read = 0;
  const rankedLength = () => {
    if (++read === 3) response.emit('close');
    return 1;
  };
  const documents = Array.from({ length: 2_000 }, () => 'a');
  const documentTokens = documents.map(() => [1]);
  const serving = {
    purpose: 'ranking',
    model: { rankedLength, contextTokens: 10 },
    prepare: async () => ({ query: 'a', queryTokens: [1], documents, documentTokens, most: 1, returnDocuments: false, isTei: false }),
  } as unknown as Serving;
  await rerank(Buffer.from('{}'), response, serving);
  expect(read).toBe(3);
});
