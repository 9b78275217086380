/** The form for speech models: turns sound into text. */
import { useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { ask } from '../../api.ts';
import * as texts from '../../texts.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { TextField } from '../../ui/fields.tsx';
import { FileField } from '../../ui/file-field.tsx';
import { Panel } from '../../ui/panel.tsx';
import { oncePerModel, useTyped } from './once.ts';
import { OnceForm } from './once-form.tsx';
import styles from './playground.module.css';
import { transcriptOf } from './read-answers.ts';
import { RequestPanel } from './request-panel.tsx';

const EMPTY = {
  title: texts.speech.empty.title,
  sentence: texts.speech.empty.sentence,
};
const transcribing = oncePerModel<string>();

export function TranscriptRequest({ modelId }: { readonly modelId: string }) {
  return (
    <RequestPanel
      gap={texts.speech.soundGap}
      shown={{ kind: 'speech', path: '/v1/audio/transcriptions', fields: useTranscriptFields(modelId) }}
    />
  );
}

/** The fields of the form, but for the file. */
function useTranscriptFields(modelId: string): Readonly<Record<string, string>> {
  const [typed] = useTyped('language');
  const language = typed.trim();
  return language === '' ? { model: modelId } : { model: modelId, language };
}

export function TranscriptForm({ model }: { readonly model: ModelView }) {
  const [file, setFile] = useState<File | null>(null);
  const [language, setLanguage] = useTyped('language');
  const fields = useTranscriptFields(model.id);
  const transcribe = async (signal: AbortSignal): Promise<string> => {
    const form = new FormData();
    // The model first: the engine need not look for it behind megabytes of sound.
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    if (file !== null) form.append('file', file);
    return transcriptOf(await ask<'transcriptions'>('POST', '/v1/audio/transcriptions', { body: form, signal }));
  };
  return (
    <OnceForm
      empty={EMPTY}
      isFilled={file !== null}
      model={model}
      onAsk={() => void transcribing.ask(model.id, transcribe)}
      onCancel={() => transcribing.cancel(model.id)}
      show={(text) => (
        <Panel
          aside={<CopyButton label={texts.common.copy} variant="quiet" name={texts.speech.copyText} text={() => text} />}
          title={texts.playground.text}
        >
          <p className={styles.transcript}>{text === '' ? texts.speech.nothingSaid : text}</p>
        </Panel>
      )}
      state={transcribing.use(model.id)}
      verb={texts.speech.transcribe}
    >
      <FileField kind="sound" file={file} label={texts.speech.soundFile} onChange={setFile} />
      <TextField help={texts.speech.languageHelp} label={texts.common.language} onChange={setLanguage} value={language} />
    </OnceForm>
  );
}
