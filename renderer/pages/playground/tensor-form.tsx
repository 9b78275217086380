/**
 * Tensors in, tensors out: a form made of what the model says that it takes. Numbers and texts are
 * typed, an image is a file whose pixels become the values.
 */
import { useState } from 'react';
import { predictPath } from '../../../shared/api-predict.ts';
import { ModeliumError } from '../../../shared/errors.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { type ServedTensor, tensorInWords } from '../../../shared/tensors.ts';
import { type AnswerOf, ask } from '../../api.ts';
import { AreaField } from '../../ui/area-field.tsx';
import { Button } from '../../ui/button.tsx';
import { ChoiceField } from '../../ui/fields.tsx';
import { FileField } from '../../ui/file-field.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { useAsked } from '../../use-asked.ts';
import { pixelsOf } from './files.ts';
import { oncePerModel, useTyped } from './once.ts';
import { OnceForm } from './once-form.tsx';
import styles from './playground.module.css';
import { RequestPanel } from './request-panel.tsx';
import { TensorResult } from './tensor-result.tsx';
import { type ImageLayout, imageLayout, imageTensor, type Nested, RANGES, type Range, typedTensor, zerosOf } from './tensor-values.ts';

const EMPTY = { title: 'No answer yet', sentence: 'This model takes tensors and answers with tensors: arrays of numbers or texts.' };

type TensorsAnswer = Extract<AnswerOf<'predict'>, { readonly outputs: unknown }>;
const inferring = oncePerModel<TensorsAnswer>();

/** Of typed values; those of an image are too many to be read. */
export function TensorRequest({ modelId }: { readonly modelId: string }) {
  const { answer } = useAsked<'tensorsOfModel'>(`/v2/models/${encodeURIComponent(modelId)}`, []);
  const [typed] = useTypedTensors(modelId);
  const inputs = Object.fromEntries(
    (answer?.inputs ?? []).map((input) => {
      const read = typedTensor(input, typed[input.name] ?? zerosOf(input));
      return [input.name, 'why' in read || imageLayout(input) !== null ? [] : read.value];
    }),
  );
  const images = (answer?.inputs ?? []).filter((input) => imageLayout(input) !== null).map(tensorInWords);
  const gap =
    images.length === 0 ? undefined : `The values of an image are left out: put them in place of [], nested as ${images.join(' and ')}.`;
  return <RequestPanel gap={gap} shown={{ kind: 'json', path: predictPath(modelId), body: { inputs } }} />;
}

/** An input of the form: what is typed, or the image and how its pixels are taken. */
interface Filled {
  readonly typed: string;
  readonly isImage: boolean;
  readonly file: File | null;
  readonly range: Range;
}

interface TensorFormProps {
  readonly model: ModelView;
  readonly inputs: readonly ServedTensor[];
}

export function TensorForm({ model, inputs }: TensorFormProps) {
  const [typed, setTyped] = useTypedTensors(model.id);
  const [images, setImages] = useState<Readonly<Record<string, Partial<Filled>>>>({});
  const filled = (input: ServedTensor): Filled => {
    const usual = { isImage: imageLayout(input) !== null, file: null, range: input.datatype === 'UINT8' ? '0 to 255' : '0 to 1' } as const;
    return { ...usual, ...images[input.name], typed: typed[input.name] ?? zerosOf(input) };
  };
  const isFilled = inputs.some((input) => {
    const { isImage, file, typed: text } = filled(input);
    return isImage ? file !== null : text.trim() !== '';
  });
  const infer = async (signal: AbortSignal): Promise<TensorsAnswer> => {
    const values: Record<string, Nested> = {};
    for (const input of inputs) {
      const value = await sentValue(input, filled(input));
      if (value !== null) values[input.name] = value;
    }
    const answer = await ask<'predict'>('POST', predictPath(model.id), { body: { inputs: values }, signal });
    if ('outputs' in answer) return answer;
    throw new ModeliumError('upstream-failed', `${model.id} answered with no tensors.`);
  };
  return (
    <OnceForm
      empty={EMPTY}
      isFilled={isFilled}
      model={model}
      onAsk={() => void inferring.ask(model.id, infer)}
      onCancel={() => inferring.cancel(model.id)}
      show={(answer) => <TensorResult outputs={answer.outputs} totalMs={answer.timings.total_ms} />}
      state={inferring.use(model.id)}
      verb="Infer"
    >
      {inputs.map((input) => (
        <InputField
          filled={filled(input)}
          input={input}
          key={input.name}
          onImage={(change) => setImages((before) => ({ ...before, [input.name]: { ...before[input.name], ...change } }))}
          onType={(text) => setTyped(input.name, text)}
        />
      ))}
    </OnceForm>
  );
}

/** What is typed for each input of a model; undefined: nobody touched it. */
function useTypedTensors(modelId: string): readonly [Readonly<Record<string, string | undefined>>, (name: string, text: string) => void] {
  const [kept, keep] = useTyped(`tensors of ${modelId}`);
  const all = kept === '' ? {} : (JSON.parse(kept) as Record<string, string>);
  return [all, (name, text) => keep(JSON.stringify({ ...all, [name]: text }))];
}

/** Null: nothing was given, and nothing is sent. */
async function sentValue(input: ServedTensor, { typed, isImage, file, range }: Filled): Promise<Nested | null> {
  const layout = imageLayout(input);
  if (isImage && layout !== null) return file === null ? null : imageTensor(await pixelsOf(file, layout), layout, range);
  if (typed.trim() === '') return null;
  const read = typedTensor(input, typed);
  if ('why' in read) throw new ModeliumError('invalid-body', `${input.name}: ${read.why}`, { param: `inputs.${input.name}` });
  return read.value;
}

interface InputFieldProps {
  readonly input: ServedTensor;
  readonly filled: Filled;
  readonly onType: (text: string) => void;
  readonly onImage: (change: Partial<Filled>) => void;
}

function InputField({ input, filled: { typed, isImage, file, range }, onType, onImage }: InputFieldProps) {
  const layout = imageLayout(input);
  const label = `${input.name}: ${tensorInWords(input)}`;
  const isText = input.datatype === 'BYTES';
  return (
    <div className={styles.input}>
      {layout !== null && (
        <Segmented
          choices={[
            { value: 'image', label: 'Image' },
            { value: 'values', label: 'Values' },
          ]}
          label={`What ${input.name} is made of`}
          onChange={(choice) => onImage({ isImage: choice === 'image' })}
          value={isImage ? 'image' : 'values'}
        />
      )}
      {layout !== null && isImage ? (
        <>
          <FileField accept="image/*" file={file} label={label} onChange={(chosen) => onImage({ file: chosen })} />
          <ChoiceField
            choices={RANGES.map((each) => ({ value: each, label: each }))}
            help={`${sizeInWords(layout)} How a model wants its pixels, only its author knows.`}
            label="Values of a pixel"
            onChange={(chosen) => onImage({ range: RANGES.find((each) => each === chosen) ?? '0 to 1' })}
            value={range}
          />
        </>
      ) : (
        <>
          <AreaField
            className={isText ? undefined : styles.numbers}
            help={isText ? 'One text a line, or lists of texts as JSON.' : 'The values in order, or nested lists as JSON.'}
            label={label}
            lines={2}
            onChange={onType}
            spellCheck={false}
            value={typed}
          />
          {!isText && zerosOf(input) !== '' && (
            <div>
              <Button aria-label={`Zeros for ${input.name}`} look="quiet" onClick={() => onType(zerosOf(input))} small>
                Zeros
              </Button>
            </div>
          )}
        </>
      )}
    </div>
  );
}

function sizeInWords({ width, height }: ImageLayout): string {
  return width === null || height === null ? 'The image keeps its shape.' : `The image is scaled to ${width} x ${height}.`;
}
