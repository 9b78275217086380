import { describe, expect, it } from 'vitest';
import { Admission } from '../../main/core/admission.ts';

describe('Admission', () => {
  it('bounds the queue of each model apart', () => {
    const admission = new Admission();
    admission.enqueue('a', 0, 2);
    const second = admission.enqueue('a', 1, 2);
    expect(() => admission.enqueue('a', 2, 2)).toThrowError(expect.objectContaining({ code: 'queue-full' }));
    admission.enqueue('b', 2, 2);
    expect(admission.leave(second)).toBe(true);
    expect(admission.leave(second)).toBe(false);
    expect(admission.enqueue('a', 3, 2).sinceMs).toBe(3);
    expect(admission.waiting('a')).toBe(2);
  });

  it('orders by the oldest wish, requests and persons alike, and content after all', () => {
    const admission = new Admission();
    admission.want('content', 'content', 0);
    const first = admission.enqueue('a', 10, 9);
    admission.want('b', 'person', 5);
    admission.enqueue('c', 20, 9);
    admission.want('d', 'always', 15);
    expect(admission.order()).toEqual(['b', 'a', 'd', 'c', 'content']);
    // A request for it makes content a demand like any other, as old as the request.
    admission.enqueue('content', 12, 9);
    expect(admission.order()).toEqual(['b', 'a', 'content', 'd', 'c']);
    admission.enqueue('a', 30, 9);
    admission.leave(first);
    expect(admission.order()).toEqual(['b', 'content', 'd', 'c', 'a']);
  });

  it('starves nobody: whoever waited longest is first, however many ask for another', () => {
    const admission = new Admission();
    admission.enqueue('rare', 50, 9);
    for (let at = 0; at < 100; at += 1) {
      const busy = admission.enqueue('busy', 40 + at, 9);
      if (at > 10) expect(admission.order()[0]).toBe('rare');
      admission.leave(busy);
    }
  });

  it('keeps the time of a wish that stands, and says who may evict', () => {
    const admission = new Admission();
    admission.want('a', 'content', 0);
    expect([admission.mayEvict('a'), admission.oldestWaitMs('a', 100), admission.isWanted('a')]).toEqual([false, 0, true]);
    admission.want('a', 'person', 40);
    admission.want('a', 'person', 90);
    expect([admission.mayEvict('a'), admission.oldestWaitMs('a', 100)]).toEqual([true, 60]);
    admission.unwant('a', 'person');
    expect(admission.mayEvict('a')).toBe(false);
    admission.unwant('a');
    expect([admission.isWanted('a'), admission.order()]).toEqual([false, []]);
  });

  it('keeps the place of a model whose clients give up and ask again, and of none that is not asked for again soon', () => {
    const admission = new Admission();
    admission.giveUp(admission.enqueue('impatient', 0, 9), 6_000);
    expect([admission.isWanted('impatient'), admission.order()]).toEqual([false, []]);
    admission.enqueue('other', 3_000, 9);
    const again = admission.enqueue('impatient', 7_000, 9);
    expect([admission.order(), admission.oldestWaitMs('impatient', 8_000), admission.longestWaitMs('impatient', 8_000)]).toEqual([
      ['impatient', 'other'],
      8_000,
      1_000,
    ]);
    admission.giveUp(again, 13_000);
    const late = admission.enqueue('impatient', 73_001, 9);
    expect(admission.order()).toEqual(['other', 'impatient']);
    admission.giveUp(late, 74_000);
    admission.serve(admission.enqueue('impatient', 75_000, 9));
    admission.enqueue('impatient', 76_000, 9);
    expect(admission.oldestWaitMs('impatient', 77_000)).toBe(1_000);
  });

  it('serves callers by turns, and the requests of each in their order', () => {
    const admission = new Admission();
    for (let at = 0; at < 3; at += 1) admission.enqueue('m', at, 9, 'batch');
    admission.enqueue('m', 3, 9, 'person');
    admission.enqueue('m', 4, 9, 'other');
    const served: string[] = [];
    for (let ticket = admission.next('m'); ticket !== null; ticket = admission.next('m')) {
      served.push(`${ticket.caller} ${ticket.sinceMs}`);
      admission.serve(ticket);
    }
    expect(served).toEqual(['batch 0', 'person 3', 'other 4', 'batch 1', 'batch 2']);
    expect([admission.waiting('m'), admission.isWanted('m'), admission.longestWaitMs('m', 9)]).toEqual([0, false, 0]);
  });

  it('makes room in a full queue where somebody has more of it than who comes, and never for who has as much', () => {
    const admission = new Admission();
    const batch = [0, 1, 2].map((at) => admission.enqueue('m', at, 4, 'batch'));
    admission.enqueue('m', 3, 4, 'person');
    expect(() => admission.enqueue('m', 4, 4, 'person')).toThrowError(expect.objectContaining({ code: 'queue-full' }));
    expect(admission.yielding('m', 'batch')).toBeNull();
    // The newest: it has waited least.
    expect(admission.yielding('m', 'person')).toBe(batch[2]);
    admission.leave(batch[2]!);
    admission.enqueue('m', 5, 4, 'person');
    expect(['batch', 'person', 'third'].map((caller) => admission.yielding('m', caller)?.caller ?? null)).toEqual([null, null, 'batch']);
    expect(admission.longestWaitMs('m', 10)).toBe(10);
  });
});
