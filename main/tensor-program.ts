/**
 * The thread that makes JSON of large tensors: combines the threads of `io` with the protocol of
 * `http`.
 */
import { outputsIn } from './http/tensor-answer.ts';
import { answerOneByOne } from './io/answer-thread.ts';
import type { TensorAnswer, TensorJson } from './io/tensor-answers.ts';

answerOneByOne<TensorAnswer, TensorJson>(
  ({ parts, headerLength }) => {
    const outputs = outputsIn(Buffer.concat(parts), headerLength);
    return typeof outputs === 'string' ? { problem: outputs } : { json: Buffer.from(JSON.stringify(outputs)) };
  },
  (answered) => ('json' in answered ? [answered.json] : []),
);
