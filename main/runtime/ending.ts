/**
 * Ends a runner's process tree and waits until its memory is measured free, or reports what is
 * still held (I6). Changes no state of a model.
 */
import { type DeviceBytes, HOST_DEVICE } from '../../shared/decision.ts';
import type { StateOf } from '../../shared/model.ts';
import type { Log } from '../core/ports.ts';
import type { ProcessIdentity } from '../core/process-ports.ts';
import { freed, leakedSentence } from '../core/sentences.ts';
import { type RoomPorts, seeReleased } from './room.ts';
import type { Runner } from './runner.ts';
import type { ThreadShare } from './thread-share.ts';

export interface EndingPorts extends RoomPorts {
  readonly log: Log;
  readonly threads: ThreadShare;
  /** A sink: the seconds from the last process's end until its memory was seen free. */
  released(seconds: number): void;
}

/** @returns processes that outlived their kill. */
export async function endRunner(ports: EndingPorts, runner: Runner, draining: StateOf<'draining'>): Promise<readonly ProcessIdentity[]> {
  const { devices, clock, log, threads } = ports;
  const { id, host } = runner;
  const { stopping } = runner.adapter;
  const before = devices.sample;
  const held = heldBy(ports, runner, draining);
  const crashedOver = host.exit === null ? null : runner.before;
  const isServing = draining.from === 'ready' && host.exit === null;
  const survivors = await host.stop((isServing ? stopping.graceSeconds : stopping.loadingGraceSeconds) * 1000);
  runner.cancelForgiving();
  threads.leave(host);
  const startedMs = clock.now();
  const leaked = survivors.length > 0 ? held : await seeReleased(ports, host.pids(), { held, before, crashedOver });
  ports.released((clock.now() - startedMs) / 1000);
  if (leaked === null) {
    if (Object.values(held).some((bytes) => bytes > 0)) log.say(freed({ ...draining, held }, clock.now() - startedMs));
  } else {
    host.leaked();
    devices.leak(id, leaked, host.pids());
    log.warn(leakedSentence(id, leaked, devices.sample, host.pids()));
  }
  devices.release(id);
  return survivors;
}

/**
 * What a load was to take, it may never have taken: only what was seen of it can come free, or
 * leak.
 */
function heldBy({ devices }: RoomPorts, { host, before }: Runner, { from, held }: StateOf<'draining'>): DeviceBytes {
  if (from !== 'loading' || devices.sample === null) return held;
  const seen = host.measure(devices.sample, before, held);
  return { ...held, ...seen, [HOST_DEVICE]: Math.min(held[HOST_DEVICE] ?? 0, seen[HOST_DEVICE] ?? 0) };
}
