/**
 * The controls of a plan: context, parallel requests, place and runtime. Each shows where its value
 * comes from.
 */
import type { ReactNode } from 'react';
import type { Candidate, LaunchWish, OwnLaunch } from '../../../shared/decision.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords, MIB } from '../../../shared/units.ts';
import { useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { type Choice, ChoiceField, NumberField } from '../../ui/fields.tsx';
import { type LaunchKey, launchValue, sourceOf } from './launch.ts';
import styles from './plan-controls.module.css';

interface ControlsProps {
  readonly model: ModelView;
  readonly wish: LaunchWish;
  readonly own: OwnLaunch;
  /** Whose values hold where nobody said anything. */
  readonly best: Candidate | null;
  readonly onChange: (part: LaunchWish) => void;
}

const CONTEXT_STEP = 256;
/** Of a model that does not say what it was made for. */
const LONGEST_UNKNOWN = 32_768;
const MOST_SIDE_BY_SIDE = 64;
/** Runtimes that work on as many requests at once as they are told. */
const TAKES_PARALLEL: ReadonlySet<string> = new Set(['llama', 'vllm']);
const READS_ONLY: ReadonlySet<string> = new Set(['embedding', 'reranker', 'classifier']);

export function PlanControls({ model, wish, own, best, onChange }: ControlsProps) {
  const row = (key: LaunchKey) => ({ own, wish, name: key, onAutomatic: () => onChange({ [key]: null }) });
  const context = launchValue('context', wish, own) ?? best?.plan.contextTokens ?? 0;
  const parallel = launchValue('parallel', wish, own) ?? best?.plan.parallelSequences ?? 1;
  const longest = Math.max(model.profile?.contextLength ?? LONGEST_UNKNOWN, context);
  const isWritten = context > 0 && model.profile !== null;
  const hasParallel = isWritten && TAKES_PARALLEL.has(best?.plan.runtime ?? '') && !READS_ONLY.has(model.profile.kind);
  const memoryMb = launchValue('memory_mb', wish, own);
  return (
    <div className={styles.controls}>
      {isWritten && (
        <Row {...row('context')}>
          <NumberField
            label={texts.plan.context}
            max={longest}
            min={Math.min(CONTEXT_STEP, longest)}
            onChange={(value) => onChange({ context: Math.round(value) })}
            step={Math.min(CONTEXT_STEP, longest)}
            value={context}
          />
        </Row>
      )}
      {hasParallel && (
        <Row {...row('parallel')}>
          <NumberField
            label={texts.plan.sideBySide}
            max={Math.max(MOST_SIDE_BY_SIDE, parallel)}
            min={1}
            onChange={(value) => onChange({ parallel: Math.round(value) })}
            step={1}
            value={parallel}
          />
        </Row>
      )}
      <div className={styles.pair}>
        <Place {...row('gpus')} onChange={onChange} />
        <Runtime {...row('runtime')} onChange={onChange} />
      </div>
      {memoryMb !== null && (
        <Row {...row('memory_mb')}>
          <p>{texts.plan.calculatedWith(bytesInWords(memoryMb * MIB))}</p>
        </Row>
      )}
    </div>
  );
}

interface RowProps {
  readonly name: LaunchKey;
  readonly wish: LaunchWish;
  readonly own: OwnLaunch;
  readonly onAutomatic: () => void;
}

/** @param saysAutomatic the field itself says so. */
function Row({
  name,
  wish,
  own,
  onAutomatic,
  saysAutomatic = false,
  children,
}: RowProps & { readonly saysAutomatic?: boolean; readonly children: ReactNode }) {
  const source = sourceOf(name, wish, own);
  if (saysAutomatic && source === 'automatic') return <div className={styles.row}>{children}</div>;
  return (
    <div className={styles.row}>
      {children}
      <div className={styles.source}>
        <span className={classes(source === 'tried' && styles.tried)}>{texts.plan.sources[source]}</span>
        {source !== 'automatic' && (
          <Button aria-label={texts.plan.makeAutomatic(texts.plan.values[name])} variant="plain" onClick={onAutomatic} small>
            {texts.common.automatic}
          </Button>
        )}
      </div>
    </div>
  );
}

const ANY = 'any';
const NO_GPU = 'none';

function Place({ onChange, ...row }: RowProps & { readonly onChange: ControlsProps['onChange'] }) {
  const gpus = useWindow((state) => state.snapshot?.devices)?.filter(({ kind }) => kind === 'gpu') ?? [];
  if (gpus.length === 0) return null;
  const chosen = launchValue('gpus', row.wish, row.own);
  // A group of several is chosen in the settings; here it is shown, and kept.
  const value = chosen === null ? ANY : chosen.length === 0 ? NO_GPU : chosen.map(String).join(', ');
  const choices: readonly Choice[] = [
    { value: ANY, label: texts.common.automatic },
    ...gpus.map(({ index, id }) => ({ value: String(index ?? id), label: texts.common.gpu(index ?? id) })),
    ...pairs(gpus.flatMap(({ index }) => index ?? [])).map((group) => ({
      value: group.join(', '),
      label: texts.plan.gpus(group.join(', ')),
    })),
    { value: NO_GPU, label: texts.plan.cpuOnly },
  ];
  const known = choices.some((choice) => choice.value === value) ? choices : [...choices, { value, label: texts.plan.gpus(value) }];
  const choose = (next: string): void => {
    const gpuNames = next.split(', ').map((name) => (/^\d+$/.test(name) ? Number(name) : name));
    onChange({ gpus: next === ANY ? null : next === NO_GPU ? [] : gpuNames });
  };
  return (
    <Row {...row} saysAutomatic>
      <ChoiceField choices={known} label={texts.plan.place} onChange={choose} value={value} />
    </Row>
  );
}

/** Neighbours, as large as the brain itself makes groups: 2, 4, 8. */
function pairs(indexes: readonly number[]): readonly (readonly number[])[] {
  return [2, 4, 8].flatMap((size) =>
    indexes.flatMap((_, at) => (at % size === 0 && at + size <= indexes.length ? [indexes.slice(at, at + size)] : [])),
  );
}

function Runtime({ onChange, ...row }: RowProps & { readonly onChange: ControlsProps['onChange'] }) {
  const runtimes = useWindow((state) => state.snapshot?.runtimes) ?? [];
  const value = launchValue('runtime', row.wish, row.own) ?? ANY;
  const there = runtimes.filter(({ enabled, found, id }) => (enabled && found) || id === value);
  const choices = [{ value: ANY, label: texts.common.automatic }, ...there.map(({ id }) => ({ value: id, label: id }))];
  return (
    <Row {...row} saysAutomatic>
      <ChoiceField
        choices={choices}
        label={texts.common.runtime}
        onChange={(next) => onChange({ runtime: next === ANY ? null : next })}
        value={value}
      />
    </Row>
  );
}
