/**
 * The memory that a launch would take: for what (weights and cache separately), and on each device
 * next to what is used there now.
 */
import type { Candidate } from '../../../shared/decision.ts';
import { cacheFor, type NamedPart, namedParts, partsInWords } from '../../../shared/memory-parts.ts';
import type { DeviceView, ModelView } from '../../../shared/snapshot.ts';
import { bytesInWords } from '../../../shared/units.ts';
import { useDeviceNames } from '../../components/device-name.ts';
import { MemoryBar } from '../../components/memory-bar.tsx';
import { type Segment, segmentsOf } from '../../components/segments.ts';
import { useLoadingModels, useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import styles from './plan-memory.module.css';
import { Section } from './section.tsx';

interface PlanMemoryProps {
  readonly model: ModelView;
  readonly candidate: Candidate;
}

export function PlanMemory({ model, candidate }: PlanMemoryProps) {
  return (
    <>
      <Parts candidate={candidate} />
      <Devices candidate={candidate} model={model} />
    </>
  );
}

/** The colours of what grows: the cache is told apart from everything else. */
const COLOURS: Readonly<Partial<Record<NamedPart['part'], string>>> = {
  model: '--data-1',
  repacked: '--data-8',
  kv: '--data-4',
  compute: '--data-2',
  gpuContext: '--data-others',
  program: '--data-5',
  server: '--data-6',
  guess: '--data-7',
  learned: '--data-3',
};

function Parts({ candidate }: { readonly candidate: Candidate }) {
  const parts = namedParts(candidate.parts ?? {});
  const words = partsInWords(candidate);
  if (words === null) return null;
  const drawn = parts.filter(({ bytes }) => bytes > 0);
  const total = drawn.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <Section title={texts.plan.memory(bytesInWords(Object.values(candidate.bytesNeeded).reduce((sum, bytes) => sum + bytes, 0)))}>
      <div aria-label={words} className={styles.bar} role="img">
        {drawn.map(({ part, bytes }) => (
          <span
            className={styles.piece}
            key={part}
            style={{ width: `${(bytes / total) * 100}%`, background: `var(${COLOURS[part] ?? '--data-others'})` }}
          />
        ))}
      </div>
      <ul className={styles.legend}>
        {parts.map(({ part, name, bytes }) => (
          <li key={part}>
            <span className={styles.swatch} style={{ background: `var(${COLOURS[part] ?? '--data-others'})` }} />
            <span>
              {name}
              {part === 'kv' && <span className={styles.quiet}>: {cacheFor(candidate.plan)}</span>}
            </span>
            <span className={styles.bytes}>
              {bytes < 0 ? '- ' : ''}
              {bytesInWords(Math.abs(bytes))}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Devices({ model, candidate }: PlanMemoryProps) {
  const nameOf = useDeviceNames();
  const devices = useWindow((state) => state.snapshot?.devices) ?? [];
  const loading = useLoadingModels();
  const used = devices.filter(({ id }) => (candidate.bytesNeeded[id] ?? 0) > 0);
  if (used.length === 0) return null;
  return (
    <Section title={texts.plan.whereMemoryWouldBe}>
      {used.map((device) => {
        const needed = candidate.bytesNeeded[device.id] ?? 0;
        const there = candidate.bytesThere[device.id] ?? 0;
        return (
          <div key={device.id}>
            <p className={styles.figure}>
              <span>{nameOf(device.id)}</span>
              <span className={needed > there && candidate.victims.length === 0 ? styles.short : styles.quiet}>
                {texts.plan.needsOfFree(bytesInWords(needed), bytesInWords(there))}
              </span>
            </p>
            <MemoryBar name={nameOf(device.id)} segments={withModel(device, model, candidate, loading)} totalBytes={device.totalBytes} />
          </div>
        );
      })}
    </Section>
  );
}

/** Without who must leave and without what the model itself holds now; with what it would take. */
function withModel(
  device: DeviceView,
  model: ModelView,
  { bytesNeeded, victims }: Candidate,
  loading: readonly ModelView[],
): readonly Segment[] {
  const leaves = new Set([model.id, ...victims]);
  const rest = segmentsOf(device, loading).filter(({ kind, modelId }) => kind === 'leak' || modelId === null || !leaves.has(modelId));
  const taken = {
    key: 'planned',
    kind: 'promised',
    label: model.id,
    modelId: model.id,
    bytes: bytesNeeded[device.id] ?? 0,
    colour: null,
  } as const;
  return [...rest, taken];
}
