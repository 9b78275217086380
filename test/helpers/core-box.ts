/**
 * The engine's core as `buildCore` makes it, without a world: a virtual clock, simulated processes
 * and simulated GPUs behind the ports. For tests of interleavings that no real machine gives on
 * demand.
 */
import type {
  CandidateListing,
  DeviceSample,
  FileIdentity,
  FolderScan,
  Inspection,
  Ledger,
  Log,
  Measurement,
  Sample,
  TrustRow,
} from '../../main/core/ports.ts';
import type {
  Exit,
  LaunchedProcess,
  LaunchRequest,
  Processes,
  ProcessIdentity,
  ProcessRow,
  ProcessTable,
} from '../../main/core/process-ports.ts';
import { buildCore } from '../../main/engine/core.ts';
import type { Adapter } from '../../main/runtime/adapter.ts';
import type { ManagerPorts } from '../../main/runtime/manager.ts';
import { remoteAdapter } from '../../main/runtime/remote/adapter.ts';
import { http, pause, phase, spawn } from '../../main/runtime/step.ts';
import type { ConvertedType, DecisionRow } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { type ModelForm, type ModelProfile, NOTHING_KNOWN } from '../../shared/profile.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../shared/settings.ts';
import { GIB } from '../../shared/units.ts';
import { FAR_ORIGIN, fakeRemoteAdapter } from '../fixtures/fake-remote/module.ts';
import { FakeRemote } from '../fixtures/fake-remote/state.ts';
import { FAKE_SERVER, fakeServerAdapter } from '../fixtures/fake-server/module.ts';
import { FakeServer } from '../fixtures/fake-server/state.ts';
import { searchMachine } from './searching.ts';
import { createVirtualClock } from './virtual-clock.ts';

export interface SimulatedProcess {
  readonly identity: ProcessIdentity;
  readonly modelId: string;
  readonly gpu: string | null;
  readonly bytes: number;
  /** Of the fake server: its models' memory is its own. */
  readonly server: FakeServer | null;
  ignoresTerm: boolean;
  alive: boolean;
  end(exit: Exit): void;
}

export interface Behaviour {
  readonly loadMs?: number;
  readonly dies?: boolean;
  /** Its process ends after its proof, while its memory is measured. */
  readonly diesAtTheEnd?: boolean;
  readonly ignoresTerm?: boolean;
  /** How long its preparation takes, and the sentence with which it fails. */
  readonly prepareMs?: number;
  readonly prepareFails?: string;
}

/** A file of the simulated watch folder; `version` is its content. */
export interface WatchedFile {
  readonly name: string;
  readonly inode: number;
  readonly version: number;
  /** When something was last done to it, its rights included. */
  readonly touchedMs?: number;
}

export const WATCH_FOLDER = '/watch';

export interface CoreBoxOptions {
  readonly gpus: readonly number[];
  readonly settings?: (defaults: Settings) => Settings;
  /** What the files of a model are; without it plain text models. */
  readonly profile?: (modelId: string, bytes: number) => ModelProfile;
  /** Which forms the simulated runtime takes; without it all. */
  readonly serves?: (form: ModelForm) => boolean;
  /** The fake server is there too, for what it takes. */
  readonly fakeServer?: boolean;
  /** The fake remote server is there too, as a runtime of its own kind: `box.far`. */
  readonly fakeRemote?: boolean;
  /** Servers of others, all of them the one fake remote server: `box.remote`. */
  readonly remotes?: readonly { readonly name: string; readonly models?: readonly string[]; readonly prefix?: string }[];
  /** The simulated runtime loads LoRAs into their base. */
  readonly attaches?: boolean;
  /**
   * What is made of a model before it is loaded, the most faithful first, each with the share of
   * its bytes that is left.
   */
  readonly prepares?: (modelId: string) => readonly { readonly type: ConvertedType; readonly share: number }[] | null;
  /** Requests that each model works on at once. */
  readonly places?: number;
  /** What the next launch does besides loading: from the model's id. */
  readonly behaviour?: (modelId: string) => Behaviour;
}

export function textProfile(bytes: number): ModelProfile {
  return {
    ...NOTHING_KNOWN,
    kind: 'chat',
    architecture: 'llama',
    name: null,
    parameters: bytes / 2,
    weightBytes: bytes,
    weightBytesByType: { F16: bytes },
    quantization: 'F16',
    contextLength: 4096,
    layers: 4,
    embeddingLength: 64,
    feedForwardLength: 128,
    heads: 4,
    kvHeads: 4,
    vocabularySize: 100,
    kv: { bytesPerToken: 1024, bytesPerSequence: 0, exact: true, groups: [] },
    tokenizer: 'gpt2',
    hasChatTemplate: true,
    forms: [{ kind: 'gguf', files: ['m.gguf'], codeFiles: [] }],
    notes: [],
    layerBytes: [bytes / 4, bytes / 4, bytes / 4, bytes / 4],
    inputBytes: 0,
    outputBytes: 0,
  };
}

const CALL = { key: null, method: 'POST', path: '/lora', body: null, timeoutMs: 100 } as const;
/** A LoRA is a call on its base; one that is not answered has not worked. */
const ATTACHING = {
  whyNotAttached: () => null,
  *attach(modelId, _path, base) {
    const answer = yield* http({ ...CALL, at: base.at });
    if (answer === null) throw new ModeliumError('runtime-exited', 'the base did not answer');
    return { ...base, model: modelId };
  },
  *detach(_modelId, base) {
    yield* http({ ...CALL, at: base.at });
  },
} satisfies Partial<Adapter>;

export function createCoreBox(options: CoreBoxOptions) {
  const clock = createVirtualClock();
  const settings = (options.settings ?? ((defaults) => defaults))(structuredClone(DEFAULT_SETTINGS));
  const simulated = new Map<number, SimulatedProcess>();
  const others = options.gpus.map(() => 0);
  const rows = new Map<string, ProcessRow>();
  const decisions: DecisionRow[] = [];
  const measurements: Measurement[] = [];
  const logged: string[] = [];
  const bytesOf = new Map<string, number>();
  /** What a test may change on the way. */
  const world = {
    hangs: false,
    gpus: [...options.gpus],
    damaged: new Set<string>(),
    inspections: 0,
    /** The content of each model's code, by its path: what a reading of it hashes. */
    code: new Map<string, string>(),
    /** Files that lie there now and that no look has seen, by candidate. */
    unseen: new Map<string, readonly FileIdentity[]>(),
    /** Why files cannot be read, by the path of their model. */
    shut: new Map<string, string>(),
    readings: 0,
    /** What was prepared, by its path; and what of it was thrown away half done. */
    prepared: new Set<string>(),
    parts: new Set<string>(),
    discarded: [] as string[],
    fullDisk: false,
    /** What happens in the middle of such work, the next time. */
    meanwhile: {} as { sample?: () => void; list?: () => void; commit?: () => void },
    /** The cache holds what may not go, and nothing more. */
    tightCache: false,
    /** Does the driver name the processes that hold memory? */
    namesProcesses: true,
    remoteIsAway: false,
    /** How long the fake remote server takes to answer. */
    remoteMs: 0,
    /** The fake server keeps the memory of models that leave. */
    leaks: false,
  };
  const trusts: TrustRow[] = [];
  let nextPid = 1000;

  const gpuId = (index: number) => `GPU-${index}`;
  const bytesOn = (each: SimulatedProcess, id: string) =>
    each.alive ? (each.server?.bytesOn(id) ?? (each.gpu === id ? each.bytes : 0)) : 0;
  const usedOn = (id: string) => [...simulated.values()].reduce((sum, each) => sum + bytesOn(each, id), 0);

  function takeSample(): Sample {
    const gpus = world.gpus.map((totalBytes, index): DeviceSample => {
      const id = gpuId(index);
      const mine = [...simulated.values()].filter((each) => bytesOn(each, id) > 0);
      return {
        id,
        kind: 'gpu',
        index,
        name: `Simulated GPU ${index}`,
        simulated: true,
        totalBytes,
        usedBytes: usedOn(id) + (others[index] ?? 0),
        byPid: world.namesProcesses ? new Map(mine.map((each) => [each.identity.pid, bytesOn(each, id)])) : null,
        utilizationRatio: 0,
        powerWatts: null,
        temperatureCelsius: null,
        computeCapability: '9.0',
      };
    });
    const host: DeviceSample = {
      id: 'cpu',
      kind: 'host',
      index: null,
      name: 'Simulated host',
      simulated: true,
      totalBytes: 512 * GIB,
      usedBytes: 8 * GIB,
      byPid: new Map(),
      utilizationRatio: 0,
      powerWatts: null,
      temperatureCelsius: null,
      computeCapability: null,
    };
    return { atMs: clock.now(), devices: [...gpus, host] };
  }

  const processes: Processes = {
    launch: async (request) => launch(request),
    identify: (pid) => (simulated.get(pid)?.alive ? (simulated.get(pid)?.identity ?? null) : null),
    isAlive: ({ pid }) => simulated.get(pid)?.alive ?? false,
    members: (pid) => (simulated.get(pid)?.alive ? [simulated.get(pid)!.identity] : []),
    descendants: (pid) => (simulated.get(pid)?.alive ? [simulated.get(pid)!.identity] : []),
    groupExists: (group) => simulated.get(group)?.alive ?? false,
    findByLaunch: () => [],
    signal(identities, signal) {
      for (const { pid } of identities) {
        const target = simulated.get(pid);
        if (target?.alive && (signal === 'SIGKILL' || !target.ignoresTerm)) target.end({ code: null, signal });
      }
    },
    activity: () => ({ readBytes: 0, cpuMs: 0, residentBytes: 0 }),
    freePort: async ([first]) => first,
    strangerAt: async () => null,
  };

  function launch(request: LaunchRequest): LaunchedProcess {
    const isServer = request.args.includes('--fake-server');
    const [modelId = '', gpu = ''] = isServer ? [FAKE_SERVER] : request.args;
    const pid = nextPid++;
    let resolve: (exit: Exit) => void = () => {};
    const exited = new Promise<Exit>((done) => {
      resolve = done;
    });
    const process: SimulatedProcess = {
      identity: { pid, startTime: pid, bootId: 'boot' },
      modelId,
      gpu: gpu === '' ? null : gpu,
      bytes: bytesOf.get(modelId) ?? 0,
      server: isServer ? new FakeServer() : null,
      ignoresTerm: options.behaviour?.(modelId).ignoresTerm ?? false,
      alive: true,
      end(exit) {
        process.alive = false;
        resolve(exit);
      },
    };
    simulated.set(pid, process);
    return { pid, onLine: () => {}, exited, send: () => {}, onMessage: () => {} };
  }

  const shareOf = (modelId: string, type: ConvertedType | undefined): number =>
    options.prepares?.(modelId)?.find((each) => each.type === type)?.share ?? 1;
  const adapter: Adapter = {
    id: 'llama',
    splits: false,
    groups: false,
    found: { found: true, version: 'simulated', message: 'simulated', gpu: { usable: true, why: 'simulated' } },
    portRange: [8100, 8999],
    stopping: { graceSeconds: 2, loadingGraceSeconds: 2, leaderFirst: false },
    preparations: ({ name }) => options.prepares?.(name ?? '')?.map(({ type }) => ({ type })) ?? null,
    preparedBytes: ({ weightBytes }) => weightBytes,
    *prepare({ modelId, output }) {
      const { prepareMs = 1_000, prepareFails } = options.behaviour?.(modelId) ?? {};
      yield* spawn('simulated', [`prepare ${modelId}`, ''], {}, true);
      yield* phase('converting', 0.25);
      yield* pause(prepareMs);
      if (prepareFails !== undefined) throw new ModeliumError('not-convertible', prepareFails);
      world.parts.add(output);
    },
    supports: (_profile, form) => ({ supported: options.serves?.(form) ?? true, why: 'simulated' }),
    plan: (_profile, form, placement, { context = 4096 }, preparation) => ({
      ...(preparation === undefined ? {} : { preparation }),
      runtime: 'llama',
      form: form.kind,
      file: form.files[0] ?? '',
      placement,
      contextTokens: context,
      parallelSequences: options.places ?? 4,
      args: [],
      env: {},
    }),
    estimate: (profile, { placement, preparation }) => ({
      bytes: { [placement.gpus[0] ?? 'cpu']: profile.weightBytes * shareOf(profile.name ?? '', preparation?.type) },
      parts: {},
      notes: [],
    }),
    *load({ modelId, plan }) {
      const { loadMs = 500, dies = false, diesAtTheEnd = false } = options.behaviour?.(modelId) ?? {};
      const end = () => [...simulated.values()].find((each) => each.alive && each.modelId === modelId)?.end({ code: 1, signal: null });
      yield* spawn('simulated', [modelId, plan.placement.gpus[0] ?? ''], {}, true);
      yield* phase('reading weights', 0.5);
      yield* pause(loadMs);
      if (dies) end();
      yield* http({ at: { port: 8100 }, key: null, method: 'GET', path: '/health', body: null, timeoutMs: 100 });
      if (diesAtTheEnd) end();
      return { at: { port: 8100 }, key: null, protocol: 'openai', model: modelId, prefix: '/v1' };
    },
    ...(options.attaches === true ? ATTACHING : {}),
    progress: () => null,
    explainExit: (exit) => ({
      code: 'runtime-exited',
      message: `ended with ${exit.code ?? exit.signal}`,
      permanent: false,
      retryWith: null,
    }),
  };

  const fakeAdapter = fakeServerAdapter(searchMachine());
  const farAdapter = fakeRemoteAdapter();
  const far = new FakeRemote();
  const remote = new FakeRemote();
  const remoteOf = (named: NonNullable<CoreBoxOptions['remotes']>[number]) => ({
    name: named.name,
    where: named.name,
    origin: `http://${named.name}.test`,
    prefix: '/v1',
    key: null,
    problem: null,
    settings: {
      url: `http://${named.name}.test/v1`,
      models: named.models === undefined ? ('all' as const) : [...named.models],
      prefix: named.prefix ?? '',
    },
  });
  const remotes = (options.remotes ?? []).map(remoteOf);
  const remoteRuntime = remoteAdapter({ remotes, about: '' });
  const adapterOf = (id: string): Adapter => [fakeAdapter, remoteRuntime, farAdapter].find((each) => each.id === id) ?? adapter;

  const table: ProcessTable = {
    intend: (row) => void rows.set(row.launchId, row),
    record: (launchId, leader, members) => void rows.set(launchId, { ...rows.get(launchId)!, leader, members }),
    erase: (launchId) => void rows.delete(launchId),
    rows: () => [...rows.values()],
  };
  const ledger: Ledger = {
    decide: ({ modelId, action, reason, sentence, inputs, candidates }) => {
      const at = new Date(clock.wallTime()).toISOString();
      return decisions.push({ id: decisions.length + 1, at, modelId, action, reason, sentence, inputs, candidates, outcome: null });
    },
    settle: (id, outcome) => {
      decisions[id - 1] = { ...decisions[id - 1]!, outcome };
    },
    decisions: () => decisions,
    learn: (measurement) => void measurements.unshift(measurement),
    measurements: (modelId, runtime, limit) =>
      measurements.filter((each) => (modelId === null || each.modelId === modelId) && each.runtime === runtime).slice(0, limit),
    remember: () => {},
    forget: () => {},
    remembered: () => [],
  };
  const log: Log = {
    say: (line) => void logged.push(line),
    warn: (line) => void logged.push(line),
    error: (line) => void logged.push(line),
    debug: () => {},
  };

  function meanwhile(work: keyof typeof world.meanwhile): void {
    const act = world.meanwhile[work];
    delete world.meanwhile[work];
    act?.();
  }
  const sampleNow = async () => {
    meanwhile('sample');
    return takeSample();
  };
  const probe = { sampleNow, setFast: () => {}, onSample: () => {} };
  const words = { next: 0 };
  const machineFiles = {
    names: async () => [],
    read: async () => null,
    real: async () => null,
    whyNotOwn: async () => null,
    packageFolder: async () => null,
    pack: async () => ({ sha1: 'a'.repeat(40), bytes: 1 }),
    stats: async (paths: readonly string[]) => paths.map(() => null),
  };
  const scratch = { make: () => '/scratch', write: () => '/scratch/entry', note: () => {}, remove: () => {}, left: () => [] };
  const answer = () => (world.hangs ? Promise.reject(new Error('no answer')) : Promise.resolve({ status: 200, body: '' }));
  const request: ManagerPorts['http']['request'] = async ({ at, key }, { method, path, body }) => {
    if ('url' in at) {
      if (world.remoteIsAway) throw new Error('connect ECONNREFUSED');
      if (world.remoteMs > 0) await new Promise((resolve) => clock.after(world.remoteMs, () => resolve(undefined)));
      return (at.url === FAR_ORIGIN ? far : remote).handle(method, path, key === null ? undefined : `Bearer ${key}`, body);
    }
    if (!('port' in at) || at.port !== fakeAdapter.portRange[0] || world.hangs) return answer();
    const server = [...simulated.values()].find((each) => each.alive && each.server !== null)?.server ?? null;
    if (server === null) throw new Error('nobody listens');
    server.leaks = world.leaks;
    return server.handle(method, path, body);
  };
  const codeIdentity = (path: string, name: string) => {
    const content = world.code.get(path) ?? '';
    return { path: name, bytes: content.length, mtimeMs: 0, ctimeMs: Number.parseInt(content, 36), device: 1, inode: 1 };
  };
  const filesAt = (path: string): readonly FileIdentity[] =>
    world.code.has(path) ? [codeIdentity(path, 'modeling.py')] : (listings.get(path)?.files ?? []);
  const library = {
    inspect: async (path: string): Promise<Inspection> => {
      world.inspections += 1;
      const name = path.split('/').at(-1) ?? '';
      const id = name.replace('.gguf', '');
      const bytes = bytesOf.get(id) ?? GIB;
      const copy = { bytesPresent: bytes, bytesExpected: bytes, missing: [] };
      const files = [...filesAt(path), ...(world.unseen.get(path) ?? [])];
      const whole = {
        files,
        copy,
        whole: true,
        usable: true,
        zeroTails: [],
        writer: null,
        damage: null,
        unreadable: null,
        profile: profileOf(id, bytes),
      };
      return world.damaged.has(path) ? { ...whole, whole: false, usable: false, damage: 'the header is damaged', profile: null } : whole;
    },
  };
  const profileOf = options.profile ?? ((_id: string, bytes: number) => textProfile(bytes));
  const listings = new Map<string, CandidateListing>();
  let lastFiles: readonly WatchedFile[] = [];
  const core = buildCore(
    {
      clock,
      log,
      processes,
      table,
      probe,
      ledger,
      library,
      scratch,
      machineFiles,
      http: { request, upload: answer },
      settings: () => settings,
      folders: () => [WATCH_FOLDER],
      cpuCores: 2,
      randomWord: () => `launch-${words.next++}`,
      bootId: () => 'boot',
      released: () => {},
      tracker: {
        track: () => Promise.reject(new Error('not simulated')),
        untrack: async () => {},
        rescan: () => scan(lastFiles),
      },
      listSource: async (path) => {
        meanwhile('list');
        return { files: [...filesAt(path), ...(world.unseen.get(path) ?? [])], places: {} };
      },
      prepared: {
        pathOf: (files, { type }) => `${files.map(({ path, mtimeMs }) => `${path} ${mtimeMs}`).join()} ${type}`,
        bytesOf: (path) => (world.prepared.has(path) ? GIB : null),
        earlier: () => null,
        makeRoom: async (_bytes, inUse) => {
          if (world.fullDisk) throw new ModeliumError('disk-full', 'no room');
          if (world.tightCache) for (const path of world.prepared) if (!inUse.has(path)) world.prepared.delete(path);
        },
        partOf: (path) => `${path}.part`,
        commit: async (path) => {
          meanwhile('commit');
          if (!world.parts.delete(`${path}.part`)) throw new Error(`nothing was made of ${path}`);
          world.prepared.add(path);
        },
        used: () => {},
        discard: (path) => void world.discarded.push(path),
      },
      trustTable: {
        trusted: () => trusts,
        trust: (row) => void trusts.push(row),
        distrust: ({ modelId, form }) =>
          void trusts.splice(0, trusts.length, ...trusts.filter((row) => row.modelId !== modelId || row.form !== form)),
      },
      codeReader: {
        async read(path, names) {
          world.readings += 1;
          const content = world.code.get(path) ?? '';
          return { hash: content, files: names.map((name) => ({ ...codeIdentity(path, name), preview: content, isCut: false })) };
        },
        unreadable: async (path) => world.shut.get(path) ?? null,
        identities: async (path) => [...filesAt(path), ...(world.unseen.get(path) ?? [])],
      },
    },
    () => ({
      adapter: adapterOf,
      known: () => [
        { name: 'Simulated', preference: () => 0, planner: adapter, enabled: true, found: adapter.found },
        ...(remotes.length > 0
          ? [{ name: 'Remote', preference: () => 0, planner: remoteRuntime, enabled: true, found: remoteRuntime.found }]
          : []),
        ...(options.fakeServer === true
          ? [{ name: 'Fake', preference: () => 0, planner: fakeAdapter, enabled: true, found: fakeAdapter.found }]
          : []),
        ...(options.fakeRemote === true
          ? [{ name: 'Far', preference: () => 0, planner: farAdapter, enabled: true, found: farAdapter.found }]
          : []),
      ],
    }),
  );
  const { devices, orchestrator, catalog, registry, admission, servers } = core;
  /**
   * As the watcher does: everything that lies in the watch folder; null: it cannot be read.
   * @returns takes in a part of it, as one turn does; false: that was the last one.
   */
  function scanInTurns(files: readonly WatchedFile[] | null): () => boolean {
    const found = files?.map(toListing) ?? null;
    for (const listing of found ?? []) listings.set(listing.path, listing);
    if (files !== null) lastFiles = files;
    const scan: FolderScan =
      found === null ? { folder: WATCH_FOLDER, ok: false, message: 'not mounted' } : { folder: WATCH_FOLDER, ok: true, candidates: found };
    return () => catalog.apply(scan);
  }
  function scan(files: readonly WatchedFile[] | null): void {
    const takeIn = scanInTurns(files);
    while (takeIn());
  }
  devices.applySample(takeSample());
  const elsewhere = [remoteRuntime, ...(options.fakeRemote === true ? [farAdapter] : [])];
  servers.follow(elsewhere.flatMap((each) => each.servers ?? []).filter((server) => server.isForeign));

  return {
    remote,
    far,
    /** As an edit of the settings that names none of them does. */
    forgetRemotes: () => servers.follow([]),
    /** As an edit of their settings does. */
    changeRemotes(change: {
      readonly key?: string;
      readonly where?: string;
      readonly settings?: Partial<ReturnType<typeof remoteOf>['settings']>;
    }) {
      const now = remotes.map((each) => ({ ...each, ...change, settings: { ...each.settings, ...change.settings } }));
      servers.follow((remoteAdapter({ remotes: now, about: '' }).servers ?? []).filter((each) => each.isForeign));
    },
    ...core,
    clock,
    simulated,
    trusts,
    codeIdentity,
    rows,
    decisions,
    measurements,
    logged,
    settings,
    others,
    gpuId,
    usedOn,
    world,
    scan,
    scanInTurns,
    ledger,
    /** As the engine does with each of nvidia-smi's rows. */
    sample() {
      devices.applySample(takeSample());
      orchestrator.roomChanged();
    },
    /** A model that lies whole in a watch folder. */
    drop(id: string, bytes: number, who: 'person' | 'content' | null = null, kind: 'file' | 'folder' = 'file') {
      bytesOf.set(id, bytes);
      if (who !== null) admission.want(id, who, clock.now());
      registry.add({
        id,
        aliases: [],
        path: `/${id}`,
        realPath: `/${id}`,
        kind,
        added: false,
        device: 1,
        inode: nextPid++,
        files: [],
      });
    },
    state: (id: string) => registry.get(id)?.state.name ?? 'forgotten',
  };
}

function toListing({ name, inode, version, touchedMs = 0 }: WatchedFile): CandidateListing {
  const path = `${WATCH_FOLDER}/${name}`;
  const files = [{ path: name, bytes: 1000 + version, mtimeMs: version, ctimeMs: touchedMs, inode, device: 1 }];
  return { name, path, realPath: path, kind: 'file', device: 1, inode, files };
}

export type CoreBox = ReturnType<typeof createCoreBox>;
