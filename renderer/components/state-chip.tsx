/** Shows a model's state by symbol, word and figure, never by colour alone. */
import type { StateName } from '../../shared/model.ts';
import type { ModelView } from '../../shared/snapshot.ts';
import { bytesInWords, clockSpan, percent } from '../../shared/units.ts';
import { useFreedBytes } from '../freed.ts';
import { sinceReceived, useNow } from '../now.ts';
import * as texts from '../texts.ts';
import { classes } from '../ui/classes.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import styles from './state-chip.module.css';

type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'rest';

const CHIPS: Readonly<Record<StateName, { readonly word: string; readonly glyph: IconName; readonly tone: Tone }>> = {
  discovered: { word: texts.states.discovered, glyph: 'search', tone: 'busy' },
  settling: { word: texts.states.settling, glyph: 'drop', tone: 'busy' },
  analyzed: { word: texts.states.analyzed, glyph: 'search', tone: 'busy' },
  blocked: { word: texts.states.blocked, glyph: 'warning', tone: 'warn' },
  preparing: { word: texts.states.preparing, glyph: 'half', tone: 'busy' },
  queued: { word: texts.states.queued, glyph: 'clock', tone: 'busy' },
  loading: { word: texts.states.loading, glyph: 'half', tone: 'busy' },
  ready: { word: texts.states.ready, glyph: 'check', tone: 'good' },
  asleep: { word: texts.states.asleep, glyph: 'sleep', tone: 'rest' },
  draining: { word: texts.states.draining, glyph: 'eject', tone: 'busy' },
  unloaded: { word: texts.states.unloaded, glyph: 'ring', tone: 'rest' },
  failed: { word: texts.states.failed, glyph: 'error', tone: 'bad' },
};

/**
 * A text, an archive, a model of a kind that no runtime here knows: each says in its sentence
 * which.
 */
const NO_MODEL = { word: texts.states.noModel, glyph: 'file', tone: 'rest' } as const;

/**
 * What lies among the models and is none that anything here could serve: no trouble, and nothing to
 * be tried again.
 */
export function isNoModel({ state, blockedReason }: ModelView): boolean {
  return state === 'blocked' && blockedReason === 'not-servable';
}

/** States that a person should look at. */
export function isInTrouble(model: ModelView): boolean {
  return model.state === 'failed' || (model.state === 'blocked' && !isNoModel(model));
}

export function stateWord(state: StateName): string {
  return CHIPS[state].word;
}

export function StateChip({ model }: { readonly model: ModelView }) {
  const { word, glyph, tone } = isNoModel(model) ? NO_MODEL : CHIPS[model.state];
  const spins = model.state === 'loading' || model.state === 'preparing';
  const ratio = progressOf(model);
  return (
    <span className={classes(styles.chip, styles[tone])} title={model.message}>
      <span className={classes(styles.glyph, spins && styles.spins)}>
        <Icon name={glyph} size={12} />
      </span>
      <span>{word}</span>
      <Figure model={model} ratio={ratio} />
      {ratio !== null && <span className={styles.progress} style={{ transform: `scaleX(${ratio})` }} />}
    </span>
  );
}

/** 0..1 of a copy, a preparation or a load; null: not told. */
export function progressOf({ state, copy, progress }: ModelView): number | null {
  if (state !== 'settling') return state === 'loading' || state === 'preparing' ? progress : null;
  const expected = copy?.bytesExpected ?? null;
  return copy === null || expected === null || expected === 0 ? null : Math.min(0.99, copy.bytesPresent / expected);
}

function Figure({ model, ratio }: { readonly model: ModelView; readonly ratio: number | null }) {
  const freedBytes = useFreedBytes(model.id);
  if (ratio !== null) return <span className={styles.figure}>{percent(ratio)}</span>;
  if (model.state === 'ready' && model.inFlight > 0) return <span className={styles.figure}>{texts.states.running(model.inFlight)}</span>;
  if (model.state === 'ready' && model.idleMs !== null) return <Idle idleMs={model.idleMs} model={model} />;
  if (model.state === 'unloaded' && freedBytes !== null)
    return <span className={styles.figure}>{texts.states.freed(bytesInWords(freedBytes))}</span>;
  return null;
}

function Idle({ model, idleMs }: { readonly model: ModelView; readonly idleMs: number }) {
  const now = useNow();
  return <span className={styles.figure}>{texts.states.idle(clockSpan(idleMs + sinceReceived(model, now)))}</span>;
}
