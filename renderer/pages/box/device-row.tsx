/**
 * One device in a row: what it is, who holds its memory, its load and temperature; its history when
 * the row is opened.
 */
import { memo, useState } from 'react';
import type { DeviceView } from '../../../shared/snapshot.ts';
import { bytesInWords, gibibytes, percent } from '../../../shared/units.ts';
import type { Measure } from '../../components/chart-series.ts';
import { Legend, MemoryBar } from '../../components/memory-bar.tsx';
import { segmentsOf, takenBytes } from '../../components/segments.ts';
import type { Span } from '../../history.ts';
import { later } from '../../later.tsx';
import { useLoadingModels } from '../../store.ts';
import * as texts from '../../texts.ts';
import { IconButton } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { Icon } from '../../ui/icon.tsx';
import styles from './box-page.module.css';

/** From here on a GPU is warm enough to say so, and slows itself down not far above. */
const WARM_CELSIUS = 80;
const HOT_CELSIUS = 88;
const BUSY_RATIO = 0.9;

/** What draws it is a tenth of the first load; its place is as large before it is there. */
const HistoryChart = later(
  async () => (await import('../../components/history-chart.tsx')).HistoryChart,
  (words) => <div className={styles.chart}>{words}</div>,
);

interface RowProps {
  readonly device: DeviceView;
  readonly span: Span;
  /** Its past is shown from the beginning: there are few of them. */
  readonly opened: boolean;
}

export const DeviceRow = memo(function DeviceRow({ device, span, opened }: RowProps) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const isOpen = chosen ?? opened;
  const segments = segmentsOf(device, useLoadingModels());
  const title = device.kind === 'gpu' ? texts.common.gpu(device.index ?? '') : texts.device.host;
  return (
    <section aria-label={title} className={styles.device}>
      <div className={styles.row}>
        <header className={styles.title}>
          <h2>{title}</h2>
          <span className={styles.name} title={device.name}>
            {shortName(device.name)}
          </span>
        </header>
        <div className={styles.memory}>
          <MemoryBar name={title} segments={segments} totalBytes={device.totalBytes} />
          <Legend segments={segments} />
        </div>
        <span className={styles.figure}>{texts.device.takenOfTotal(gibibytes(takenBytes(segments)), gibibytes(device.totalBytes))}</span>
        <Load ratio={device.utilizationRatio} />
        <Temperature celsius={device.temperatureCelsius} />
        <span className={styles.sensor}>{device.powerWatts === null ? '' : texts.common.watts(Math.round(device.powerWatts))}</span>
        <IconButton
          aria-expanded={isOpen}
          className={classes(styles.opener, isOpen && styles.isOpen)}
          icon="chevron"
          label={texts.device.past(isOpen, title)}
          onClick={() => setChosen(!isOpen)}
          small
        />
      </div>
      {isOpen && <Past device={device} span={span} />}
    </section>
  );
});

/** `NVIDIA GeForce RTX 4090` is RTX 4090 where there is little room. */
function shortName(name: string): string {
  return name
    .replace(/^Simulated /, '')
    .replace(/^NVIDIA /, '')
    .replace(/^GeForce /, '');
}

function Load({ ratio }: { readonly ratio: number | null }) {
  if (ratio === null) return <span className={styles.sensor} />;
  return (
    <span className={styles.sensor}>
      <span aria-hidden="true" className={styles.meter}>
        <span className={ratio >= BUSY_RATIO ? styles.busy : undefined} style={{ transform: `scaleX(${ratio})` }} />
      </span>
      <span className={styles.percent}>{percent(ratio)}</span>
      <span className="visually-hidden"> {texts.device.busy}</span>
    </span>
  );
}

function Temperature({ celsius }: { readonly celsius: number | null }) {
  if (celsius === null) return <span className={styles.sensor} />;
  const level = celsius >= HOT_CELSIUS ? 'hot' : celsius >= WARM_CELSIUS ? 'warm' : null;
  const word = level === null ? null : texts.device[level];
  return (
    <span
      className={classes(styles.sensor, level === 'hot' && styles.hot, level === 'warm' && styles.warm)}
      title={word === null ? undefined : texts.device.isHotOrWarm(word)}
    >
      {word !== null && <Icon name="warning" size={12} />}
      {texts.device.celsius(Math.round(celsius))}
      {word !== null && <span className="visually-hidden"> {word}</span>}
    </span>
  );
}

function Past({ device, span }: { readonly device: DeviceView; readonly span: Span }) {
  const { availableBytes, reservedBytes, utilizationRatio, temperatureCelsius, powerWatts } = device;
  const measures: readonly Measure[] = [
    'memory',
    ...(utilizationRatio === null ? [] : (['load'] as const)),
    ...(temperatureCelsius === null ? [] : (['temperature'] as const)),
    ...(powerWatts === null ? [] : (['power'] as const)),
  ];
  return (
    <div className={styles.past}>
      <div className={styles.charts}>
        {measures.map((measure) => (
          <HistoryChart device={device} key={measure} measure={measure} span={span} />
        ))}
      </div>
      <p className={styles.facts}>
        {texts.device.room(bytesInWords(Math.max(0, availableBytes)), reservedBytes > 0 ? bytesInWords(reservedBytes) : null)}
      </p>
    </div>
  );
}
