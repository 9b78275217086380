/** One key of the settings: its meaning, its value, where the value comes from, and its error. */
import { memo, useId } from 'react';
import { bridge } from '../../bridge.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { WithCode } from '../../ui/with-code.ts';
import { ValueControl } from './controls.tsx';
import { dotted, isSame, keyOf, type Path, valueAt } from './draft.ts';
import { edit, useSettings } from './edits.ts';
import type { Field } from './schema.ts';
import styles from './settings-form.module.css';
import { label, unit, valueInWords } from './words.ts';

interface FieldRowProps {
  readonly field: Field;
  /** Of the key in the file: the field's own, below the model's name for a model. */
  readonly path: Path;
  readonly disabled: boolean;
}

export const FieldRow = memo(function FieldRow({ field, path, disabled: isFormDisabled }: FieldRowProps) {
  const id = useId();
  const key = keyOf(path);
  const given = useSettings((state) => valueAt(state.view?.given ?? {}, path));
  const change = useSettings((state) => state.edits.get(key));
  const refused = useSettings((state) => state.refused.get(key) ?? null);
  const { fallback, control, needsRestart, fileOnly, description } = field;
  const disabled = isFormDisabled || fileOnly;
  const name = path.at(-1) ?? '';
  // A key without anything behind it is as if it were not there.
  const set = change === undefined ? (given ?? undefined) : change.value;
  const problem = change?.problem ?? refused;
  // The default, chosen where the file says nothing, is no change.
  const asEdited = (value: unknown): unknown => (given === undefined && isSame(value, fallback) ? undefined : value);
  return (
    <fieldset aria-labelledby={`${id} ${id}-key`} className={styles.field}>
      <div className={styles.words}>
        <p className={styles.name} id={id}>
          {label(name)}
        </p>
        <code className={styles.key} id={`${id}-key`}>
          {dotted(path)}
        </code>
        <p className={styles.description}>
          <WithCode>{asRead(description)}</WithCode>
        </p>
        <p className={styles.marks}>
          {change !== undefined && (
            <span className={styles.changed}>{change.value === undefined ? texts.settings.goesBack : texts.settings.changed}</span>
          )}
          {given !== undefined && given !== null && <span className={styles.given}>{texts.settings.setInFile}</span>}
          {fallback !== undefined && (
            <span>{texts.settings.defaultIs(fallback === null ? texts.common.automatic : valueInWords(fallback))}</span>
          )}
          {needsRestart && <span>{texts.settings.needsRestart}</span>}
          {fileOnly && <FileOnly />}
          <InForce field={field} path={path} />
        </p>
      </div>
      <div className={styles.control}>
        <ValueControl
          control={control}
          disabled={disabled}
          label={label(name)}
          mayBeEmpty={fallback === undefined || fallback === null}
          onRead={({ value, problem: typo }) => edit({ path, value: asEdited(value), problem: typo })}
          problem={problem}
          unit={unit(name)}
          value={set ?? fallback}
        />
        {problem !== null && (
          <p className={styles.problem} role="alert">
            {problem}
          </p>
        )}
        {set !== undefined && !disabled && (
          <Button
            aria-label={texts.settings.backToDefaultOf(label(name))}
            className={styles.reset}
            variant="quiet"
            onClick={() => edit({ path, value: undefined, problem: null })}
            small
          >
            {texts.settings.backToDefault}
          </Button>
        )}
      </div>
    </fieldset>
  );
});

/** The file says null for what Modelium finds out by itself; a form says it in a word. */
function asRead(description: string): string {
  return description.replace(/\bnull: /, texts.settings.automaticIs);
}

/** Whoever gets hold of this window must not choose the programs that the machine starts. */
function FileOnly() {
  const file = useSettings((state) => state.view?.file ?? null);
  return (
    <>
      <span>{texts.settings.fileOnly}</span>
      {bridge !== null && file !== null && (
        <Button variant="quiet" onClick={() => bridge?.openSettings()} small>
          {texts.settings.openFile}
        </Button>
      )}
    </>
  );
}

/**
 * What the command line said, or what waits for a restart: the engine runs with something else than
 * the file says.
 */
function InForce({ field: { fallback }, path }: Pick<FieldRowProps, 'field' | 'path'>) {
  const given = useSettings((state) => valueAt(state.view?.given ?? {}, path));
  const inForce = useSettings((state) => valueAt(state.view?.settings, path));
  if (inForce === undefined || fallback === undefined || isSame(inForce, given ?? fallback)) return null;
  return <span>{texts.settings.nowInForce(inForce === null ? texts.common.automatic : valueInWords(inForce))}</span>;
}
