/**
 * Shows a device's memory as one bar, divided by holder, and describes it in words for screen
 * readers.
 */
import type { CSSProperties } from 'react';
import { bytesInWords } from '../../shared/units.ts';
import { address } from '../route.ts';
import * as texts from '../texts.ts';
import { classes } from '../ui/classes.ts';
import styles from './memory-bar.module.css';
import type { Segment } from './segments.ts';

interface MemoryBarProps {
  readonly name: string;
  readonly segments: readonly Segment[];
  readonly totalBytes: number;
}

export function MemoryBar({ name, segments, totalBytes }: MemoryBarProps) {
  const free = Math.max(0, totalBytes - segments.reduce((sum, { bytes }) => sum + bytes, 0));
  return (
    <div
      className={styles.bar}
      role="img"
      aria-label={texts.memory.bar(name, inWords(segments), bytesInWords(free), bytesInWords(totalBytes))}
    >
      {segments.map((segment) => (
        <Piece key={segment.key} segment={segment} totalBytes={totalBytes} />
      ))}
    </div>
  );
}

function inWords(segments: readonly Segment[]): string {
  return segments.map(({ label, bytes }) => `${label} ${bytesInWords(bytes)}, `).join('');
}

/** Not the shorthand: it would take the stripes of a leak away. */
function painted(colour: string | null): CSSProperties {
  return colour === null ? {} : { backgroundColor: `var(${colour})` };
}

function Piece({ segment, totalBytes }: { readonly segment: Segment; readonly totalBytes: number }) {
  const { kind, label, bytes, colour } = segment;
  const style: CSSProperties = {
    width: `${(bytes / totalBytes) * 100}%`,
    ...painted(colour),
  };
  return (
    <span className={classes(styles.piece, styles[kind])} style={style} title={`${label}: ${bytesInWords(bytes)}`}>
      <span className={styles.name}>{label}</span>
    </span>
  );
}

/** So many lines of a legend are read; a main memory with twelve models has more. */
const LEGEND_LINES = 6;

/** What the colours of a bar mean, with the figures: the largest of many, and the rest in one. */
export function Legend({ segments }: { readonly segments: readonly Segment[] }) {
  const largest = [...segments].sort((first, second) => second.bytes - first.bytes).slice(0, LEGEND_LINES);
  const shown = segments.length <= LEGEND_LINES + 1 ? segments : segments.filter((segment) => largest.includes(segment));
  const rest = segments.filter((segment) => !shown.includes(segment));
  return (
    <ul className={styles.legend}>
      {shown.map(({ key, kind, label, modelId, bytes, colour }) => (
        <li key={key}>
          <span className={classes(styles.swatch, styles[kind])} style={painted(colour)} />
          <span className={styles.label} title={label}>
            {modelId === null ? label : <a href={address('models', modelId)}>{label}</a>}
          </span>
          <span className={styles.bytes}>{bytesInWords(bytes)}</span>
        </li>
      ))}
      {rest.length > 0 && (
        <li title={rest.map(({ label, bytes }) => `${label} ${bytesInWords(bytes)}`).join('\n')}>
          <span className={styles.label}>{texts.common.andMore(rest.length)}</span>
          <span className={styles.bytes}>{bytesInWords(rest.reduce((sum, { bytes }) => sum + bytes, 0))}</span>
        </li>
      )}
    </ul>
  );
}
