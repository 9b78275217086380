/**
 * Ten minutes of a device's memory as stacked areas, in the bar's colours. uPlot draws on a canvas outside React: a point a second must not
 * render anything else. The only importer of uPlot.
 */
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import type { DeviceView } from '../../shared/snapshot.ts';
import { bytesInWords, gibibytes } from '../../shared/units.ts';
import { byName } from '../by-name.ts';
import { type DevicePoint, history, onMoment } from '../history.ts';
import { useTheme } from '../theme.ts';
import { colourOf } from './colours.ts';
import styles from './history-chart.module.css';

const HEIGHT = 120;
const SPAN_SECONDS = 600;
/** A pixel is a second and more: every second point is enough, and every third moment to draw them anew. */
const STEP = 2;
const REDRAW = 3;

/** A layer of the stack: one model, or what others hold. */
interface Layer {
  readonly key: string;
  readonly colour: string;
  bytes(point: DevicePoint): number;
}

export function HistoryChart({ device }: { readonly device: DeviceView }) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useTheme((state) => state.shown);
  const { id, totalBytes } = device;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours, which the canvas must read anew.
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let keys = '';
    let plot: UPlot | null = null;
    let isSeen = true;
    let moment = 0;
    function drawSome(): void {
      moment += 1;
      if (moment % REDRAW === 0) draw();
    }
    function draw(): void {
      if (element === null || document.hidden || !isSeen) return;
      const layers = layersOf(id);
      const wanted = layers.map(({ key }) => key).join();
      const data = stacked(id, layers);
      if (plot === null || wanted !== keys) {
        plot?.destroy();
        keys = wanted;
        plot = new UPlot(optionsFor(layers, element.clientWidth, totalBytes), data, element);
      } else {
        plot.setData(data, false);
        plot.setScale('x', xRange());
      }
    }
    draw();
    const stop = onMoment(drawSome);
    const watcher = new IntersectionObserver(([entry]) => {
      isSeen = entry?.isIntersecting ?? true;
      draw();
    });
    watcher.observe(element);
    const observer = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    document.addEventListener('visibilitychange', draw);
    return () => {
      stop();
      observer.disconnect();
      watcher.disconnect();
      document.removeEventListener('visibilitychange', draw);
      plot?.destroy();
    };
  }, [id, totalBytes, theme]);

  return <div aria-label={inWords(device)} className={styles.chart} ref={place} role="img" style={{ height: HEIGHT }} />;
}

function inWords({ id, totalBytes }: DeviceView): string {
  const used = history().flatMap(({ devices }) => devices.get(id)?.usedBytes ?? []);
  if (used.length === 0) return 'Memory of the last ten minutes: nothing is known yet';
  const least = bytesInWords(Math.min(...used));
  return `Memory of the last ten minutes: between ${least} and ${bytesInWords(Math.max(...used))} of ${bytesInWords(totalBytes)}`;
}

function layersOf(id: string): readonly Layer[] {
  const models = new Set<string>();
  let leaks = false;
  for (const { devices } of history()) {
    const point = devices.get(id);
    if (point === undefined) continue;
    for (const [model, bytes] of Object.entries(point.byModel)) if (bytes > 0) models.add(model);
    leaks ||= point.leakedBytes > 0;
  }
  const held = [...models]
    .sort(byName)
    .map((model): Layer => ({ key: model, colour: colourOf(model), bytes: (point) => point.byModel[model] ?? 0 }));
  const others: Layer = { key: 'others', colour: '--data-others', bytes: (point) => point.othersBytes };
  const leak: Layer = { key: 'leak', colour: '--data-leak', bytes: (point) => point.leakedBytes };
  return [...held, others, ...(leaks ? [leak] : [])];
}

/** Each layer on top of those before it; a moment in which the device was away is a gap. */
function stacked(id: string, layers: readonly Layer[]): UPlot.AlignedData {
  const moments = history().filter((_, index, all) => (all.length - 1 - index) % STEP === 0);
  const sums = moments.map(() => 0);
  const rows = layers.map((layer) =>
    moments.map(({ devices }, index) => {
      const point = devices.get(id);
      if (point === undefined || point.usedBytes === null) return null;
      sums[index] = (sums[index] ?? 0) + layer.bytes(point);
      return sums[index] ?? null;
    }),
  );
  return [moments.map(({ atMs }) => atMs / 1000), ...rows];
}

function xRange(): { min: number; max: number } {
  const end = (history().at(-1)?.atMs ?? Date.now()) / 1000;
  return { min: end - SPAN_SECONDS, max: end };
}

function optionsFor(layers: readonly Layer[], width: number, totalBytes: number): UPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    font: `11px ${style.getPropertyValue('--font')}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: true, range: () => [xRange().min, xRange().max] }, y: { range: [0, totalBytes] } },
    axes: [
      { ...axis, size: 24, gap: 8, grid: { show: false }, splits: minuteMarks, values: (_plot, splits) => splits.map(minutesAgo) },
      { ...axis, size: 34, gap: 4, splits: () => [0, totalBytes / 2, totalBytes], values: (_plot, splits) => splits.map(gibibytes) },
    ],
    series: [
      {},
      ...layers.map((layer) => ({
        stroke: colour(layer.colour),
        fill: `color-mix(in srgb, ${colour(layer.colour)} 55%, ${colour('--surface')})`,
        width: 1,
        points: { show: false },
        spanGaps: false,
      })),
    ],
    // The fill of each layer ends where the one beneath begins.
    bands: layers.slice(1).map((_, index) => ({ series: [index + 2, index + 1] as [number, number] })),
  };
}

/** In the middle and at the end; the beginning would run into the other axis' zero. */
function minuteMarks(): number[] {
  const { min, max } = xRange();
  return [(min + max) / 2, max];
}

function minutesAgo(atSeconds: number): string {
  const minutes = Math.round((xRange().max - atSeconds) / 60);
  return minutes <= 0 ? 'now' : `${minutes} min ago`;
}
