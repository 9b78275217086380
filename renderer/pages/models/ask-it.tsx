/** Code to copy that sends a request to the model. */
import { useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { isNoModel } from '../../components/state-chip.tsx';
import { useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import styles from './model-drawer.module.css';
import { samplesOf } from './samples.ts';
import { Section } from './section.tsx';

const LANGUAGES = [
  { value: 'curl', label: texts.program.curl },
  { value: 'python', label: texts.program.python },
] as const;

export function AskIt({ model }: { readonly model: ModelView }) {
  const address = useWindow((state) => state.snapshot?.address);
  const [language, setLanguage] = useState<'curl' | 'python'>('curl');
  const samples =
    address === undefined || model.profile === null || isNoModel(model) ? null : samplesOf(address, model.id, model.profile.kind);
  if (samples === null) return null;
  return (
    <Section title={texts.program.title}>
      <div className={styles.codeHead}>
        <Segmented choices={LANGUAGES} label={texts.common.language} onChange={setLanguage} value={language} />
        <CopyButton
          label={texts.common.copy}
          name={texts.program.copy(language === 'curl' ? texts.program.curlCommand : texts.program.pythonLines)}
          text={() => samples[language]}
        />
      </div>
      <ScrollBox as="pre" className={styles.code} label={language === 'curl' ? texts.program.curlCommand : texts.program.pythonLines}>
        {samples[language]}
      </ScrollBox>
    </Section>
  );
}
