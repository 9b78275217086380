/**
 * The numbers that a chart of a device draws: its memory in layers, or the values of one of its
 * sensors. Pure but for the history that it reads.
 */
import type { AlignedData } from 'uplot';
import { bytesInWords, gibibytes } from '../../shared/units.ts';
import { byName } from '../by-name.ts';
import { type DevicePoint, history, type Moment, type Span } from '../history.ts';
import * as texts from '../texts.ts';
import { colourOf } from './colours.ts';

export type Measure = 'memory' | 'load' | 'temperature' | 'power';

/** A layer of a stack, or the one line of a sensor. */
export interface Layer {
  readonly key: string;
  readonly label: string;
  readonly colour: string;
  value(point: DevicePoint): number | null;
}

interface MeasureStyle {
  readonly title: string;
  /** With its unit, as a person reads it. */
  words(value: number): string;
  /** Beside an axis whose unit is in the title. */
  axis(value: number): string;
}

export const MEASURES: Readonly<Record<Measure, MeasureStyle>> = {
  memory: { title: texts.chart.memory, words: bytesInWords, axis: gibibytes },
  load: { title: texts.chart.load, words: (value) => texts.chart.loadPercent(Math.round(value)), axis: String },
  temperature: { title: texts.chart.temperature, words: (value) => texts.device.celsius(Math.round(value)), axis: String },
  power: { title: texts.chart.power, words: (value) => texts.common.watts(Math.round(value)), axis: (value) => String(Math.round(value)) },
};

const SENSORS: Readonly<Record<Exclude<Measure, 'memory'>, (point: DevicePoint) => number | null>> = {
  load: ({ utilizationRatio }) => (utilizationRatio === null ? null : utilizationRatio * 100),
  temperature: ({ temperatureCelsius }) => temperatureCelsius,
  power: ({ powerWatts }) => powerWatts,
};

export function layersOf(id: string, measure: Measure, span: Span): readonly Layer[] {
  if (measure !== 'memory') return [{ key: measure, label: MEASURES[measure].title, colour: '--data-1', value: SENSORS[measure] }];
  const models = new Set<string>();
  let leaks = false;
  for (const { devices } of history(span)) {
    const point = devices.get(id);
    if (point === undefined) continue;
    for (const [model, bytes] of Object.entries(point.byModel)) if (bytes > 0) models.add(model);
    leaks ||= point.leakedBytes > 0;
  }
  const held = [...models]
    .sort(byName)
    .map((model): Layer => ({ key: model, label: model, colour: colourOf(model), value: ({ byModel }) => byModel[model] ?? 0 }));
  const others: Layer = { key: 'others', label: texts.chart.others, colour: '--data-others', value: ({ othersBytes }) => othersBytes };
  const leak: Layer = { key: 'leak', label: texts.chart.leak, colour: '--data-leak', value: ({ leakedBytes }) => leakedBytes };
  return [...held, others, ...(leaks ? [leak] : [])];
}

/** Each layer on top of those before it; a moment in which the device was away is a gap. */
export function stacked(id: string, layers: readonly Layer[], moments: readonly Moment[]): AlignedData {
  const sums = moments.map(() => 0);
  const rows = layers.map((layer) =>
    moments.map(({ devices }, index) => {
      const point = devices.get(id);
      const value = point === undefined || point.usedBytes === null ? null : layer.value(point);
      if (value === null) return null;
      sums[index] = (sums[index] ?? 0) + value;
      return sums[index] ?? null;
    }),
  );
  return [moments.map(({ atMs }) => atMs / 1000), ...rows];
}

/**
 * `12:04:31 · chat 4.2 GiB, others 300 MiB`: one moment in words; what holds nothing is left out.
 */
export function momentInWords(id: string, measure: Measure, layers: readonly Layer[], { atMs, devices }: Moment): string {
  const at = new Date(atMs).toLocaleTimeString([], { hour12: false });
  const point = devices.get(id);
  if (point === undefined) return texts.chart.notKnownAt(at);
  const { words } = MEASURES[measure];
  if (measure !== 'memory') {
    const value = layers[0]?.value(point) ?? null;
    return `${at} · ${value === null ? texts.common.notTold : words(value)}`;
  }
  const parts = layers.flatMap((layer) => {
    const value = layer.value(point) ?? 0;
    return value > 0 ? [`${layer.label} ${words(value)}`] : [];
  });
  return `${at} · ${parts.length === 0 ? texts.chart.nothingHeld : parts.join(', ')}`;
}

/** For who does not see the chart: between which values it moved. */
export function rangeInWords(id: string, measure: Measure, span: Span): string {
  const title = MEASURES[measure].title.split(',')[0] ?? '';
  const when = span === 'day' ? texts.chart.lastDay : texts.chart.lastMinutes;
  const layers = layersOf(id, measure, span);
  const known = history(span).flatMap(({ devices }) => {
    const point = devices.get(id);
    if (point === undefined) return [];
    return (measure === 'memory' ? point.usedBytes : (layers[0]?.value(point) ?? null)) ?? [];
  });
  if (known.length === 0) return texts.chart.nothingKnown(title, when);
  const { words } = MEASURES[measure];
  return texts.chart.range(title, when, words(Math.min(...known)), words(Math.max(...known)));
}
