/** What a model in a shared server took of memory, while other models in it take some, too. */
import { expect, test } from 'vitest';
import type { Sample } from '../../main/core/ports.ts';
import { detailsIn, othersPids } from '../../main/runtime/ray/state.ts';
import { SharedHost, type SharedServer } from '../../main/runtime/shared-host.ts';
import { enterServer, type Steps } from '../../main/runtime/step.ts';
import type { Endpoint } from '../../shared/model.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

/**
 * As `GET /api/serve/applications/` of Ray 2.58 tells them (ray/serve/schema.py,
 * ServeInstanceDetails).
 */
const APPLICATIONS = JSON.stringify({
  applications: {
    mine: { status: 'RUNNING', deployments: { A: { replicas: [{ state: 'RUNNING', pid: 20 }] } } },
    other: {
      status: 'RUNNING',
      deployments: { B: { replicas: [{ pid: 30 }, { state: 'STARTING', pid: null }] }, C: { replicas: [{ pid: 31 }] } },
    },
    broken: { status: 'DEPLOY_FAILED' },
  },
});

test('growth of replicas of other applications is theirs, and of whatever else is there it is the model’s', async () => {
  const others = othersPids(detailsIn(APPLICATIONS)!, 'mine');
  expect(others).toEqual([30, 31]);
  // 10 is the server, 20 the replica, 21 a process of it, 30 and 31 are the replicas of another
  // model.
  let byPid = new Map([
    [10, 100],
    [30, 1_000],
  ]);
  const sample = () => ({ devices: [{ id: 'g', kind: 'gpu', usedBytes: 0, byPid }] }) as unknown as Sample;
  const endpoint: Endpoint = { at: { port: 1 }, key: null, protocol: 'openai', model: 'm', prefix: '' };
  const server = {
    isForeign: false,
    enter: async () => endpoint,
    settled: () => {},
    pids: () => [...byPid.keys()],
    residentByPid: () => byPid,
    activity: () => ({}),
  } as unknown as SharedServer;
  const ports = { clock: createVirtualClock(), probe: { sampleNow: async () => sample() } };
  const measuredWith = async (found: Partial<Endpoint>) => {
    byPid = new Map([
      [10, 100],
      [30, 1_000],
    ]);
    const host = new SharedHost(ports as never, server, { id: 'ray' } as never, 'm');
    function* load(): Steps<Endpoint> {
      return { ...(yield* enterServer()), ...found };
    }
    await host.run(load(), { stallMs: 1_000, maxMs: 1_000 }, new AbortController().signal, () => {});
    byPid = new Map([
      [10, 110],
      [20, 50],
      [21, 7],
      [30, 9_000],
      [31, 4_000],
    ]);
    return host.measure(sample(), null, { g: 1, cpu: 1 });
  };
  expect(await measuredWith({ othersPids: others })).toEqual({ g: 67, cpu: 67 });
  // A server that names nobody's processes: all growth counts.
  expect(await measuredWith({})).toEqual({ g: 12_067, cpu: 12_067 });
});
