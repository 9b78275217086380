/**
 * The page Box: the memory, load, temperature and power of each device, now and over time; what
 * models and other programs hold; runtimes and watch folders.
 */
import { useState } from 'react';
import { FoldersPanel, RuntimesPanel } from '../../components/engine-panels.tsx';
import type { Span } from '../../history.ts';
import { go, type PageProps } from '../../route.ts';
import { useReadyCount, useWindow } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Page, Panel } from '../../ui/panel.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import styles from './box-page.module.css';
import { ClusterNodes } from './cluster-nodes.tsx';
import { DeviceRow } from './device-row.tsx';
import { SummaryStrip } from './summary-strip.tsx';

/** With so few devices, their past is shown at once. */
const FEW = 2;
const SPANS = [
  { value: 'minutes', label: '10 minutes' },
  { value: 'day', label: '24 hours' },
] as const;

export function BoxPage(_props: PageProps) {
  const loaded = useReadyCount();
  const [span, setSpan] = useState<Span>('minutes');
  return (
    <Page
      actions={<Segmented choices={SPANS} label="How far back the charts go" onChange={setSpan} value={span} />}
      sentence={loaded === 0 ? 'No model is loaded.' : `${loaded} ${loaded === 1 ? 'model is' : 'models are'} loaded.`}
      title="Box"
    >
      <Devices span={span} />
      <ClusterNodes />
      <div className={styles.engine}>
        <RuntimesPanel />
        <FoldersPanel />
      </div>
    </Page>
  );
}

/** A part of its own, so that a sample, once a second, draws nothing else of the page. */
function Devices({ span }: { readonly span: Span }) {
  const devices = useWindow((state) => state.snapshot?.devices) ?? [];
  const gpus = devices.filter(({ kind }) => kind === 'gpu');
  const hosts = devices.filter(({ kind }) => kind === 'host');
  return (
    <>
      {devices.some((device) => device.simulated) && (
        <p className={styles.simulated}>
          Simulated: a program stands in for the GPUs of this box. Their memory, names and sensors are made up.
        </p>
      )}
      <SummaryStrip gpus={gpus} hosts={hosts} />
      <Panel className={styles.devices}>
        {gpus.map((device) => (
          <DeviceRow device={device} key={device.id} opened={gpus.length <= FEW} span={span} />
        ))}
        {gpus.length === 0 && (
          <Empty action={<Button onClick={() => go('settings', 'gpus')}>GPU settings</Button>} icon="box" title="No GPU here">
            Models run on this machine's processors and main memory. With an NVIDIA card, install its driver: <code>nvidia-smi</code> must
            list it.
          </Empty>
        )}
        {hosts.map((device) => (
          <DeviceRow device={device} key={device.id} opened={gpus.length === 0} span={span} />
        ))}
      </Panel>
    </>
  );
}
