/**
 * The thread that makes JSON of large tensors, embeddings and classes: combines the threads of `io`
 * with the answers that `http` knows.
 */
import { answerJson } from './http/answer-json.ts';
import { answerOneByOne } from './io/answer-thread.ts';
import type { AnswerJson, LargeAnswer } from './io/large-answers.ts';

answerOneByOne<LargeAnswer, AnswerJson>(answerJson, (answered) => ('json' in answered ? [answered.json] : []));
