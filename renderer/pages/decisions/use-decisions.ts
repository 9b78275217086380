/**
 * Fetches the rows of the page: the newest ones, again after each new decision or finished load,
 * and older ones on request. While the user has scrolled down, new rows wait, so that the text does
 * not move.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { DecisionRow } from '../../../shared/decision.ts';
import { toModeliumError } from '../../../shared/errors.ts';
import { ask } from '../../api.ts';
import { onOpening } from '../../link.ts';
import { useWindow } from '../../store.ts';
import { useAgain } from '../../use-asked.ts';

const PAGE = 50;
/**
 * After a break with more, the list begins again: what lies between comes with "older", as what is
 * older does.
 */
const MOST_NEW = 1_000;
/** Further down than this, the person reads. */
const AT_TOP_PX = 40;

interface Newest {
  readonly rows: readonly DecisionRow[];
  /** They reach back to what is known. */
  readonly goesOn: boolean;
}

interface Decisions {
  /** Null before the first answer. */
  readonly rows: readonly DecisionRow[] | null;
  /** New rows that are held back. */
  readonly waiting: number;
  readonly hasOlder: boolean;
  readonly trouble: string | null;
  showWaiting(): void;
  loadOlder(): void;
}

export function useDecisions(model: string | null): Decisions {
  const [known, setKnown] = useState<readonly DecisionRow[] | null>(null);
  /** The newest row that is shown. */
  const [shownId, setShownId] = useState(0);
  const [hasOlder, setHasOlder] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const signal = `${useSignal()} ${useOpenings()}`;
  const asked = useRef<string | null | undefined>(undefined);
  const newestId = useRef<number | undefined>(undefined);

  useAgain(
    (leaving) => {
      const isOther = asked.current !== model;
      asked.current = model;
      if (isOther) setKnown(null);
      readNewest(model, isOther ? null : (newestId.current ?? null), leaving)
        .then(({ rows: newest, goesOn }) => {
          newestId.current = newest[0]?.id;
          setTrouble(null);
          setKnown((before) => merged(goesOn ? before : null, newest));
          if (!goesOn) setHasOlder(newest.length >= PAGE);
          const isReading = !isOther && (document.getElementById('main')?.scrollTop ?? 0) > AT_TOP_PX;
          if (!isReading) setShownId(newest[0]?.id ?? 0);
        })
        .catch((thrown: unknown) => {
          if (!leaving.aborted) setTrouble(toModeliumError(thrown).message);
        });
    },
    [model, signal],
  );

  const loadOlder = useCallback(() => {
    const oldest = known?.at(-1)?.id;
    if (oldest === undefined) return;
    read(model, oldest, new AbortController().signal)
      .then((older) => {
        // Of a model that was shown before.
        if (asked.current !== model) return;
        setKnown((before) => merged(before, older));
        setHasOlder(older.length === PAGE);
      })
      .catch((thrown: unknown) => setTrouble(toModeliumError(thrown).message));
  }, [known, model]);

  const rows = known?.filter(({ id }) => id <= shownId) ?? null;
  return {
    rows,
    waiting: (known?.length ?? 0) - (rows?.length ?? 0),
    hasOlder,
    trouble,
    showWaiting: () => {
      setShownId(known?.[0]?.id ?? 0);
      document.getElementById('main')?.scrollTo({ top: 0 });
    },
    loadOlder,
  };
}

/**
 * How often the link stood again: what was decided meanwhile, or could not be read, is read then.
 */
function useOpenings(): number {
  const [count, setCount] = useState(0);
  useEffect(() => onOpening(() => setCount((before) => before + 1)), []);
  return count;
}

/**
 * Other than before when a decision was made, or when a model's state moved: outcomes are written
 * then.
 */
function useSignal(): string {
  return useWindow(({ snapshot }) => {
    if (snapshot === null) return '';
    return `${snapshot.lastDecisionId} ${snapshot.models.map(({ id, state }) => `${id}:${state}`).join()}`;
  });
}

/**
 * The newest page, and more where so much was decided since that it does not reach back to what is
 * known.
 */
async function readNewest(model: string | null, knownId: number | null, signal: AbortSignal): Promise<Newest> {
  const rows = [...(await read(model, null, signal))];
  if (knownId === null) return { rows, goesOn: false };
  for (let isWhole = rows.length < PAGE; ; ) {
    const oldest = rows.at(-1)?.id ?? 0;
    if (isWhole || oldest <= knownId) return { rows, goesOn: true };
    if (rows.length >= MOST_NEW) return { rows, goesOn: false };
    const older = await read(model, oldest, signal);
    rows.push(...older);
    isWhole = older.length < PAGE;
  }
}

async function read(model: string | null, before: number | null, signal: AbortSignal): Promise<readonly DecisionRow[]> {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (model !== null) query.set('model', model);
  if (before !== null) query.set('before', String(before));
  return (await ask<'decisions'>('GET', `/control/decisions?${query}`, { signal })).decisions;
}

/** Each row once, the later reading of it, newest first. */
function merged(before: readonly DecisionRow[] | null, read: readonly DecisionRow[]): readonly DecisionRow[] {
  const byId = new Map([...(before ?? []), ...read].map((row) => [row.id, row]));
  return [...byId.values()].sort((first, second) => second.id - first.id);
}
