/** The form for speech models: turns sound into text. */
import { useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { ask } from '../../api.ts';
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
  title: 'Nothing was transcribed yet',
  sentence: 'This model writes down what is said in a sound file.',
};
const transcribing = oncePerModel<string>();

export function TranscriptRequest({ modelId }: { readonly modelId: string }) {
  return (
    <RequestPanel
      gap="Put your sound in place of sound.wav."
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
        <Panel aside={<CopyButton label="Copy" variant="quiet" name="Copy the text" text={() => text} />} title="Text">
          <p className={styles.transcript}>{text === '' ? 'Nothing is said in it.' : text}</p>
        </Panel>
      )}
      state={transcribing.use(model.id)}
      verb="Transcribe"
    >
      <FileField kind="sound" file={file} label="Sound file" onChange={setFile} />
      <TextField
        help="Two letters, such as en or de. Empty: the model detects it."
        label="Language"
        onChange={setLanguage}
        value={language}
      />
    </OnceForm>
  );
}
