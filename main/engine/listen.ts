/**
 * Opens the ports and connects HTTP to the core. The ports open before the slow steps (drivers,
 * folders), so that a script that starts Modelium can connect at once and is asked to wait.
 */
import type { Snapshot } from '../../shared/snapshot.ts';
import { VERSION } from '../../shared/version.ts';
import type { Clock, Library, ModelFinder } from '../core/ports.ts';
import type { Changes } from '../core/tell/changes.ts';
import type { DayHistory, History } from '../core/tell/history.ts';
import { Connections } from '../http/connections.ts';
import { createMetricsServer } from '../http/metrics-server.ts';
import { createHttpServer } from '../http/server.ts';
import { SharedText } from '../http/shared-text.ts';
import { Uploads } from '../io/files/upload.ts';
import { modeliumFolders } from '../io/folders.ts';
import type { Upstreams } from '../io/http-client.ts';
import { createImages } from '../io/images/images.ts';
import { createLargeAnswers } from '../io/large-answers.ts';
import { createLargeJson } from '../io/large-json.ts';
import type { createLog } from '../io/log.ts';
import { collectGarbage } from '../io/memory.ts';
import type { Metrics } from '../io/metrics.ts';
import { createPageFiles } from '../io/page-files.ts';
import { descriptorLimit } from '../io/processes/proc.ts';
import { fetchSampleModel, sweepFetches } from '../io/sample-model.ts';
import { programs } from '../programs.ts';
import { createControl } from './control.ts';
import type { Core } from './core.ts';
import type { WatchedFolders } from './folders.ts';
import { createInference } from './gateway.ts';
import type { Meter } from './meter.ts';
import type { Opened } from './opened.ts';
import type { EngineSettings } from './settings.ts';
import { explainTakenPort } from './taken-port.ts';

export interface ListenPorts {
  readonly core: Core;
  readonly changes: Changes;
  readonly metrics: Metrics;
  readonly meter: Meter;
  readonly library: Library;
  readonly finder: ModelFinder;
  readonly upstreams: Upstreams;
  readonly clock: Clock;
  readonly log: ReturnType<typeof createLog>;
  readonly opened: Opened;
  readonly settings: EngineSettings;
  readonly folders: Pick<WatchedFolders, 'paths'>;
  readonly history: History;
  readonly day: DayHistory;
  readonly token: string;
  snapshot(): Snapshot;
  /** Resolves when each model that is there was looked at once; null: it was. */
  begun(): Promise<void> | null;
  /** Why control has to wait, as a sentence without its full stop; null: it has not. */
  trouble(): string | null;
}

/** For what would hold up the engine's own thread: each starts with its first question. */
function threadsOf(clock: ListenPorts['clock'], opened: ListenPorts['opened']) {
  return {
    largeJson: opened.add(createLargeJson(programs.largeJson, clock), (each) => each.close()),
    images: opened.add(createImages(programs.images, programs.imageDecoders, clock), (each) => each.close()),
    largeAnswers: opened.add(createLargeAnswers(programs.answers, clock), (each) => each.close()),
  };
}

/** @throws ModeliumError port-taken, host-needs-key. */
export async function listen(ports: ListenPorts): Promise<{ readonly address: string; readonly run: string }> {
  const { core, changes, metrics, meter, library, finder, upstreams, snapshot, clock, log, opened } = ports;
  const { view } = core;
  const settings = () => ports.settings.current;
  const inference = createInference({
    ...core,
    begun: ports.begun,
    clock,
    log,
    view,
    settings,
    report: (report) => {
      metrics.request(report);
      core.activity.ended(report, clock.now(), clock.wallTime());
    },
  });
  const editor = opened.add(ports.settings, (each) => each.close()).editor();
  void sweepFetches(modeliumFolders().cache).catch((error: unknown) => log.debug(String(error)));
  const control = createControl({
    ...core,
    clock,
    ledger: meter.ledger,
    library,
    finder,
    sample: (signal) => fetchSampleModel(modeliumFolders().cache, { signal, say: (sentence) => log.say(sentence) }),
    uploads: new Uploads(() => ports.folders.paths[0]),
    changes,
    upstreams,
    snapshot,
    view,
    engineLog: log,
    history: ports.history,
    day: ports.day,
    rescanRuntimes: async () => {
      await core.runtimes.find();
      core.runtimes.apply();
      core.orchestrator.reconsiderAll();
    },
    settings: editor.view,
    editSettings: editor.edit,
    trouble: ports.trouble,
  });
  const shared = new SharedText(clock, () => meter.text(core, upstreams, settings()));
  const metricsText = () => shared.read();
  const connections = new Connections({ descriptors: descriptorLimit(), now: clock.now });
  const server = createHttpServer({
    ...threadsOf(clock, opened),
    connections,
    collectGarbage,
    settings,
    inference,
    control,
    clock,
    log,
    dispatch: upstreams.dispatch,
    metricsText,
    token: ports.token,
    version: VERSION,
    page: createPageFiles(programs.page),
  });
  const listening = opened.add(server, (each) => each.close()).listen();
  const { address } = await explainTakenPort(listening, settings().api);
  if (settings().metrics.enabled)
    await opened.add(createMetricsServer({ settings, metricsText, clock, log, connections }), (each) => each.close()).listen();
  return { address, run: server.run };
}
