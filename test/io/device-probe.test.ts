/**
 * The whole look at a box: the real probe, a simulated nvidia-smi and simulated runtimes, as
 * separate processes.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceSample, Log, Sample } from '../../main/core/ports.ts';
import type { LaunchedProcess } from '../../main/core/process-ports.ts';
import { createClock } from '../../main/io/clock.ts';
import { createDeviceProbe, type RunningDeviceProbe } from '../../main/io/devices/device-probe.ts';
import { endOrphanedProbes } from '../../main/io/devices/gpu-orphans.ts';
import { createProcesses } from '../../main/io/processes/processes.ts';
import { MIB } from '../../shared/units.ts';
import { eventually } from '../helpers/eventually.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';

const processes = createProcesses();
const clock = createClock();
const warnings: string[] = [];
const log: Log = { say: () => {}, warn: (sentence) => void warnings.push(sentence), error: () => {}, debug: () => {} };
const runtimes: LaunchedProcess[] = [];
let box: SimulatedBox;
let probe: RunningDeviceProbe;

beforeAll(async () => {
  box = makeSimulatedBox({ gpus: [{ totalMiB: 8_000, baseUsedMiB: 100, reservedMiB: 50 }, { totalMiB: 4_000 }] });
  probe = createDeviceProbe({ nvidiaSmi: box.nvidiaSmi, processes, clock, log });
  await probe.start();
});

afterEach(async () => {
  for (const runtime of runtimes.splice(0)) {
    processes.signal(processes.members(runtime.pid), 'SIGKILL', runtime.pid);
    await runtime.exited;
  }
  for (const uuid of box.uuids) box.setOthers(uuid, {});
});

afterAll(async () => {
  await probe.close();
  box.remove();
});

async function run(gpu: number, args: readonly string[]): Promise<{ runtime: LaunchedProcess; lines: string[] }> {
  const port = String(await processes.freePort([0, 0]));
  const env = { CUDA_VISIBLE_DEVICES: box.uuids[gpu] ?? '' };
  const runtime = await processes.launch({ command: box.runtimeCommand, args: ['--port', port, ...args], env, cwd: null, ipc: false });
  runtimes.push(runtime);
  const lines: string[] = [];
  runtime.onLine((line) => lines.push(line));
  return { runtime, lines };
}

const gpuOf = (sample: Sample, index: number) => sample.devices.find((device) => device.index === index) as DeviceSample;
const usedMiB = (sample: Sample, index: number) => gpuOf(sample, index).usedBytes / MIB;

describe('a simulated box', () => {
  it('shows the host and each GPU', async () => {
    const asked = clock.now();
    const sample = await probe.sampleNow();
    expect(sample.atMs).toBeGreaterThanOrEqual(asked);
    expect(sample.devices.map(({ id, kind }) => [id, kind])).toEqual([
      ['cpu', 'host'],
      [box.uuids[0], 'gpu'],
      [box.uuids[1], 'gpu'],
    ]);
    expect(gpuOf(sample, 0)).toMatchObject({ simulated: true, totalBytes: 7_950 * MIB, usedBytes: 100 * MIB, computeCapability: '9.0' });
    expect(probe.gpuFacts().found).toBe(true);
  });

  it("follows a runtime's memory from its load to its end, by process", async () => {
    const { runtime, lines } = await run(0, ['--memory-mb', '3000']);
    await eventually('the load', () => lines.includes('main: model loaded'));
    const loaded = await probe.sampleNow();
    expect([usedMiB(loaded, 0), usedMiB(loaded, 1)]).toEqual([3_100, 0]);
    expect(gpuOf(loaded, 0).byPid).toEqual(new Map([[runtime.pid, 3_000 * MIB]]));
    processes.signal(processes.members(runtime.pid), 'SIGKILL', runtime.pid);
    await runtime.exited;
    const freed = await probe.sampleNow();
    expect([usedMiB(freed, 0), gpuOf(freed, 0).byPid?.size]).toEqual([100, 0]);
  });

  it('puts layers that are not offloaded into main memory', async () => {
    const { lines } = await run(1, ['--memory-mb', '1000', '--layers', '10', '--n-gpu-layers', '4']);
    await eventually('the load', () => lines.includes('main: model loaded'));
    expect(usedMiB(await probe.sampleNow(), 1)).toBe(400);
  });

  it('lets a runtime fail that asks for more than there is, and shows none of it', async () => {
    box.setOthers(box.uuids[1] ?? '', { 1: 3_000 });
    const { runtime, lines } = await run(1, ['--memory-mb', '2000']);
    expect(await runtime.exited).toMatchObject({ code: 1, signal: null });
    expect(lines.join('\n')).toContain('cudaMalloc failed: out of memory');
    const sample = await probe.sampleNow();
    expect(usedMiB(sample, 1)).toBe(3_000);
    expect(gpuOf(sample, 1).byPid).toEqual(new Map([[1, 3_000 * MIB]]));
  });

  it('sends samples by itself, and faster while asked to', async () => {
    const samples: Sample[] = [];
    probe.onSample((sample) => samples.push(sample));
    probe.setFast(true);
    box.setOthers(box.uuids[0] ?? '', { 1: 10 });
    await eventually('a followed sample', () => samples.some((sample) => usedMiB(sample, 0) === 110));
    probe.setFast(false);
  });
});

describe('a box with troubles', () => {
  it.runIf(process.platform === 'linux')('ends what killed engines left looking, and nothing of those that live', async () => {
    const sleeper = (owner: string) =>
      processes.launch({ command: 'sleep', args: ['60'], env: { MODELIUM_PROBE_OF: owner }, cwd: null, ipc: false });
    const mine = processes.identify(process.pid);
    const [orphan, kept] = [await sleeper(`${process.pid}-1`), await sleeper(`${process.pid}-${mine?.startTime}`)];
    endOrphanedProbes(processes);
    expect(await orphan.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(processes.identify(kept.pid)).not.toBeNull();
    processes.signal(processes.members(kept.pid), 'SIGKILL', kept.pid);
    await kept.exited;
  });

  it('gives memory back late, or never', async () => {
    const slow = makeSimulatedBox({ gpus: [{ totalMiB: 1_000 }], slowFreeMs: 400 });
    const looking = createDeviceProbe({ nvidiaSmi: slow.nvidiaSmi, processes, clock, log });
    await looking.start();
    const runtime = await processes.launch({
      command: slow.runtimeCommand,
      args: ['--port', String(await processes.freePort([0, 0])), '--memory-mb', '500'],
      env: {},
      cwd: null,
      ipc: false,
    });
    await eventually('the load', async () => usedMiB(await looking.sampleNow(), 0) === 500);
    processes.signal(processes.members(runtime.pid), 'SIGKILL', runtime.pid);
    await runtime.exited;
    expect(usedMiB(await looking.sampleNow(), 0)).toBe(500);
    await eventually('the release', async () => usedMiB(await looking.sampleNow(), 0) === 0);
    slow.setLeak(slow.uuids[0] ?? '', 70);
    expect(usedMiB(await looking.sampleNow(), 0)).toBe(70);
    await looking.close();
    slow.remove();
  });

  it('tells no processes where the driver hides them or speaks of another namespace, and keeps the last reading when it breaks', async () => {
    const hidden = makeSimulatedBox({ gpus: [{ totalMiB: 1_000, others: { 1: 5 } }] });
    hidden.update({ foreignPids: true });
    const looking = createDeviceProbe({ nvidiaSmi: hidden.nvidiaSmi, processes, clock, log });
    expect(gpuOf(await looking.start(), 0).byPid).toBeNull();
    hidden.update({ foreignPids: false, hidesProcessMemory: true });
    expect(gpuOf(await looking.sampleNow(), 0).byPid).toBeNull();
    hidden.update({ broken: 'NVIDIA-SMI has failed.' });
    expect(usedMiB(await looking.sampleNow(), 0)).toBe(5);
    await eventually('the warning', () => warnings.some((warning) => warning.includes('NVIDIA-SMI has failed.')));
    await looking.close();
    hidden.remove();
  });

  it('without nvidia-smi shows the host alone, with the memory of the processes asked for', async () => {
    const looking = createDeviceProbe({ nvidiaSmi: '/nowhere/nvidia-smi', processes, clock, log });
    looking.setPids([process.pid]);
    const sample = await looking.start();
    const [host, ...gpus] = sample.devices;
    expect(gpus).toEqual([]);
    expect(looking.gpuFacts().message).toContain('/nowhere/nvidia-smi');
    expect(host).toMatchObject({ id: 'cpu', kind: 'host', simulated: false });
    expect(host?.totalBytes).toBeGreaterThan(host?.usedBytes ?? Number.POSITIVE_INFINITY);
    const resident = host?.byPid?.get(process.pid) ?? 0;
    const anonymous = host?.anonymousByPid?.get(process.pid) ?? 0;
    expect(resident).toBeGreaterThan(anonymous);
    expect(anonymous).toBeGreaterThan(MIB);
    await eventually('the load of the processor', async () => (await looking.sampleNow()).devices[0]?.utilizationRatio !== null);
    await looking.close();
  });
});
