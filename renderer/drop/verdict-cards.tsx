/**
 * The cards of dropped items: what each is, where it goes and why. A card stays until it has been
 * read.
 */

import { useState } from 'react';
import { COMING_STATES } from '../../shared/model.ts';
import type { ModelView } from '../../shared/snapshot.ts';
import { bytesInWords, secondsInWords } from '../../shared/units.ts';
import { mainDevices, useDeviceNames } from '../components/device-name.ts';
import { MainAction } from '../components/main-action-button.tsx';
import { isInTrouble, StateChip } from '../components/state-chip.tsx';
import { go } from '../route.ts';
import { useModel } from '../store.ts';
import * as texts from '../texts.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { LongText } from '../ui/long-text.tsx';
import { WithCode } from '../ui/with-code.ts';
import { cancel, type Drop, dismiss, dismissAll, useDrops } from './drops.ts';
import styles from './verdict-cards.module.css';

export function VerdictCards() {
  const drops = useDrops((state) => state.drops);
  return (
    <>
      {/* In the page from its start: what comes together with its region is announced by no reader. */}
      <div className="visually-hidden" data-testid="verdicts-said" role="status">
        {drops.map((drop) => (
          <Announcement drop={drop} key={drop.key} />
        ))}
      </div>
      {drops.length > 0 && <Stack drops={drops} />}
    </>
  );
}

/**
 * The card in a sentence, as far as it is worth interrupting somebody: verdicts, and not each step
 * of a copy or a load.
 */
function Announcement({ drop }: { readonly drop: Drop }) {
  const model = useModel(drop.modelId);
  const nameOf = useDeviceNames();
  if (drop.refusal !== null) return <p>{`${drop.name}: ${drop.refusal.message} ${drop.refusal.hint}`}</p>;
  if (model === undefined || COMING_STATES.has(model.state)) return null;
  return <p>{`${drop.name}: ${model.state === 'ready' ? readyWords(model, nameOf) : [model.message, model.help ?? ''].join(' ')}`}</p>;
}

function Stack({ drops }: { readonly drops: readonly Drop[] }) {
  return (
    <section aria-label={texts.drop.cards} className={styles.stack}>
      {drops.length > 1 && (
        <Button className={styles.all} onClick={dismissAll} small>
          {texts.drop.dismissAll(drops.length)}
        </Button>
      )}
      <ul className={styles.list}>
        {drops.map((drop) => (
          <Card drop={drop} key={drop.key} />
        ))}
      </ul>
    </section>
  );
}

function Card({ drop }: { readonly drop: Drop }) {
  const model = useModel(drop.modelId);
  // The engine's answer may be here before its first event of the model.
  const [wasSeen, setSeen] = useState(false);
  if (model !== undefined && !wasSeen) setSeen(true);
  return (
    <li className={styles.card}>
      <header className={styles.head}>
        <h2 title={drop.path}>{drop.name}</h2>
        {model !== undefined && <StateChip model={model} />}
        <IconButton icon="close" label={texts.drop.dismiss(drop.name)} onClick={() => dismiss(drop.key)} small />
      </header>
      {drop.refusal !== null ? (
        <Refused drop={drop} />
      ) : model === undefined ? (
        <NotYet drop={drop} wasSeen={wasSeen} />
      ) : (
        <Followed drop={drop} model={model} />
      )}
    </li>
  );
}

function NotYet({ drop, wasSeen }: { readonly drop: Drop; readonly wasSeen: boolean }) {
  if (wasSeen) return <p>{texts.drop.gone}</p>;
  return (
    <>
      <p>{drop.path === '' ? texts.drop.beingCopied : texts.drop.reading}</p>
      <div className={styles.foot}>
        <Button aria-label={texts.drop.cancel(drop.name)} onClick={() => cancel(drop)} small>
          {texts.common.cancel}
        </Button>
      </div>
    </>
  );
}

function Refused({ drop }: { readonly drop: Drop }) {
  return (
    <>
      <LongText className={styles.bad} text={drop.refusal?.message ?? ''} />
      <p className={styles.help}>
        <WithCode>{drop.refusal?.hint ?? ''}</WithCode>
      </p>
    </>
  );
}

function Followed({ model, drop }: { readonly model: ModelView; readonly drop: Drop }) {
  const nameOf = useDeviceNames();
  const { state, message, help, profile } = model;
  const isTrouble = isInTrouble(model);
  return (
    <>
      {profile !== null && (
        <p className={styles.what}>
          {[profile.kind, profile.architecture, profile.quantization, bytesInWords(profile.weightBytes)].filter(Boolean).join(' · ')}
        </p>
      )}
      {drop.isKnown && <p className={styles.help}>{texts.drop.isHereAlready(model.id)}</p>}
      <LongText className={isTrouble ? styles.bad : undefined} text={state === 'ready' ? readyWords(model, nameOf) : message} />
      {help !== null && (
        <p className={styles.help}>
          <WithCode>{help}</WithCode>
        </p>
      )}
      <CardActions dropKey={drop.key} model={model} />
    </>
  );
}

function readyWords({ runtime, devices, loadSeconds }: ModelView, nameOf: (id: string) => string): string {
  const where = mainDevices(devices).map(nameOf).join(' + ');
  return texts.drop.ready(runtime, where, loadSeconds === null ? null : secondsInWords(loadSeconds));
}

function CardActions({ model, dropKey }: { readonly model: ModelView; readonly dropKey: number }) {
  const { id, state } = model;
  const leaveTo = (page: 'models' | 'playground'): void => {
    dismiss(dropKey);
    go(page, id);
  };
  return (
    <div className={styles.foot}>
      <Button variant="quiet" onClick={() => leaveTo('models')} small>
        {texts.common.details}
      </Button>
      {state === 'ready' ? (
        <Button variant="primary" onClick={() => leaveTo('playground')} small>
          {texts.common.tryIt}
        </Button>
      ) : (
        <MainAction model={model} />
      )}
    </div>
  );
}
