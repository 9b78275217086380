/**
 * The parameters of the next answers. A parameter that the user did not touch is not sent, so the
 * defaults of engine and runtime apply.
 */
import type { SamplingAdvice } from '../../../shared/profile.ts';
import * as texts from '../../texts.ts';
import { AreaField } from '../../ui/area-field.tsx';
import { Button } from '../../ui/button.tsx';
import { NumberField, SwitchField, TextField } from '../../ui/fields.tsx';
import { Panel } from '../../ui/panel.tsx';
import { setParameters, useParameters } from './conversation.ts';
import styles from './playground.module.css';
import { DEFAULTS, isDefault, isSeed, type Parameters, USUAL_MAX_TOKENS } from './request.ts';

/** Where the sliders stand while nothing is sent: llama.cpp's own values. */
const USUAL = { temperature: 0.8, topP: 0.95 };
/** Enough for a book's chapter; a longer answer is a matter for the API. */
const MOST_TOKENS = 32_768;
const NOT_SENT = texts.parameters.notSent;

interface ParametersProps {
  /** A model's id, or COMPARED. */
  readonly of: string;
  readonly requestKind: 'chat' | 'text';
  /** In tokens; null: not known. */
  readonly context?: number | null;
  /** What the model's author has it drawn with. */
  readonly advice?: SamplingAdvice | undefined;
}

export function ParametersPanel({ of, requestKind, context = null, advice }: ParametersProps) {
  const parameters = useParameters(of);
  const { system, temperature, topP, maxTokens, seed, stop } = parameters;
  const set = (change: Partial<Parameters>): void => setParameters(of, change);
  return (
    <Panel
      aside={
        <Button disabled={isDefault(parameters)} variant="quiet" onClick={() => set(DEFAULTS)} small>
          {texts.parameters.reset}
        </Button>
      }
      title={texts.playground.parameters}
    >
      <div className={styles.fields}>
        {requestKind === 'chat' && (
          <AreaField
            help={texts.parameters.systemHelp}
            label={texts.parameters.system}
            lines={2}
            onChange={(value) => set({ system: value })}
            value={system}
          />
        )}
        {advice !== undefined && <Advised advice={advice} onTake={set} parameters={parameters} />}
        <NumberField
          help={temperature === null ? NOT_SENT : texts.parameters.temperatureHelp}
          label={texts.parameters.temperature}
          max={2}
          min={0}
          onChange={(value) => set({ temperature: value })}
          step={0.05}
          usual={{ at: advice?.temperature ?? USUAL.temperature, onClear: () => set({ temperature: null }) }}
          value={temperature}
        />
        <NumberField
          help={topP === null ? NOT_SENT : texts.parameters.topPHelp}
          label={texts.parameters.topP}
          max={1}
          min={0.05}
          onChange={(value) => set({ topP: value })}
          step={0.05}
          usual={{ at: advice?.topP ?? USUAL.topP, onClear: () => set({ topP: null }) }}
          value={topP}
        />
        <Limit context={context ?? MOST_TOKENS} maxTokens={maxTokens} set={set} />
        <TextField
          help={isSeed(seed) ? texts.parameters.seedHelp : texts.parameters.seedIsWrong}
          invalid={!isSeed(seed)}
          label={texts.parameters.seed}
          onChange={(value) => set({ seed: value.trim() })}
          value={seed}
        />
        <AreaField
          help={texts.parameters.stopHelp}
          label={texts.common.stop}
          onChange={(value) => set({ stop: value })}
          spellCheck={false}
          value={stop}
        />
      </div>
    </Panel>
  );
}

interface AdvisedProps {
  readonly advice: SamplingAdvice;
  readonly parameters: Parameters;
  readonly onTake: (change: Partial<Parameters>) => void;
}

/** Some runtimes hold to it by themselves, others have values of their own: taken, it is sent. */
function Advised({ advice: { temperature, topP }, parameters, onTake }: AdvisedProps) {
  const wanted = { temperature: temperature ?? parameters.temperature, topP: topP ?? parameters.topP };
  const isTaken = wanted.temperature === parameters.temperature && wanted.topP === parameters.topP;
  const values = [
    temperature === null ? null : texts.parameters.temperatureOf(temperature),
    topP === null ? null : texts.parameters.topPOf(topP),
  ];
  return (
    <div className={styles.advice}>
      <span className={styles.hint}>{texts.parameters.advised(values.filter((each) => each !== null).join(texts.parameters.and))}</span>
      <Button disabled={isTaken} onClick={() => onTake(wanted)} small>
        {texts.parameters.useThese}
      </Button>
    </div>
  );
}

interface LimitProps {
  readonly maxTokens: number | null;
  readonly context: number;
  readonly set: (change: Partial<Parameters>) => void;
}

function Limit({ maxTokens, context, set }: LimitProps) {
  return (
    <>
      <SwitchField
        checked={maxTokens === null}
        help={texts.parameters.noLimitHelp}
        label={texts.parameters.noLimit}
        onChange={(checked) => set({ maxTokens: checked ? null : USUAL_MAX_TOKENS })}
      />
      {maxTokens !== null && (
        <NumberField
          help={texts.parameters.limitHelp}
          label={texts.parameters.limit}
          max={Math.max(USUAL_MAX_TOKENS, Math.min(context, MOST_TOKENS))}
          min={1}
          onChange={(value) => set({ maxTokens: Math.round(value) })}
          step={1}
          value={maxTokens}
        />
      )}
    </>
  );
}
