/** The ledger's tables: decisions, known models, and measurements of loads. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { BufferBytes, DecisionAction, DecisionOutcome, DecisionRow, RuntimeId } from '../../../shared/decision.ts';
import type { Reason } from '../../../shared/reason.ts';
import type { Ledger, Measurement, RememberedModel } from '../../core/ports.ts';
import { inStore, readableRows } from './errors.ts';
import { isFile, isFlag, isNumber, isText, listOf, objectOf, orNull, parsed, recordOf } from './shapes.ts';

/** Decisions kept (I10): at one a minute, a week. */
export const DECISIONS_KEPT = 10_000;
/** Cut in pieces: each cut costs more than a row. */
const PRUNE_EVERY = 100;
/** Measurements kept for a model on a runtime; the correction looks at the newest few. */
const MEASUREMENTS_KEPT = 32;

type Row = Record<string, SQLOutputValue>;

/** Newest first in every answer. */
export function createLedger(database: DatabaseSync, file: string, wallTime: () => number): Ledger {
  const now = (): string => new Date(wallTime()).toISOString();
  const run = <Result>(work: () => Result): Result => inStore(file, work);
  return { ...decisionsOf(database, now, run), ...measurementsOf(database, now, run), ...modelsOf(database, run) };
}

/** What gets an outcome in its time: nobody is left to tell how these went. */
const SETTLED_LATER = "('load', 'prepare', 'sleep')";

/**
 * An engine that was killed told nothing of what it was doing. @returns how many decisions were
 * open.
 */
export function settleCutOff(database: DatabaseSync): number {
  const outcome: DecisionOutcome = {
    ok: false,
    message: 'cut off: the engine ended',
    predictedBytes: null,
    measuredBytes: null,
    seconds: null,
  };
  const open = database.prepare(`UPDATE decisions SET outcome = ? WHERE outcome IS NULL AND action IN ${SETTLED_LATER}`);
  return Number(open.run(JSON.stringify(outcome)).changes);
}

type Run = <Result>(work: () => Result) => Result;

function decisionsOf(database: DatabaseSync, now: () => string, run: Run): Pick<Ledger, 'decide' | 'settle' | 'decisions'> {
  const insert = database.prepare(
    'INSERT INTO decisions (at, model_id, action, reason, sentence, because, inputs, candidates) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const prune = database.prepare('DELETE FROM decisions WHERE id <= ?');
  const settle = database.prepare('UPDATE decisions SET outcome = ? WHERE id = ?');
  const select = (where: string) => database.prepare(`SELECT * FROM decisions WHERE ${where} id < ? ORDER BY id DESC LIMIT ?`);
  const all = select('');
  const ofModel = select('model_id = ? AND');
  return {
    decide: ({ modelId, action, reason, sentence, because, inputs, candidates }) =>
      run(() => {
        const words = [now(), modelId, action, reason, sentence];
        const data = [because, inputs ?? null, candidates].map((value) => JSON.stringify(value));
        const id = Number(insert.run(...words, ...data).lastInsertRowid);
        if (id % PRUNE_EVERY === 0) prune.run(id - DECISIONS_KEPT);
        return id;
      }),
    settle: (decisionId, outcome) => void run(() => settle.run(JSON.stringify(outcome), decisionId)),
    decisions: ({ modelId, beforeId, limit }) =>
      run(() => {
        const range = [beforeId ?? Number.MAX_SAFE_INTEGER, Math.max(0, limit)];
        const rows = modelId === undefined ? all.all(...range) : ofModel.all(modelId, ...range);
        return readableRows(rows, toDecision);
      }),
  };
}

function measurementsOf(database: DatabaseSync, now: () => string, run: Run): Pick<Ledger, 'learn' | 'measurements'> {
  const insert = database.prepare(
    'INSERT INTO measurements (at, model_id, runtime, plan_hash, predicted, measured, load_seconds, reported) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const prune = database.prepare(
    `DELETE FROM measurements WHERE runtime = ?1 AND model_id = ?2 AND id NOT IN
       (SELECT id FROM measurements WHERE runtime = ?1 AND model_id = ?2 ORDER BY id DESC LIMIT ${MEASUREMENTS_KEPT})`,
  );
  const all = database.prepare('SELECT * FROM measurements WHERE runtime = ? ORDER BY id DESC LIMIT ?');
  const ofModel = database.prepare('SELECT * FROM measurements WHERE runtime = ? AND model_id = ? ORDER BY id DESC LIMIT ?');
  const pairs = database.prepare('SELECT DISTINCT runtime, model_id FROM measurements');
  const keyOf = (runtime: unknown, modelId: unknown): string => `${runtime} ${modelId}`;
  // Hundreds of new models come at once, and each is asked about: the table is not searched for
  // what was never loaded.
  let keys: Set<string> | null = null;
  const measuredKeys = (): Set<string> => (keys ??= new Set(pairs.all().map((row) => keyOf(row['runtime'], row['model_id']))));
  return {
    learn: ({ modelId, runtime, planHash, predicted, measured, loadSeconds, reported }) =>
      run(() => {
        insert.run(
          now(),
          modelId,
          runtime,
          planHash,
          JSON.stringify(predicted),
          JSON.stringify(measured),
          loadSeconds,
          reported === undefined ? null : JSON.stringify(reported),
        );
        measuredKeys().add(keyOf(runtime, modelId));
        prune.run(runtime, modelId);
      }),
    measurements: (modelId, runtime, limit) =>
      run(() => {
        if (modelId === null) return readableRows(all.all(runtime, limit), toMeasurement);
        return measuredKeys().has(keyOf(runtime, modelId)) ? readableRows(ofModel.all(runtime, modelId, limit), toMeasurement) : [];
      }),
  };
}

function modelsOf(database: DatabaseSync, run: Run): Pick<Ledger, 'remember' | 'forget' | 'remembered'> {
  const upsert = database.prepare(
    'INSERT INTO models (id, remembered) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET remembered = excluded.remembered',
  );
  const remove = database.prepare('DELETE FROM models WHERE id = ?');
  const all = database.prepare('SELECT remembered FROM models ORDER BY id');
  return {
    remember: (model) => void run(() => upsert.run(model.id, JSON.stringify(model))),
    forget: (modelId) => void run(() => remove.run(modelId)),
    remembered: () => run(() => readableRows(all.all(), (row) => parsed(row['remembered'], isRemembered))),
  };
}

const isSomething = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isAnything = (_: unknown): _ is unknown => true;
const isReason = objectOf<Reason>({ cause: isSomething, facts: listOf(isSomething) });
/** Rows of earlier versions have other values in it. */
const isCandidate = objectOf<DecisionRow['candidates'][number]>({});
const isOutcome = objectOf<DecisionOutcome>({ ok: isFlag, message: isText });
const isBuffers = objectOf<BufferBytes>({ modelBytes: isNumber, kvBytes: isNumber, computeBytes: isNumber });
const isFailure = objectOf<NonNullable<RememberedModel['failure']>>({ code: isText, message: isText, attempts: isNumber });
const isRemembered = objectOf<RememberedModel>({
  id: isText,
  aliases: listOf(isText),
  path: isText,
  added: isFlag,
  pinned: isFlag,
  force: isFlag,
  files: listOf(isFile),
  device: isNumber,
  inode: isNumber,
  ended: orNull(isText),
  failure: orNull(isFailure),
});

function toDecision(row: Row): DecisionRow {
  return {
    id: Number(row['id']),
    at: String(row['at']),
    modelId: String(row['model_id']),
    action: row['action'] as DecisionAction,
    reason: String(row['reason']),
    sentence: String(row['sentence']),
    ...(row['because'] === null ? {} : { because: parsed(row['because'], isReason) }),
    inputs: parsed(row['inputs'], isAnything),
    candidates: parsed(row['candidates'], listOf(isCandidate)),
    outcome: row['outcome'] === null ? null : parsed(row['outcome'], isOutcome),
  };
}

function toMeasurement(row: Row): Measurement {
  return {
    modelId: String(row['model_id']),
    runtime: row['runtime'] as RuntimeId,
    planHash: String(row['plan_hash']),
    predicted: parsed(row['predicted'], recordOf(isNumber)),
    measured: parsed(row['measured'], recordOf(isNumber)),
    loadSeconds: Number(row['load_seconds']),
    ...(row['reported'] === null ? {} : { reported: parsed(row['reported'], isBuffers) }),
  };
}
