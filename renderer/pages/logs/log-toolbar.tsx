/** Which log, which of its lines, and how they are shown. */

import { go } from '../../route.ts';
import { ChoiceField, SwitchField, TextField } from '../../ui/fields.tsx';
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
  /** `12 of 1,480`. */
  readonly count: string;
  readonly wraps: boolean;
  readonly follows: boolean;
  readonly onTyped: (typed: string) => void;
  readonly onWraps: (wraps: boolean) => void;
  readonly onFollows: (follows: boolean) => void;
}

export function LogToolbar({ choices, model, typed, count, wraps, follows, onTyped, onWraps, onFollows }: LogToolbarProps) {
  return (
    <div className={styles.bar}>
      <ChoiceField
        choices={choices.map((choice) => ({ value: choice.model ?? '', label: choice.label }))}
        hideLabel
        label="Log"
        onChange={(chosen) => go('logs', chosen === '' ? null : chosen)}
        value={model ?? ''}
      />
      <TextField hideLabel label="Filter" onChange={onTyped} placeholder="Filter: text, or this|that" type="search" value={typed} />
      <div className={styles.switches}>
        <span className={styles.count}>{count}</span>
        <SwitchField checked={wraps} label="Wrap" onChange={onWraps} />
        <SwitchField checked={follows} label="Follow" onChange={onFollows} />
      </div>
    </div>
  );
}
