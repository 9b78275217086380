/** A server of somebody else, checked repeatedly: what is kept of an earlier answer. */
import { expect, test } from 'vitest';
import type { ForeignStatus } from '../../main/runtime/adapter.ts';
import { ForeignServer } from '../../main/runtime/foreign.ts';
import type { Endpoint } from '../../shared/model.ts';
import type { NodeView } from '../../shared/snapshot.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

test('a check that learns nothing of the nodes keeps those of the check before, until the cluster is away', async () => {
  const clock = createVirtualClock();
  const endpoint: Endpoint = { at: { port: 1 }, key: null, protocol: 'openai', model: '', prefix: '' };
  const nodes = [{ name: '192.0.2.7' }] as unknown as readonly NodeView[];
  const there = { isThere: true, endpoint, offers: [] } as const;
  const answers: ForeignStatus[] = [
    { ...there, nodes },
    { ...there, nodes: undefined },
    { isThere: false, why: 'It is away.', help: '', offers: [] },
    { ...there, nodes: [] },
  ];
  // biome-ignore lint/correctness/useYield: its answers are ready.
  function* check() {
    return answers.shift()!;
  }
  const log = { warn() {}, say() {}, debug() {} };
  const facts = { name: 'ray', isForeign: true, where: 'the cluster', about: '', check } as const;
  const server = new ForeignServer({ clock, log, http: {}, randomWord: () => '' } as never, facts, () => {});
  const seen: (readonly NodeView[])[] = [];
  server.checkNow();
  for (const waitMs of [0, 15_000, 15_000, 2_000]) {
    await clock.advance(waitMs);
    seen.push(server.nodes);
  }
  server.close('over');
  expect(seen).toEqual([nodes, nodes, [], []]);
});
