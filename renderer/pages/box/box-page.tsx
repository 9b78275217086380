/**
 * The page Box: the memory, load, temperature and power of each device, now and over time; what
 * models and other programs hold; runtimes and watch folders.
 */
import { useState } from 'react';
import { FoldersPanel, RuntimesPanel } from '../../components/engine-panels.tsx';
import type { Span } from '../../history.ts';
import { go, type PageProps } from '../../route.ts';
import { useReadyCount, useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
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
  { value: 'minutes', label: texts.box.tenMinutes },
  { value: 'day', label: texts.box.day },
] as const;

export function BoxPage(_props: PageProps) {
  const loaded = useReadyCount();
  const [span, setSpan] = useState<Span>('minutes');
  return (
    <Page
      actions={<Segmented choices={SPANS} label={texts.box.span} onChange={setSpan} value={span} />}
      sentence={loaded === 0 ? texts.box.noModelLoaded : texts.box.modelsLoaded(loaded)}
      title={texts.window.titles.box}
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
      {devices.some((device) => device.simulated) && <p className={styles.simulated}>{texts.box.simulated}</p>}
      <SummaryStrip gpus={gpus} hosts={hosts} />
      <Panel className={styles.devices}>
        {gpus.map((device) => (
          <DeviceRow device={device} key={device.id} opened={gpus.length <= FEW} span={span} />
        ))}
        {gpus.length === 0 && (
          <Empty
            action={<Button onClick={() => go('settings', 'gpus')}>{texts.box.gpuSettings}</Button>}
            icon="box"
            title={texts.box.noGpu}
          >
            {texts.box.noGpuBeforeCommand} <code>nvidia-smi</code> {texts.box.noGpuAfterCommand}
          </Empty>
        )}
        {hosts.map((device) => (
          <DeviceRow device={device} key={device.id} opened={gpus.length === 0} span={span} />
        ))}
      </Panel>
    </>
  );
}
