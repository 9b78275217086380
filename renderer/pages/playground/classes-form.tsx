/** The form for classifiers: the classes of texts or of an image, with their probabilities. */
import { useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { ask } from '../../api.ts';
import * as texts from '../../texts.ts';
import { AreaField } from '../../ui/area-field.tsx';
import { FileField } from '../../ui/file-field.tsx';
import { Panel } from '../../ui/panel.tsx';
import { dataAddress } from './files.ts';
import { oncePerModel, useTyped } from './once.ts';
import { OnceForm } from './once-form.tsx';
import styles from './playground.module.css';
import { type Classified, classesOf } from './read-answers.ts';
import { type Body, textsOf } from './request.ts';
import { RequestPanel } from './request-panel.tsx';
import { Table } from './table.tsx';

/** More classes than this are no table for a person. */
const CLASSES_SHOWN = 20;
const EMPTY = {
  title: texts.classes.empty.title,
  sentence: texts.classes.empty.sentence,
};

interface Result {
  readonly inputs: readonly string[];
  readonly classified: readonly Classified[];
}
const classifying = oncePerModel<Result>();

export function ClassesRequest({ modelId, isOfImages }: { readonly modelId: string; readonly isOfImages: boolean }) {
  const gap = isOfImages ? texts.classes.imageGap : undefined;
  return <RequestPanel gap={gap} shown={{ kind: 'json', path: '/classify', body: useClassesBody(modelId, isOfImages) }} />;
}

function useClassesBody(modelId: string, isOfImages: boolean): Body {
  const [typed] = useTyped('texts-to-classify');
  const [labels] = useTyped('classes');
  const wished = textsOf(labels);
  const input = isOfImages ? ['data:image/png;base64,...'] : textsOf(typed);
  return { model: modelId, input, labels: wished.length === 0 ? undefined : wished };
}

export function ClassesForm({ model, isOfImages }: { readonly model: ModelView; readonly isOfImages: boolean }) {
  const [typed, setTyped] = useTyped('texts-to-classify');
  const [labels, setLabels] = useTyped('classes');
  const [file, setFile] = useState<File | null>(null);
  const body = useClassesBody(model.id, isOfImages);
  const inputs = isOfImages ? (file === null ? [] : [file.name]) : textsOf(typed);
  const classify = async (signal: AbortSignal): Promise<Result> => {
    const input = file !== null && isOfImages ? [await dataAddress(file)] : inputs;
    return { inputs, classified: classesOf(await ask<'classify'>('POST', '/classify', { body: { ...body, input }, signal })) };
  };
  return (
    <OnceForm
      empty={EMPTY}
      isFilled={inputs.length > 0}
      model={model}
      onAsk={() => void classifying.ask(model.id, classify)}
      onCancel={() => classifying.cancel(model.id)}
      show={(result) => <ClassesResult {...result} />}
      state={classifying.use(model.id)}
      verb={texts.classes.classify}
    >
      {isOfImages ? (
        <FileField kind="image" file={file} label={texts.forms.image} onChange={setFile} />
      ) : (
        <AreaField help={texts.forms.oneTextALine} label={texts.classes.textsToClassify} lines={3} onChange={setTyped} value={typed} />
      )}
      <AreaField help={texts.classes.classesHelp} label={texts.classes.classes} onChange={setLabels} value={labels} />
    </OnceForm>
  );
}

function ClassesResult({ inputs, classified }: Result) {
  return classified.map(({ classes }, at) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the results of one request never change places.
    <Panel key={at} title={<span className={styles.text}>{inputs[at] ?? texts.classes.text(at + 1)}</span>}>
      <Table
        head={[texts.classes.class, texts.classes.probability]}
        label={texts.classes.classesOf(inputs[at] ?? texts.classes.unnamedText(at + 1))}
        numbersFrom={1}
        rows={classes.slice(0, CLASSES_SHOWN).map(({ label, probability }) => ({
          key: label,
          cells: [label, probability === null ? texts.common.notTold : probability.toFixed(4)],
        }))}
      />
      {classes.length > CLASSES_SHOWN && <p className={styles.hint}>{texts.classes.andMore(classes.length - CLASSES_SHOWN)}</p>}
    </Panel>
  ));
}
