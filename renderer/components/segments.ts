/**
 * Divides a device's memory into the segments that are drawn: models in a stable order, other
 * programs, leaks, promised memory, free memory. Pure.
 */
import type { DeviceView, ModelView } from '../../shared/snapshot.ts';
import { byName } from '../by-name.ts';
import * as texts from '../texts.ts';
import { colourOf } from './colours.ts';

export interface Segment {
  readonly key: string;
  readonly kind: 'model' | 'others' | 'leak' | 'promised';
  readonly label: string;
  /** The model that it belongs to, while there is one; null: none of ours. */
  readonly modelId: string | null;
  readonly bytes: number;
  /** A name of tokens.css; null for a pattern. */
  readonly colour: string | null;
}

type DeviceFigures = Pick<
  DeviceView,
  'id' | 'totalBytes' | 'byModel' | 'othersBytes' | 'leakedBytes' | 'promisedBytes' | 'programs' | 'leaks'
>;

/** Less than this that nobody is named for is the driver's own, and no program's. */
const UNNAMED_BYTES = 1;

/** @param loading the models that memory may be promised to. */
export function segmentsOf(device: DeviceFigures, loading: readonly ModelView[]): readonly Segment[] {
  const held = Object.entries(device.byModel)
    .filter(([, bytes]) => bytes > 0)
    .sort(([first], [second]) => byName(first, second))
    .map(([id, bytes]): Segment => ({ key: `model ${id}`, kind: 'model', label: id, modelId: id, bytes, colour: colourOf(id) }));
  const promised = loading.filter((model) => (model.predictedBytes?.[device.id] ?? 0) > 0).map(({ id }) => id);
  const rest: readonly Segment[] = [
    ...othersOf(device),
    ...leaksOf(device),
    {
      key: 'promised',
      kind: 'promised',
      bytes: device.promisedBytes,
      modelId: promised[0] ?? null,
      colour: null,
      label: promised.length === 0 ? texts.memory.promised : texts.memory.promisedTo(promised.join(', ')),
    },
  ];
  return [...held, ...rest.filter(({ bytes }) => bytes > 0)];
}

/** Each program by name, as far as the driver tells; what remains is together. */
function othersOf({ othersBytes, programs }: DeviceFigures): readonly Segment[] {
  const style = { kind: 'others', modelId: null, colour: '--data-others' } as const;
  // The list of processes may be a moment older or newer than the total, which is what the bar adds
  // up to.
  let left = othersBytes;
  const named = programs.flatMap(({ pid, name, bytes }): readonly Segment[] => {
    const shown = Math.min(left, bytes);
    left -= shown;
    return shown <= 0 ? [] : [{ ...style, key: `program ${pid}`, label: texts.memory.program(name, pid), bytes: shown }];
  });
  const label = named.length === 0 ? texts.memory.otherPrograms : texts.memory.withoutName;
  return left < UNNAMED_BYTES ? named : [...named, { ...style, key: 'others', label, bytes: left }];
}

function leaksOf({ leakedBytes, leaks }: DeviceFigures): readonly Segment[] {
  const style = { kind: 'leak', colour: '--data-leak' } as const;
  if (leaks.length === 0) return [{ ...style, key: 'leak', label: texts.memory.leak, modelId: null, bytes: leakedBytes }];
  return leaks.map(({ modelId, pids, bytes }, index) => {
    return { ...style, key: `leak ${index}`, label: texts.memory.leakOf(modelId, pids.join(', ')), modelId, bytes };
  });
}

/**
 * What is taken: the sum of all that is drawn solid, so that the figure over a bar is always the
 * bar's own.
 */
export function takenBytes(segments: readonly Segment[]): number {
  return segments.reduce((sum, { kind, bytes }) => (kind === 'promised' ? sum : sum + bytes), 0);
}
