/**
 * The store on a real disk: what it keeps over a kill -9, what it does with files that it cannot
 * use.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Measurement, NewDecision, RememberedModel } from '../../main/core/ports.ts';
import type { ProcessRow } from '../../main/core/process-ports.ts';
import { createLedger, DECISIONS_KEPT } from '../../main/io/ledger/ledger.ts';
import { createProcessTable } from '../../main/io/ledger/processes.ts';
import { openDatabase, openStore, type Store } from '../../main/io/ledger/store.ts';
import { TRUSTS_KEPT } from '../../main/io/ledger/trust.ts';
import { createProcesses } from '../../main/io/processes/processes.ts';
import type { Reason } from '../../shared/reason.ts';
import { eventually } from '../helpers/eventually.ts';

const WALL_MS = 1_790_000_000_000;
let folder = '';
const open: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-store-'));
});

afterEach(() => {
  for (const store of open.splice(0)) store.close();
  rmSync(folder, { recursive: true, force: true });
});

function opened(): Store {
  const store = openStore(folder, () => WALL_MS);
  open.push(store);
  return store;
}

function reopened(store: Store): Store {
  store.close();
  open.splice(open.indexOf(store), 1);
  return opened();
}

function decision(modelId: string, sentence = 'It fits.'): NewDecision {
  const because: Reason = { cause: { kind: 'made-room', for: 'other' }, facts: [{ fact: 'note', text: 'measured' }] };
  return { modelId, action: 'load', reason: 'fits', sentence, because, inputs: { free: 1 }, candidates: [] };
}

const measurement: Measurement = {
  modelId: 'a',
  runtime: 'llama',
  planHash: 'h',
  predicted: { cpu: 10 },
  measured: { cpu: 11 },
  loadSeconds: 1.5,
};

const remembered: RememberedModel = {
  id: 'a',
  aliases: ['o/a'],
  path: '/m/a.gguf',
  added: true,
  pinned: true,
  force: false,
  files: [{ path: 'a.gguf', bytes: 5, mtimeMs: 1.5, device: 2, inode: 3 }],
  device: 2,
  inode: 3,
  ended: 'failed',
  failure: { code: 'out-of-memory', message: 'no', attempts: 2 },
};

const row: ProcessRow = {
  launchId: 'l1',
  modelId: 'a',
  command: ['x', '--y'],
  leader: null,
  members: [],
  startedAt: '2026-01-01T00:00:00.000Z',
  bootId: 'b',
};

describe("the devices' last day", () => {
  it('outlives a restart, and what is older than a day goes', () => {
    const store = opened();
    const device = {
      id: 'GPU-0',
      usedBytes: 5,
      othersBytes: 1,
      promisedBytes: 0,
      leakedBytes: 0,
      byModel: { chat: 4 },
      utilizationRatio: 0.5,
      powerWatts: 210.5,
      temperatureCelsius: null,
    };
    const day = 86_400_000;
    for (const atMs of [WALL_MS, WALL_MS + day - 120_000, WALL_MS + day + 1]) store.samples.keep({ atMs, devices: [device] });
    expect(reopened(store).samples.past()).toEqual(
      [WALL_MS + day - 120_000, WALL_MS + day + 1].map((atMs) => ({ atMs, devices: [device] })),
    );
  });
});

describe('the ledger', () => {
  it('keeps decisions and their outcomes over a restart', () => {
    const store = opened();
    const id = store.ledger.decide(decision('a'));
    const outcome = { ok: true, message: 'loaded', predictedBytes: { cpu: 1 }, measuredBytes: null, seconds: 2 };
    store.ledger.settle(id, outcome);
    expect(reopened(store).ledger.decisions({ limit: 10 })).toEqual([
      { ...decision('a'), id, at: new Date(WALL_MS).toISOString(), outcome },
    ]);
  });

  it('answers newest first, by model and by range, without a gap after a row', () => {
    const { ledger } = opened();
    for (let at = 1; at <= 10; at += 1) ledger.decide(decision(at % 2 === 0 ? 'even' : 'odd'));
    const ids = (filter: Parameters<typeof ledger.decisions>[0]) => ledger.decisions(filter).map(({ id }) => id);
    expect(ids({ limit: 3 })).toEqual([10, 9, 8]);
    expect(ids({ limit: 3, beforeId: 5 })).toEqual([4, 3, 2]);
    expect(ids({ limit: 2, modelId: 'even', beforeId: 8 })).toEqual([6, 4]);
    expect(ids({ limit: 9, modelId: 'none' })).toEqual([]);
  });

  it('keeps the newest decisions only, and never gives an id twice', () => {
    const store = opened();
    const file = join(folder, 'modelium.db');
    const other = new DatabaseSync(file);
    other.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${DECISIONS_KEPT + 499})
      INSERT INTO decisions (at, model_id, action, reason, sentence, inputs, candidates) SELECT '', 'm', 'load', '', '', '1', '[]' FROM n`);
    other.close();
    const id = store.ledger.decide(decision('a'));
    expect(id).toBe(DECISIONS_KEPT + 500);
    const all = store.ledger.decisions({ limit: 1e6 });
    expect([all.length, all.at(-1)?.id]).toEqual([DECISIONS_KEPT, 501]);
  });

  it('learns, newest first, and bounds what it keeps of a model', () => {
    const store = opened();
    for (let seconds = 0; seconds < 50; seconds += 1) store.ledger.learn({ ...measurement, loadSeconds: seconds });
    store.ledger.learn({ ...measurement, modelId: 'b' });
    const { ledger } = reopened(store);
    expect(ledger.measurements('a', 'llama', 2).map(({ loadSeconds }) => loadSeconds)).toEqual([49, 48]);
    expect(ledger.measurements('a', 'llama', 1_000)).toHaveLength(32);
    expect(ledger.measurements(null, 'llama', 1)).toEqual([{ ...measurement, modelId: 'b' }]);
    expect(ledger.measurements('a', 'vllm', 1)).toEqual([]);
  });

  it('remembers models, and forgets them', () => {
    const store = opened();
    store.ledger.remember({ ...remembered, pinned: false });
    store.ledger.remember(remembered);
    store.ledger.remember({ ...remembered, id: 'b' });
    const { ledger } = reopened(store);
    ledger.forget('b');
    expect(ledger.remembered()).toEqual([remembered]);
  });
});

describe('the processes table', () => {
  it('is written before the spawn, completed, and erased', () => {
    const store = opened();
    store.processes.intend(row);
    expect(store.processes.rows()).toEqual([row]);
    const leader = { pid: 7, startTime: 8, bootId: 'b' };
    store.processes.record('l1', leader, [leader]);
    const again = reopened(store);
    expect(again.processes.rows()).toEqual([{ ...row, leader, members: [leader] }]);
    again.processes.erase('l1');
    expect(again.processes.rows()).toEqual([]);
  });
});

describe('the file', () => {
  it('is readable by its owner only', () => {
    opened();
    expect(statSync(join(folder, 'modelium.db')).mode & 0o777).toBe(0o600);
  });

  it('settles what an engine that was killed left open, at the next start and once', () => {
    const store = opened();
    const rows = (['load', 'prepare', 'sleep', 'evict', 'refuse'] as const).map((action) =>
      store.ledger.decide({ ...decision('m'), action }),
    );
    const done = { ok: true, message: 'ready', predictedBytes: null, measuredBytes: null, seconds: 1 };
    store.ledger.settle(store.ledger.decide(decision('whole')), done);
    const outcomes = reopened(store).ledger.decisions({ limit: 10 }).toReversed();
    const cutOff = { ...done, ok: false, message: 'cut off: the engine ended', seconds: null };
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([cutOff, cutOff, cutOff, null, null, done]);
    expect(rows).toHaveLength(5);
  });

  it('survives a kill -9 in the middle of writing: every row that was acknowledged is there', async () => {
    const processes = createProcesses();
    const url = new URL('../../main/io/ledger/store.ts', import.meta.url).href;
    const script = `
      const { openStore } = await import(${JSON.stringify(url)});
      const { ledger, processes } = openStore(${JSON.stringify(folder)}, Date.now);
      processes.intend(${JSON.stringify(row)});
      // A loop that never rests would never send what its pipe did not take at once.
      for (;;) {
        console.log(ledger.decide(${JSON.stringify(decision('a', 'x'.repeat(500)))}));
        await new Promise(setImmediate);
      }`;
    const child = await processes.launch({
      command: process.execPath,
      args: ['--input-type=module', '-e', script],
      env: {},
      cwd: null,
      ipc: false,
    });
    let acknowledged = 0;
    child.onLine((line) => {
      acknowledged = Math.max(acknowledged, Number(line) || 0);
    });
    // Also where the rows did not come: a writer that nobody ends fills the disk and the memory.
    await eventually('300 rows', () => acknowledged > 300).finally(() =>
      processes.signal(processes.members(child.pid), 'SIGKILL', child.pid),
    );
    await child.exited;
    const store = opened();
    expect(store.problem).toBeNull();
    const rows = store.ledger.decisions({ limit: 1e6 });
    expect(rows.length).toBeGreaterThanOrEqual(acknowledged);
    expect(rows.map(({ id }) => id)).toEqual(rows.map((_, index) => rows.length - index));
    expect(store.processes.rows()).toEqual([row]);
  });

  it('of a newer version is refused, and left as it is', () => {
    reopened(opened()).close();
    open.length = 0;
    const file = join(folder, 'modelium.db');
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => opened()).toThrow(expect.objectContaining({ code: 'state-unusable', message: expect.stringContaining('version 99') }));
    expect(readdirSync(folder).filter((name) => name.includes('damaged'))).toEqual([]);
  });

  it('that is no database is moved aside, whole, and a new one begun', () => {
    const file = join(folder, 'modelium.db');
    const garbage = Buffer.alloc(8_192, 'not a database ');
    writeFileSync(file, garbage);
    const store = opened();
    const aside = readdirSync(folder).find((name) => name.startsWith('modelium.db.damaged-')) ?? '';
    expect(store.problem).toContain(aside);
    expect(readFileSync(join(folder, aside)).equals(garbage)).toBe(true);
    expect(store.ledger.decide(decision('a'))).toBe(1);
  });

  it('with damaged pages is moved aside when the last engine did not end in order', () => {
    const store = opened();
    for (let at = 0; at < 300; at += 1) store.ledger.decide(decision('a', 'y'.repeat(300)));
    store.close();
    open.length = 0;
    const file = join(folder, 'modelium.db');
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 4_096 * 3, 4_096 * 12);
    writeFileSync(file, bytes);
    writeFileSync(`${file}-wal`, Buffer.alloc(32));
    const next = opened();
    expect(next.problem).toContain('was damaged');
    expect(next.ledger.decisions({ limit: 10 })).toEqual([]);
  });

  /** Fills the table's first page, as a disk does that lost it. */
  function damage(table: string): void {
    const file = join(folder, 'modelium.db');
    const database = new DatabaseSync(file);
    const page = Number(database.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').get(table)?.['rootpage']);
    database.close();
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 4_096 * (page - 1), 4_096 * page);
    writeFileSync(file, bytes);
  }

  it.each(['decisions', 'models', 'processes', 'trusts'])('with damage in %s is moved aside, however the last engine ended', (table) => {
    opened().close();
    open.length = 0;
    damage(table);
    const next = opened();
    expect(next.problem).toContain('was damaged');
    expect(next.ledger.decide(decision('a'))).toBe(1);
  });

  it('with damage that is met later is moved aside at the next start, as is said', () => {
    opened().close();
    open.length = 0;
    damage('samples');
    const store = opened();
    expect(store.problem).toBeNull();
    expect(() => store.samples.past()).toThrow('the next start moves it aside');
    const next = reopened(store);
    expect(next.problem).toContain('was damaged');
    expect(next.samples.past()).toEqual([]);
    expect(reopened(next).problem).toBeNull();
  });

  it('whose rows lost a bit keeps the others', () => {
    const store = opened();
    for (const id of ['a', 'b', 'c']) store.ledger.decide(decision(id));
    store.close();
    open.length = 0;
    const database = new DatabaseSync(join(folder, 'modelium.db'));
    database.exec("UPDATE decisions SET candidates = '[fal\u0001e]' WHERE model_id = 'b'");
    database.exec("INSERT INTO models (id, remembered) VALUES ('x', '{')");
    database.close();
    const next = opened();
    expect(next.ledger.decisions({ limit: 10 }).map(({ modelId }) => modelId)).toEqual(['c', 'a']);
    expect(next.ledger.remembered()).toEqual([]);
  });

  it('whose rows lost a bit in the name of a value says so, and no reader meets half a row', () => {
    const store = opened();
    store.ledger.remember(remembered);
    store.ledger.decide(decision('a'));
    store.ledger.learn(measurement);
    store.trust.trust({ modelId: 'a', form: 'transformers', hash: 'h', files: remembered.files, at: 'x' });
    const leader = { pid: 7, startTime: 8, bootId: 'b' };
    store.processes.intend({ ...row, command: ['llama'], leader, members: [leader] });
    store.close();
    open.length = 0;
    // One bit of a letter each: 0x66 becomes 0x67, and so on.
    const database = new DatabaseSync(join(folder, 'modelium.db'));
    const damaged = (table: string, column: string, from: string, to: string) =>
      database.exec(`UPDATE ${table} SET ${column} = replace(${column}, '${from}', '${to}')`);
    damaged('models', 'remembered', '"files"', '"giles"');
    damaged('decisions', 'because', '"cause"', '"bause"');
    damaged('measurements', 'predicted', '10', '"0"');
    damaged('trusts', 'files', '"path"', '"qath"');
    damaged('processes', 'members', '"pid"', '"qid"');
    damaged('processes', 'command', '"', '!');
    database.close();
    const next = opened();
    expect(next.problem).toContain('1 of 1 rows of pins and registered paths and 1 of 1 rows of trust cannot be read');
    expect(next.ledger.remembered()).toEqual([]);
    expect(next.ledger.decisions({ limit: 10 })).toEqual([]);
    expect(next.ledger.measurements('a', 'llama', 10)).toEqual([]);
    expect(next.trust.trusted()).toEqual([]);
    // Its launch id still finds what runs.
    expect(next.processes.rows()).toEqual([{ ...row, command: [], leader, members: [] }]);
    // Noticed again, it is whole again.
    next.ledger.remember(remembered);
    expect(next.ledger.remembered()).toEqual([remembered]);
  });

  it('that cannot be opened is said', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => openStore(join(folder, 'file', 'sub'), () => 0)).toThrow();
    expect(existsSync(join(folder, 'modelium.db'))).toBe(false);
  });
});

it('says disk-full when nothing more can be written', () => {
  const file = join(folder, 'small.db');
  const database = openDatabase(file);
  const ledger = createLedger(database, file, () => 0);
  const processes = createProcessTable(database, file);
  const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
  database.exec(`PRAGMA max_page_count = ${pages + 2}`);
  const fill = () => {
    for (let at = 0; at < 100; at += 1) ledger.decide(decision('a', 'z'.repeat(2_000)));
  };
  expect(fill).toThrow(expect.objectContaining({ code: 'disk-full', message: expect.stringContaining(file) }));
  const intend = () => {
    for (let at = 0; at < 100; at += 1) processes.intend({ ...row, launchId: String(at), command: ['z'.repeat(2_000)] });
  };
  expect(intend).toThrow(expect.objectContaining({ code: 'disk-full' }));
  expect(ledger.decisions({ limit: 1 })).toHaveLength(1);
  database.close();
});

describe('trust', () => {
  const file = { path: 'a.py', bytes: 5, mtimeMs: 1.5, ctimeMs: 2.5, device: 2, inode: 3 };
  const row = (modelId: string, hash = 'h1') => ({
    modelId,
    form: 'transformers' as const,
    hash,
    files: [file],
    at: '2026-01-01T00:00:00.000Z',
  });

  it('is kept over a restart, written once for the same content, and taken back', () => {
    let store = opened();
    store.trust.trust(row('a'));
    store.trust.trust({ ...row('a'), files: [{ ...file, ctimeMs: 9 }] });
    store.trust.trust(row('b', 'h2'));
    store = reopened(store);
    expect(store.trust.trusted()).toEqual([{ ...row('a'), files: [{ ...file, ctimeMs: 9 }] }, row('b', 'h2')]);
    store.trust.distrust(row('a'));
    store.trust.distrust(row('b', 'another hash'));
    expect(
      reopened(store)
        .trust.trusted()
        .map(({ modelId }) => modelId),
    ).toEqual(['b']);
  });

  it('keeps the newest rows only', () => {
    const { trust } = opened();
    for (let model = 0; model < TRUSTS_KEPT + 5; model += 1) trust.trust(row(`m${model}`));
    const kept = trust.trusted();
    expect(kept).toHaveLength(TRUSTS_KEPT);
    expect(kept[0]?.modelId).toBe('m5');
  });

  it('comes to a file of the version before with its first opening', () => {
    const older = openDatabase(join(folder, 'modelium.db'));
    older.exec(`ALTER TABLE decisions DROP COLUMN because;
      INSERT INTO decisions (at, model_id, action, reason, sentence, inputs, candidates)
      VALUES ('2026-01-01T00:00:00Z', 'old', 'load', 'fits', 'CPU: fits: needs 1 GiB', '{"chosen":0}', '[{"why":"fits","victims":[]}]');
      DROP TABLE trusts; DROP TABLE samples; ALTER TABLE measurements DROP COLUMN reported; PRAGMA user_version = 1;`);
    older.close();
    const store = opened();
    // A decision from before reasons were data has its sentence, and no more.
    const [before] = store.ledger.decisions({ limit: 1 });
    expect(before).toMatchObject({ modelId: 'old', sentence: 'CPU: fits: needs 1 GiB', candidates: [{ why: 'fits' }] });
    expect(before).not.toHaveProperty('because');
    store.trust.trust(row('a'));
    expect(store.trust.trusted()).toHaveLength(1);
  });
});
