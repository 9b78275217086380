/** The controls of the page Logs: which log, which lines, and how they are shown. */

import { go } from '../../route.ts';
import * as texts from '../../texts.ts';
import { ChoiceField, SwitchField, TextField } from '../../ui/fields.tsx';
import { LEVELS, type Level } from './log-filter.ts';
import styles from './logs-page.module.css';

/** Null: the engine's own log. */
export interface LogChoice {
  readonly model: string | null;
  readonly label: string;
}

interface LogToolbarProps {
  readonly choices: readonly LogChoice[];
  readonly model: string | null;
  readonly typed: string;
  readonly level: Level;
  /** `12 of 1,480`. */
  readonly count: string;
  readonly wraps: boolean;
  readonly follows: boolean;
  readonly onTyped: (typed: string) => void;
  readonly onLevel: (level: Level) => void;
  readonly onWraps: (wraps: boolean) => void;
  readonly onFollows: (follows: boolean) => void;
}

export function LogToolbar({ choices, model, typed, level, onLevel, count, wraps, follows, onTyped, onWraps, onFollows }: LogToolbarProps) {
  return (
    <div className={styles.bar}>
      <ChoiceField
        choices={choices.map((choice) => ({ value: choice.model ?? '', label: choice.label }))}
        hideLabel
        label={texts.common.log}
        onChange={(chosen) => go('logs', chosen === '' ? null : chosen)}
        value={model ?? ''}
      />
      <ChoiceField
        choices={LEVELS.map((each) => ({ value: each, label: texts.logs.levels[each] }))}
        hideLabel
        label={texts.logs.level}
        onChange={(chosen) => onLevel(LEVELS.find((each) => each === chosen) ?? 'all')}
        value={level}
      />
      <TextField
        hideLabel
        label={texts.logs.filter}
        onChange={onTyped}
        placeholder={texts.logs.filterPlaceholder}
        type="search"
        value={typed}
      />
      <div className={styles.switches}>
        <span className={styles.count}>{count}</span>
        <SwitchField checked={wraps} label={texts.logs.wrap} onChange={onWraps} />
        <SwitchField checked={follows} label={texts.logs.follow} onChange={onFollows} />
      </div>
    </div>
  );
}
