/**
 * The settings as a form, built from their schema: sections, search and fields. Says why it is
 * read-only, if it is.
 */

import { useEffect, useMemo, useState } from 'react';
import type { SettingsView } from '../../../shared/api-settings.ts';
import { byName } from '../../by-name.ts';
import { address } from '../../route.ts';
import { useModels } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { ChoiceField, TextField } from '../../ui/fields.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Empty, Panel } from '../../ui/panel.tsx';
import { dotted, type Path, valueAt } from './draft.ts';
import { useSettings } from './edits.ts';
import { FieldRow } from './field-row.tsx';
import { SaveBar } from './save-bar.tsx';
import { type Field, type Schema, type Section, sectionsOf } from './schema.ts';
import styles from './settings-form.module.css';
import { label, title } from './words.ts';

/** What people come for, in this order; the rest is folded away. */
const FIRST = ['orchestration', 'models', 'llama', 'gpus', 'host', 'api'];

interface SettingsFormProps {
  readonly view: SettingsView;
  /** The section to go to; null: none. */
  readonly subject: string | null;
  /** Why nothing can be edited; null: it can. */
  readonly whyReadOnly: string | null;
}

export function SettingsForm({ view, subject, whyReadOnly }: SettingsFormProps) {
  const readOnly = whyReadOnly !== null;
  const [sought, setSought] = useState('');
  const [isUnfolded, setUnfolded] = useState(false);
  const sections = useMemo(() => sectionsOf(view.schema as Schema), [view.schema]);
  const isRare = ({ key }: Section): boolean => !FIRST.includes(key);
  const common = FIRST.flatMap((key) => sections.filter((section) => section.key === key));
  const rare = sections.filter(isRare);
  const showsRare = isUnfolded || sought !== '' || rare.some(({ key }) => key === subject);
  const shown = [...common, ...(showsRare ? rare : [])].map((section) => withSought(section, sought)).filter((section) => section !== null);
  useEffect(() => {
    const place = subject === null ? null : document.getElementById(`section-${subject}`);
    place?.scrollIntoView();
    // The next Tab goes on from there.
    place?.focus({ preventScroll: true });
  }, [subject]);
  const link = ({ key }: Section) => (
    <a aria-current={key === subject ? 'true' : undefined} href={address('settings', key)} key={key}>
      {title(key)}
    </a>
  );
  return (
    <>
      <div className={styles.form}>
        <nav aria-label={texts.settings.sections} className={styles.side}>
          {common.map(link)}
          <button aria-expanded={showsRare} className={styles.more} onClick={() => setUnfolded(!isUnfolded)} type="button">
            {texts.settings.more}
            <Icon name={showsRare ? 'down' : 'chevron'} size={14} />
          </button>
          {showsRare && rare.map(link)}
        </nav>
        <div className={styles.content}>
          <TextField
            hideLabel
            label={texts.settings.find}
            onChange={setSought}
            placeholder={texts.settings.findPlaceholder}
            type="search"
            value={sought}
          />
          {shown.map((section) => (
            <SectionPanel key={section.key} readOnly={readOnly} section={section} />
          ))}
          {shown.length === 0 && (
            <Panel>
              <Empty
                action={<Button onClick={() => setSought('')}>{texts.settings.showEvery}</Button>}
                icon="search"
                title={texts.settings.noMatch}
              >
                {texts.settings.noneHas(sought)}
              </Empty>
            </Panel>
          )}
        </div>
      </div>
      <SaveBar whyReadOnly={whyReadOnly} fallbackOf={(path) => fallbackIn(view.schema as Schema, path)} />
    </>
  );
}

function fallbackIn(schema: Schema, path: Path): unknown {
  return valueAt(schema, [...path.flatMap((key) => ['properties', key]), 'default']);
}

/** Only the fields that have the words; null: none has. */
function withSought(section: Section, sought: string): Section | null {
  const words = sought.trim().toLowerCase();
  if (words === '') return section;
  const has = (field: Field): boolean =>
    `${dotted(field.path)} ${label(field.path.at(-1) ?? '')} ${field.description}`.toLowerCase().includes(words);
  const groups = section.groups.map((group) => ({ ...group, fields: group.fields.filter(has) })).filter(({ fields }) => fields.length > 0);
  const each = section.each?.filter(has) ?? null;
  return groups.length === 0 && (each === null || each.length === 0) ? null : { ...section, groups, each };
}

function SectionPanel({ section, readOnly }: { readonly section: Section; readonly readOnly: boolean }) {
  const { key, description, groups, each } = section;
  return (
    <div className={styles.section} id={`section-${key}`} tabIndex={-1}>
      <Panel title={title(key)}>
        <p className={styles.lead}>{description}</p>
        {groups.map((group) => (
          <div className={groups.length > 1 ? styles.group : undefined} key={dotted(group.path)}>
            {groups.length > 1 && <h3 className={styles.groupHead}>{group.description}</h3>}
            {group.fields.map((field) => (
              <FieldRow disabled={readOnly} field={field} key={dotted(field.path)} path={field.path} />
            ))}
          </div>
        ))}
        {each !== null && <EachName fields={each} readOnly={readOnly} section={key} />}
      </Panel>
    </div>
  );
}

interface EachNameProps {
  readonly section: string;
  readonly fields: readonly Field[];
  readonly readOnly: boolean;
}

/** Settings of one model, or of another thing that has a name: the person says of which. */
function EachName({ section, fields, readOnly }: EachNameProps) {
  const isModels = section === 'models';
  const models = useModels();
  const given = useSettings((state) => valueAt(state.view?.given ?? {}, [section]));
  const edits = useSettings((state) => state.edits);
  const inFile = Object.keys(given ?? {});
  const edited = [...edits.values()].filter(({ path }) => path[0] === section).map(({ path }) => path[1] ?? '');
  const names = [...new Set([...inFile, ...edited, ...(isModels ? models.map(({ id }) => id) : [])])].sort(byName);
  const [chosen, setChosen] = useState<string | null>(null);
  const name = chosen ?? edited[0] ?? inFile[0] ?? null;
  if (names.length === 0) return <p>{isModels ? texts.settings.noModel : texts.settings.noName}</p>;
  return (
    <>
      <ChoiceField
        choices={names.map((each) => ({ value: each, label: inFile.includes(each) ? texts.settings.inFile(each) : each }))}
        label={isModels ? texts.common.model : texts.settings.name}
        onChange={setChosen}
        placeholder={isModels ? texts.settings.chooseModel : texts.settings.chooseName}
        value={name}
      />
      {name !== null && (
        <div className={styles.group}>
          {fields.map((field) => (
            <EachField field={field} key={`${name} ${dotted(field.path)}`} name={name} readOnly={readOnly} section={section} />
          ))}
        </div>
      )}
    </>
  );
}

function EachField({ section, name, field, readOnly }: { section: string; name: string; field: Field; readOnly: boolean }) {
  const path = useMemo(() => [section, name, ...field.path], [section, name, field.path]);
  return <FieldRow disabled={readOnly} field={field} path={path} />;
}
