/**
 * Starts watching devices, runtimes, settings and folders, in this order, because each needs the
 * ones before it.
 */

import type { Clock, Log, SampleTable } from '../core/ports.ts';
import type { Changes } from '../core/tell/changes.ts';
import { DayHistory, type History } from '../core/tell/history.ts';
import type { RunningDeviceProbe } from '../io/devices/device-probe.ts';
import { keepOwnMemorySmall } from '../io/memory.ts';
import type { Core } from './core.ts';
import type { WatchedFolders } from './folders.ts';
import type { Opened } from './opened.ts';
import type { EngineSettings } from './settings.ts';

export interface FollowPorts {
  readonly core: Core;
  readonly probe: RunningDeviceProbe;
  readonly changes: Changes;
  readonly folders: WatchedFolders;
  readonly settings: EngineSettings;
  readonly history: History;
  readonly day: DayHistory;
  readonly clock: Clock;
  readonly log: Log;
  readonly opened: Opened;
}

/**
 * The devices' last day, as far as it can be kept: a disk that is full or a file that went away
 * costs a point of a chart, nothing else.
 */
export function openDay(samples: SampleTable, log: Log): DayHistory {
  return new DayHistory(pastOf(samples, log), (point) => {
    try {
      samples.keep(point);
    } catch (error) {
      log.debug(`A sample of the devices was not kept: ${String(error)}`);
    }
  });
}

function pastOf(samples: SampleTable, log: Log): ReturnType<SampleTable['past']> {
  try {
    return samples.past();
  } catch (error) {
    log.warn(`What the devices held before is not known: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

/** Resolves when devices and folders were looked at once. */
export async function follow({ core, probe, changes, folders, settings, history, day, clock, log, opened }: FollowPorts): Promise<void> {
  const { devices, orchestrator, registry } = core;
  probe.onSample((sample) => {
    devices.applySample(sample);
    probe.setPids([...[...registry.all()].flatMap(({ state }) => ('pids' in state ? state.pids : [])), ...core.servers.pids()]);
    orchestrator.roomChanged();
    const views = devices.views();
    history.record(clock.wallTime(), views);
    day.record(clock.wallTime(), views);
    changes.touch();
  });
  devices.applySample(await probe.start());
  await core.runtimes.find();
  core.runtimes.apply();
  if (probe.gpuFacts().found)
    log.say(`GPUs: ${[probe.gpuFacts().message, ...core.runtimes.gpusInWords(probe.gpuFacts().message)].join('; ')}`);
  opened.add(core.runtimes, (each) => each.close()).start();
  const discovery = (): string => JSON.stringify(settings.current.orchestration.model_discovery);
  opened.add(
    settings.follow({
      log,
      prepare: async () => void (await core.runtimes.find()),
      apply() {
        core.runtimes.apply();
        core.orchestrator.reconsiderAll();
      },
      after: async (before) => {
        if (JSON.stringify(before.orchestration.model_discovery) !== discovery()) await folders.watch(core.catalog, settings.current);
      },
      touch: () => changes.touch(),
    }),
    (stop) => stop(),
  );
  opened.add(folders, (each) => each.close());
  await folders.watch(core.catalog, settings.current);
  const isAsked = (): boolean => [...registry.all()].some(({ id }) => core.doer.inFlight(id) > 0);
  opened.add(keepOwnMemorySmall(clock, isAsked), (each) => each.close());
}
