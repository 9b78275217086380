/**
 * Draws a device's history as areas on a canvas, with a crosshair that shows the values at one
 * moment. uPlot draws outside React, because a point each second must not render anything else. The
 * only importer of uPlot.
 */
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import type { DeviceView } from '../../shared/snapshot.ts';
import { endMs, history, onMoment, SPAN_SECONDS, type Span } from '../history.ts';
import * as texts from '../texts.ts';
import { useTheme } from '../theme.ts';
import { type Layer, layersOf, MEASURES, type Measure, momentInWords, rangeInWords, stacked } from './chart-series.ts';
import styles from './history-chart.module.css';

const HEIGHT = 112;
/**
 * A pixel is a second and more: every second point is enough, and every third moment to draw them
 * again.
 */
const STEP = 2;
const REDRAW = 3;

interface ChartProps {
  readonly device: DeviceView;
  readonly measure: Measure;
  readonly span: Span;
}

export function HistoryChart({ device: { id, totalBytes }, measure, span }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLSpanElement>(null);
  const theme = useTheme((state) => state.shown);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours, which the canvas must read again.
  useEffect(() => {
    if (place.current === null || readout.current === null) return;
    return keepDrawn({ id, totalBytes, measure, span, element: place.current, readout: readout.current });
  }, [id, totalBytes, measure, span, theme]);

  return (
    <figure className={styles.figure}>
      <figcaption className={styles.head}>
        <span>{MEASURES[measure].title}</span>
        <span aria-hidden="true" className={styles.readout} ref={readout} />
      </figcaption>
      <div aria-label={MEASURES[measure].title} className={styles.chart} ref={place} role="img" style={{ height: HEIGHT }} />
    </figure>
  );
}

interface Drawing {
  readonly id: string;
  readonly totalBytes: number;
  readonly measure: Measure;
  readonly span: Span;
  readonly element: HTMLElement;
  readonly readout: HTMLElement;
}

/** Draws it now and with each new moment while somebody sees it. @returns what ends it. */
function keepDrawn(drawing: Drawing): () => void {
  const { id, measure, span, element, readout } = drawing;
  let keys = '';
  let plot: UPlot | null = null;
  let isSeen = true;
  let moment = 0;
  const every = span === 'day' ? 1 : REDRAW;
  const shown = () => history(span).filter((_, index, all) => (all.length - 1 - index) % (span === 'day' ? 1 : STEP) === 0);
  const draw = (): void => {
    if (document.hidden || !isSeen) return;
    // Outside React as well: a device that stays as it is is not drawn again, while its past grows.
    element.setAttribute('aria-label', rangeInWords(id, measure, span));
    const layers = layersOf(id, measure, span);
    const wanted = layers.map(({ key }) => key).join();
    const moments = shown();
    const data = stacked(id, layers, moments);
    const say = (index: number | null | undefined): void => {
      const at = index === null || index === undefined ? undefined : shown()[index];
      readout.textContent = at === undefined ? '' : momentInWords(id, measure, layers, at);
    };
    if (plot === null || wanted !== keys) {
      plot?.destroy();
      keys = wanted;
      plot = new UPlot(optionsFor(drawing, layers, say), data, element);
    } else {
      plot.setData(data, false);
      plot.setScale('x', xRange(span));
    }
  };
  draw();
  const stop = onMoment(span, () => {
    moment += 1;
    if (moment % every === 0) draw();
  });
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
}

function xRange(span: Span): { min: number; max: number } {
  const end = endMs(span) / 1000;
  return { min: end - SPAN_SECONDS[span], max: end };
}

function optionsFor(
  { id, totalBytes, measure, span, element }: Drawing,
  layers: readonly Layer[],
  say: (index: number | null | undefined) => void,
): UPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    font: `11px ${style.getPropertyValue('--font')}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const top = (most: number): number =>
    measure === 'memory' ? totalBytes : measure === 'power' ? Math.max(100, Math.ceil(most / 50) * 50) : 100;
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    // One moment in all charts of a device.
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false }, sync: { key: id } },
    hooks: { setCursor: [(plot) => say(plot.cursor.idx)] },
    scales: {
      x: { time: true, range: () => [xRange(span).min, xRange(span).max] },
      y: { range: (_plot, _least, most) => [0, top(most ?? 0)] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        gap: 8,
        grid: { show: false },
        splits: () => middleAndEnd(span),
        values: (_plot, splits) => splits.map((at) => ago(at, span)),
      },
      {
        ...axis,
        size: 34,
        gap: 4,
        splits: (_plot, _axis, _min, max) => [0, max / 2, max],
        values: (_plot, splits) => splits.map(MEASURES[measure].axis),
      },
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
function middleAndEnd(span: Span): number[] {
  const { min, max } = xRange(span);
  return [(min + max) / 2, max];
}

function ago(atSeconds: number, span: Span): string {
  const minutes = Math.round((xRange(span).max - atSeconds) / 60);
  if (minutes <= 0) return texts.chart.now;
  return minutes < 120 ? texts.chart.minutesAgo(minutes) : texts.chart.hoursAgo(Math.round(minutes / 60));
}
