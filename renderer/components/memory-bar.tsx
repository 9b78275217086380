/** A device's memory now: one bar, cut by who holds it, and the same in words for who cannot see it. */
import type { CSSProperties } from 'react';
import { bytesInWords } from '../../shared/units.ts';
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
      aria-label={`${name}: ${inWords(segments)}${bytesInWords(free)} free of ${bytesInWords(totalBytes)}`}
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

function Piece({ segment, totalBytes }: { readonly segment: Segment; readonly totalBytes: number }) {
  const { kind, label, bytes, colour } = segment;
  const style: CSSProperties = {
    width: `${(bytes / totalBytes) * 100}%`,
    ...(colour === null ? {} : { background: `var(${colour})` }),
  };
  return (
    <span className={classes(styles.piece, styles[kind])} style={style} title={`${label}: ${bytesInWords(bytes)}`}>
      <span className={styles.name}>{label}</span>
    </span>
  );
}

/** What the colours of a bar mean, with the figures. */
export function Legend({ segments }: { readonly segments: readonly Segment[] }) {
  return (
    <ul className={styles.legend}>
      {segments.map(({ key, kind, label, bytes, colour }) => (
        <li key={key}>
          <span className={classes(styles.swatch, styles[kind])} style={colour === null ? {} : { background: `var(${colour})` }} />
          <span className={styles.label}>{label}</span>
          <span className={styles.bytes}>{bytesInWords(bytes)}</span>
        </li>
      ))}
    </ul>
  );
}
