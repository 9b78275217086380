/** One device: what it is, who holds its memory now, the last ten minutes, and what its sensors say. */
import { memo } from 'react';
import type { DeviceView } from '../../../shared/snapshot.ts';
import { bytesInWords, gibibytes, percent } from '../../../shared/units.ts';
import { HistoryChart } from '../../components/history-chart.tsx';
import { Legend, MemoryBar } from '../../components/memory-bar.tsx';
import { segmentsOf, takenBytes } from '../../components/segments.ts';
import { useLoadingModels } from '../../store.ts';
import { Panel } from '../../ui/panel.tsx';
import styles from './box-page.module.css';

export const DeviceCard = memo(function DeviceCard({ device }: { readonly device: DeviceView }) {
  const segments = segmentsOf(device, useLoadingModels());
  const title = device.kind === 'gpu' ? `GPU ${device.index ?? ''}` : 'CPU and memory';
  return (
    <Panel className={styles.card}>
      <header className={styles.head}>
        <h2>{title}</h2>
        <span className={styles.name}>{device.name}</span>
        <span className={styles.figure}>
          {gibibytes(takenBytes(segments))} / {gibibytes(device.totalBytes)} GiB
        </span>
      </header>
      <MemoryBar name={title} segments={segments} totalBytes={device.totalBytes} />
      <Legend segments={segments} />
      <HistoryChart device={device} />
      <div className={styles.facts}>
        {factsOf(device).map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
      </div>
    </Panel>
  );
});

function factsOf(device: DeviceView): readonly string[] {
  const { utilizationRatio, temperatureCelsius, powerWatts, availableBytes, reservedBytes, kind } = device;
  return [
    ...(utilizationRatio === null ? [] : [`${kind === 'gpu' ? 'busy' : 'processors busy'} ${percent(utilizationRatio)}`]),
    ...(temperatureCelsius === null ? [] : [`${Math.round(temperatureCelsius)} °C`]),
    ...(powerWatts === null ? [] : [`${Math.round(powerWatts)} W`]),
    `a new model may take ${bytesInWords(Math.max(0, availableBytes))}`,
    ...(reservedBytes > 0 ? [`${bytesInWords(reservedBytes)} kept free`] : []),
  ];
}
