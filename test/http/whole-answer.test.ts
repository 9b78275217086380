/** Large answers that are collected: whose memory they are, and for how long. */
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { AnswerBudget } from '../../main/http/answer-budget.ts';
import type { Exchange } from '../../main/http/exchange.ts';
import { CollectedAnswer } from '../../main/http/whole-answer.ts';
import { MIB } from '../../shared/units.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const exchange = { caller: 'a', runtime: 'llama' } as Exchange;
const unused = { json: () => Promise.reject(new Error('nobody reads it')) };

/** A response of which the client takes so many bytes at each look. */
class Unsent extends EventEmitter {
  destroyed = false;
  writableFinished = false;
  readonly socket = { bytesWritten: 100 * MIB, writableLength: 100 * MIB };

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

const collected = (answerBudget: AnswerBudget, clock = createVirtualClock()) => {
  const answer = new CollectedAnswer({ answerBudget, largeAnswers: unused, clock }, 'tiny');
  for (let count = 0; count < 200; count += 1) answer.push(exchange, Buffer.alloc(MIB));
  return answer;
};

test('an answer counts until its client has taken it', () => {
  const budget = new AnswerBudget(() => {});
  const response = new Unsent();
  collected(budget).release(response as unknown as ServerResponse);
  expect(() => collected(budget)).toThrow(/in use/);
  response.emit('close');
  expect(() => collected(budget)).not.toThrow();
});

test('a client that does not take it is cut; one that reads on is not', async () => {
  const clock = createVirtualClock();
  const budget = new AnswerBudget(() => {});
  const response = new Unsent();
  collected(budget, clock).release(response as unknown as ServerResponse);
  for (let looks = 0; looks < 5; looks += 1) {
    response.socket.writableLength -= MIB;
    await clock.advance(30_000);
  }
  expect(response.destroyed).toBe(false);
  await clock.advance(30_000);
  expect([response.destroyed, clock.pending]).toEqual([true, 0]);
  expect(() => collected(budget)).not.toThrow();
});
