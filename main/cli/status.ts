/** `modelium status`: a summary of the engine of this state folder. Fails if no engine runs. */
import { HOST_DEVICE } from '../../shared/decision.ts';
import type { DeviceView, NodeView, Snapshot } from '../../shared/snapshot.ts';
import { gibibytes, longSpan } from '../../shared/units.ts';
import { connect } from '../client.ts';
import { nameOfDevice } from './devices.ts';
import { inLines, paint, printJson, printText } from './output.ts';
import type { Shared } from './verb.ts';

export async function status({ stateFolder, json }: Shared): Promise<number> {
  const engine = await connect(stateFolder);
  const snapshot = await engine.get<'snapshot'>('/control/snapshot');
  if (json) printJson({ ...snapshot, models: snapshot.models.map(({ id, state }) => ({ id, state })) });
  else printText(statusText(snapshot, Date.now()));
  return 0;
}

export function statusText(snapshot: Snapshot, nowMs: number): string {
  const { version, address, startedAt, settingsFile, settingsProblem, watchFolders, devices, runtimes } = snapshot;
  const line = (name: string, text: string): string => `${paint('dim', name.padEnd(9))} ${text}`;
  return inLines([
    line('engine', `Modelium ${version} at ${address}, up for ${longSpan(nowMs - Date.parse(startedAt))}`),
    line('settings', settingsFile ?? 'no modelium.yaml: the defaults are in force'),
    ...(settingsProblem === null ? [] : settingsProblem.split('\n').map((problem) => line('', paint('red', problem)))),
    ...watchFolders.map(({ path, ok, message }) => line('watches', ok ? path : `${path}: ${paint('red', message)}`)),
    line('models', countsOf(snapshot)),
    ...devices.map((device) => line(nameOfDevice(device.id, devices), deviceText(device))),
    ...runtimes.flatMap(({ nodes = [] }) => nodes.map((node) => line('elsewhere', nodeText(node)))),
  ]);
}

function countsOf({ models }: Snapshot): string {
  if (models.length === 0) return 'none yet: modelium add PATH';
  const counts = new Map<string, number>();
  for (const { state } of models) counts.set(state, (counts.get(state) ?? 0) + 1);
  return `${models.length}: ${[...counts].map(([state, count]) => `${count} ${state}`).join(', ')}`;
}

/** `17.2 of 24.0 GiB used, 212 W, 61 °C (RTX 4090)`. */
function deviceText({
  id,
  name,
  usedBytes,
  totalBytes,
  availableBytes,
  utilizationRatio,
  powerWatts,
  temperatureCelsius,
}: DeviceView): string {
  const figures = [
    `${gibibytes(usedBytes)} of ${gibibytes(totalBytes)} GiB used, ${gibibytes(Math.max(0, availableBytes))} for a new model`,
    ...(utilizationRatio === null || id === HOST_DEVICE ? [] : [`${Math.round(utilizationRatio * 100)} % busy`]),
    ...(powerWatts === null ? [] : [`${Math.round(powerWatts)} W`]),
    ...(temperatureCelsius === null ? [] : [`${Math.round(temperatureCelsius)} °C`]),
  ];
  return `${figures.join(', ')}${id === HOST_DEVICE ? '' : ` (${name})`}`;
}

/**
 * `node 10.0.0.7: 0.5 of 2 GPUs promised (A100), 1 of 8 processors promised, 60.0 GiB of memory`.
 */
function nodeText({ name, isAlive, gpus, gpuName, usedGpus, cpus, usedCpus, memoryBytes }: NodeView): string {
  if (!isAlive) return `node ${name}: ${paint('red', 'does not answer')}`;
  const figures = [
    gpus === 0 ? 'no GPU' : `${share(usedGpus)} of ${share(gpus)} GPUs promised${gpuName === null ? '' : ` (${gpuName})`}`,
    `${share(usedCpus)} of ${share(cpus)} processors promised`,
    `${gibibytes(memoryBytes)} GiB of memory`,
  ];
  return `node ${name}: ${figures.join(', ')}`;
}

/** A cluster counts in shares: 0.25 of a GPU. */
function share(count: number): string {
  return String(Math.round(count * 100) / 100);
}
