/** A device's memory cut into what is drawn of it: models in stable order, others, what leaks, what is promised, what is free. Pure. */
import type { DeviceView, ModelView } from '../../shared/snapshot.ts';
import { byName } from '../by-name.ts';
import { colourOf } from './colours.ts';

export interface Segment {
  readonly key: string;
  readonly kind: 'model' | 'others' | 'leak' | 'promised';
  readonly label: string;
  readonly bytes: number;
  /** A name of tokens.css; null for a pattern. */
  readonly colour: string | null;
}

type DeviceFigures = Pick<DeviceView, 'id' | 'totalBytes' | 'byModel' | 'othersBytes' | 'leakedBytes' | 'promisedBytes'>;

/** @param loading the models that memory may be promised to. */
export function segmentsOf(device: DeviceFigures, loading: readonly ModelView[]): readonly Segment[] {
  const held = Object.entries(device.byModel)
    .filter(([, bytes]) => bytes > 0)
    .sort(([first], [second]) => byName(first, second))
    .map(([id, bytes]): Segment => ({ key: `model ${id}`, kind: 'model', label: id, bytes, colour: colourOf(id) }));
  const promised = loading.filter((model) => (model.predictedBytes?.[device.id] ?? 0) > 0).map(({ id }) => id);
  const rest: readonly Segment[] = [
    { key: 'others', kind: 'others', label: 'other programs', bytes: device.othersBytes, colour: '--data-others' },
    { key: 'leak', kind: 'leak', label: 'held after an unload', bytes: device.leakedBytes, colour: '--data-leak' },
    {
      ...{ key: 'promised', kind: 'promised', bytes: device.promisedBytes, colour: null },
      label: promised.length === 0 ? 'promised' : `promised to ${promised.join(', ')}`,
    },
  ];
  return [...held, ...rest.filter(({ bytes }) => bytes > 0)];
}

/** What is taken: the sum of all that is drawn solid, so that the figure over a bar is always the bar's own. */
export function takenBytes(segments: readonly Segment[]): number {
  return segments.reduce((sum, { kind, bytes }) => (kind === 'promised' ? sum : sum + bytes), 0);
}
