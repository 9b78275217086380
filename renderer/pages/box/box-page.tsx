/** The machine: each device's memory now and over ten minutes, what its models, promises and other programs hold; what Modelium runs and watches. */

import { bytesInWords } from '../../../shared/units.ts';
import { FoldersPanel, RuntimesPanel } from '../../components/engine-panels.tsx';
import type { PageProps } from '../../route.ts';
import { useReadyCount, useWindow } from '../../store.ts';
import { Empty, Note, Page, Panel } from '../../ui/panel.tsx';
import styles from './box-page.module.css';
import { DeviceCard } from './device-card.tsx';

export function BoxPage(_props: PageProps) {
  const devices = useWindow((state) => state.snapshot?.devices) ?? [];
  const loaded = useReadyCount();
  const gpus = devices.filter(({ kind }) => kind === 'gpu');
  const hosts = devices.filter(({ kind }) => kind === 'host');
  const simulated = devices.some((device) => device.simulated);
  return (
    <Page sentence={sentence(gpus, loaded)} title="Box">
      {simulated && (
        <Note tone="warn">Simulated: a program stands in for the GPUs of this box. Their memory, names and temperatures are made up.</Note>
      )}
      <div className={styles.devices}>
        {gpus.map((device) => (
          <DeviceCard device={device} key={device.id} />
        ))}
        {gpus.length === 0 && (
          <Panel>
            <Empty icon="box" title="No GPU here">
              Models run on this machine's processors and main memory. With an NVIDIA card, install its driver: <code>nvidia-smi</code> must
              list it.
            </Empty>
          </Panel>
        )}
        {hosts.map((device) => (
          <DeviceCard device={device} key={device.id} />
        ))}
      </div>
      <div className={styles.engine}>
        <RuntimesPanel />
        <FoldersPanel />
      </div>
    </Page>
  );
}

function sentence(gpus: readonly { readonly totalBytes: number; readonly availableBytes: number }[], loaded: number): string {
  const models = loaded === 0 ? 'No model is loaded' : `${loaded} ${loaded === 1 ? 'model is' : 'models are'} loaded`;
  if (gpus.length === 0) return `${models}.`;
  const sum = (pick: (gpu: (typeof gpus)[number]) => number): number => gpus.reduce((total, gpu) => total + Math.max(0, pick(gpu)), 0);
  const room = `${bytesInWords(sum(({ availableBytes }) => availableBytes))} of ${bytesInWords(sum(({ totalBytes }) => totalBytes))}`;
  return `${models}. A new one may take ${room} on ${gpus.length === 1 ? 'the GPU' : `${gpus.length} GPUs`}.`;
}
