/**
 * The machine in five figures: memory, power, tokens a second, requests, and the room for a new
 * model.
 */
import type { ReactNode } from 'react';
import type { DeviceView } from '../../../shared/snapshot.ts';
import { gibibytes, speedInWords } from '../../../shared/units.ts';
import { segmentsOf, takenBytes } from '../../components/segments.ts';
import { useLoadingModels, useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import styles from './box-page.module.css';
import { largestRoom, roomInWords } from './room.ts';

export function SummaryStrip({ gpus, hosts }: { readonly gpus: readonly DeviceView[]; readonly hosts: readonly DeviceView[] }) {
  const tokens = useWindow((state) => state.snapshot?.tokensPerSecond ?? 0);
  const inFlight = useWindow((state) => state.snapshot?.models.reduce((sum, model) => sum + model.inFlight, 0) ?? 0);
  const waiting = useWindow((state) => state.snapshot?.models.reduce((sum, model) => sum + model.waiting, 0) ?? 0);
  const shown = gpus.length > 0 ? gpus : hosts;
  const loading = useLoadingModels();
  // As the rows below count it: two figures of one thing must not differ.
  const used = shown.reduce((sum, device) => sum + takenBytes(segmentsOf(device, loading)), 0);
  const total = shown.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
  const watts = gpus.flatMap(({ powerWatts }) => powerWatts ?? []);
  const room = largestRoom(gpus) ?? largestRoom(hosts);
  return (
    <dl className={styles.strip}>
      <Figure
        name={gpus.length > 0 ? texts.box.gpuMemory : texts.common.memory}
        unit={texts.box.ofTotal(gibibytes(total))}
        value={gibibytes(used)}
      />
      {watts.length > 0 && (
        <Figure
          name={texts.box.power}
          unit={texts.box.watts}
          value={Math.round(watts.reduce((sum, each) => sum + each, 0)).toLocaleString('en')}
        />
      )}
      <Figure name={texts.common.writing} unit={texts.common.tokensPerSecond} value={speedInWords(tokens)} />
      <Figure name={texts.common.requests} unit={texts.box.runningAndQueued(waiting)} value={String(inFlight)} />
      {room !== null && (
        <div className={styles.tile}>
          <dt>{texts.box.roomForNewModel}</dt>
          <dd className={styles.words}>{gpus.length > 0 ? roomInWords(room) : texts.common.sizeInGibibytes(gibibytes(room.oneBytes))}</dd>
        </div>
      )}
    </dl>
  );
}

function Figure({ name, value, unit }: { readonly name: string; readonly value: string; readonly unit: ReactNode }) {
  return (
    <div className={styles.tile}>
      <dt>{name}</dt>
      <dd>
        <span className={styles.number}>{value}</span> <span className={styles.unit}>{unit}</span>
      </dd>
    </div>
  );
}
