/**
 * The form for tensor models, built from the model's description of its inputs. Numbers and texts
 * are typed; an image is a file whose pixels become the values.
 */
import { predictPath } from '../../../shared/api-predict.ts';
import { ModeliumError } from '../../../shared/errors.ts';
import { type ImageLayout, imageLayout } from '../../../shared/image-layout.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { type ServedTensor, tensorInWords } from '../../../shared/tensors.ts';
import { type AnswerOf, ask } from '../../api.ts';
import * as texts from '../../texts.ts';
import { AreaField } from '../../ui/area-field.tsx';
import { Button } from '../../ui/button.tsx';
import { ChoiceField } from '../../ui/fields.tsx';
import { FileField } from '../../ui/file-field.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { oncePerModel } from './once.ts';
import { OnceForm } from './once-form.tsx';
import styles from './playground.module.css';
import { RequestPanel } from './request-panel.tsx';
import { type Filled, isGiven, sentInputs, shownInputs, takesImage, useFilled } from './tensor-inputs.ts';
import { TensorResult } from './tensor-result.tsx';
import { RANGES, zerosOf } from './tensor-values.ts';

const EMPTY = { title: texts.tensors.empty.title, sentence: texts.tensors.empty.sentence };

type TensorsAnswer = Extract<AnswerOf<'predict'>, { readonly outputs: unknown }>;
const inferring = oncePerModel<TensorsAnswer>();

/** @param inputs null: not known yet. */
export function TensorRequest({ modelId, inputs }: { readonly modelId: string; readonly inputs: readonly ServedTensor[] | null }) {
  const [filledOf] = useFilled(modelId);
  const shown = shownInputs(inputs ?? [], filledOf);
  return <RequestPanel gap={shown.gap} shown={{ kind: 'json', path: predictPath(modelId), body: { inputs: shown.inputs } }} />;
}

interface TensorFormProps {
  readonly model: ModelView;
  readonly inputs: readonly ServedTensor[];
}

export function TensorForm({ model, inputs }: TensorFormProps) {
  const [filledOf, fill] = useFilled(model.id);
  const infer = async (signal: AbortSignal): Promise<TensorsAnswer> => {
    const body = { inputs: await sentInputs(inputs, filledOf) };
    const answer = await ask<'predict'>('POST', predictPath(model.id), { body, signal });
    if ('outputs' in answer) return answer;
    throw new ModeliumError('upstream-failed', texts.tensors.noTensors(model.id));
  };
  return (
    <OnceForm
      empty={EMPTY}
      isFilled={inputs.some((input) => isGiven(filledOf(input)))}
      model={model}
      onAsk={() => void inferring.ask(model.id, infer)}
      onCancel={() => inferring.cancel(model.id)}
      show={(answer) => <TensorResult outputs={answer.outputs} totalMs={answer.timings.total_ms} />}
      state={inferring.use(model.id)}
      verb={texts.tensors.infer}
    >
      {inputs.map((input) => (
        <InputField filled={filledOf(input)} input={input} key={input.name} onFill={(change) => fill(input.name, change)} />
      ))}
    </OnceForm>
  );
}

interface InputFieldProps {
  readonly input: ServedTensor;
  readonly filled: Filled;
  readonly onFill: (change: Partial<Filled>) => void;
}

function InputField({ input, filled: { typed, isImage, file, range }, onFill }: InputFieldProps) {
  const layout = imageLayout(input);
  const label = `${input.name}: ${tensorInWords(input)}`;
  const isText = input.datatype === 'BYTES';
  return (
    <div className={styles.input}>
      {takesImage(input) && (
        <Segmented
          choices={[
            { value: 'image', label: texts.forms.image },
            { value: 'values', label: texts.tensors.values },
          ]}
          label={texts.tensors.madeOf(input.name)}
          onChange={(choice) => onFill({ isImage: choice === 'image' })}
          value={isImage ? 'image' : 'values'}
        />
      )}
      {isImage && input.image === true ? (
        <FileField kind="image" file={file} label={label} onChange={(chosen) => onFill({ file: chosen })} />
      ) : layout !== null && isImage ? (
        <>
          <FileField kind="image" file={file} label={label} onChange={(chosen) => onFill({ file: chosen })} />
          <ChoiceField
            choices={RANGES.map((each) => ({ value: each, label: texts.tensors.ranges[each] }))}
            help={`${sizeInWords(layout)} ${texts.tensors.pixelFormat}`}
            label={texts.tensors.valuesOfPixel}
            onChange={(chosen) => onFill({ range: RANGES.find((each) => each === chosen) ?? 'unit' })}
            value={range}
          />
        </>
      ) : (
        <>
          <AreaField
            className={isText ? undefined : styles.numbers}
            help={isText ? texts.tensors.textsHelp : texts.tensors.valuesHelp}
            label={label}
            lines={2}
            onChange={(text) => onFill({ typed: text })}
            spellCheck={false}
            value={typed}
          />
          {!isText && zerosOf(input) !== '' && (
            <div>
              <Button
                aria-label={texts.tensors.zerosFor(input.name)}
                variant="quiet"
                onClick={() => onFill({ typed: zerosOf(input) })}
                small
              >
                {texts.tensors.zeros}
              </Button>
            </div>
          )}
        </>
      )}
    </div>
  );
}

function sizeInWords({ width, height }: ImageLayout): string {
  return width === null || height === null ? texts.tensors.keepsShape : texts.tensors.isScaled(width, height);
}
