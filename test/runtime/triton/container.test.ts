/** Triton in a container: when it is one, what starts it, and what it may see. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Step, Steps } from '../../../main/runtime/step.ts';
import { removeLeftovers, type TritonContainer } from '../../../main/runtime/triton/container.ts';
import { NOT_FOUND } from '../../../main/runtime/triton/find.ts';
import { triton } from '../../../main/runtime/triton/module.ts';
import { start } from '../../../main/runtime/triton/server.ts';
import { explainExit } from '../../../main/runtime/triton/words.ts';
import { NOTHING_KNOWN } from '../../../shared/profile.ts';
import { settingsSchema } from '../../../shared/settings.ts';
import { searcher, searchMachine } from '../../helpers/searching.ts';

const IMAGE = 'nvcr.io/nvidia/tritonserver:26.09-py3';
const folder = mkdtempSync(join(tmpdir(), 'modelium-container-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const program of ['podman', 'docker']) {
  writeFileSync(join(folder, program), '#!/bin/sh\n');
  chmodSync(join(folder, program), 0o755);
}
for (const each of ['models', 'more', 'a:b']) mkdirSync(join(folder, each));

function machineOf(container: object, change: Parameters<typeof searchMachine>[0] = {}) {
  const settings = settingsSchema.parse({
    triton: { container, args: ['--log-verbose=1'], env: { LD_LIBRARY_PATH: '/of/mine', KEY: 'value' } },
    orchestration: { model_discovery: { watch_directories: ['models', 'absent'] } },
  });
  return searchMachine({ settings, settingsFolder: folder, env: { PATH: folder }, ...change });
}

const found = (machine: ReturnType<typeof machineOf>) => searcher.search(triton.find(machine, NOT_FOUND));

function drive<Result>(steps: Steps<Result>, answer: (step: Step) => unknown): readonly Step[] {
  const taken: Step[] = [];
  for (let turn = steps.next(); !turn.done; turn = steps.next(answer(turn.value))) taken.push(turn.value);
  return taken;
}

async function launch(container: object, hasGpus = false, change: Parameters<typeof searchMachine>[0] = {}): Promise<readonly string[]> {
  const machine = machineOf(container, change);
  const steps = start({
    found: await found(machine),
    settings: machine.settings.triton,
    maxBodyMb: machine.settings.api.max_body_mb,
    hasGpus,
  });
  const taken = drive(steps, ({ do: what }) =>
    what === 'scratch' ? '/tmp/x/launch-1' : what === 'http' ? { status: 200, body: '' } : what === 'ask' ? [] : undefined,
  );
  const spawn = taken.find((step) => step.do === 'spawn');
  // Everybody on this machine can read a command line.
  expect(spawn?.env).toEqual({ KEY: 'value', ...(hasGpus ? { CUDA_DEVICE_ORDER: 'PCI_BUS_ID' } : {}) });
  return [spawn?.command ?? '', ...(spawn?.args ?? [])];
}

test('an image in triton.container makes it one, by container.program, with container.args, and folders for reading only', async () => {
  expect((await found(machineOf({}))).container).toBeNull();
  const plain = await launch({ image: IMAGE });
  // Without a network, without rights, with nothing downloaded; what is behind the image is what a
  // server of ours is always told.
  expect(plain).toEqual([
    join(folder, 'podman'),
    'run',
    '--rm',
    '--pull',
    'never',
    '--name',
    'modelium-a-test-launch-1',
    '--label',
    'modelium.owner=a-test',
    '--network',
    'none',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
    '--security-opt',
    'label=disable',
    '--shm-size',
    '1g',
    '--userns',
    'keep-id',
    '--env',
    'MODELIUM_LAUNCH',
    '--env',
    'HOME=/tmp',
    '--env',
    'CUDA_VISIBLE_DEVICES=',
    '--env',
    'LD_LIBRARY_PATH=/of/mine',
    '--env',
    'KEY',
    '--volume',
    '/tmp/x/launch-1:/tmp/x/launch-1',
    '--volume',
    `${join(folder, 'models')}:${join(folder, 'models')}:ro`,
    IMAGE,
    'tritonserver',
    '--model-repository=/tmp/x/launch-1',
    '--model-control-mode=explicit',
    '--strict-readiness=false',
    '--http-address=unix:/tmp/x/launch-1/h',
    '--allow-grpc=false',
    '--http-max-input-size=67108864',
    '--metrics-address=unix:/tmp/x/launch-1/m',
    '--exit-timeout-secs=5',
    '--backend-config=python,shm-region-prefix-name=modelium-launch-1',
    '--log-verbose=1',
  ]);
  const own = await launch({ image: IMAGE, program: 'docker', folders: ['more'], args: ['--memory', '8g'] }, true, {
    env: { PATH: folder },
  });
  expect(own[0]).toBe(join(folder, 'docker'));
  expect(own.join(' ')).toContain('--gpus all --user 1000:1000');
  expect(own.join(' ')).toContain(`${join(folder, 'more')}:ro --memory 8g ${IMAGE} tritonserver`);
  const asRoot = await launch({ image: IMAGE }, false, { user: { uid: 0, gid: 0 } });
  expect(asRoot.filter((each) => each === '--user' || each === '--userns')).toEqual([]);
});

test('what it would be started with is told before, and what is wrong with it', async () => {
  const seen = await found(machineOf({ image: IMAGE, args: ['--memory', '8g', '--env', 'TOKEN=hunter2'] }));
  expect(seen.message).toMatch(
    new RegExp(
      `^Triton in a container of ${IMAGE}, which reads ${join(folder, 'models')}: ${join(folder, 'podman')} run --rm .*--network none .*, with triton\\.container\\.args\\.$`,
    ),
  );
  // Everybody may read it (/status), and nobody is told an argument.
  expect(seen.message).not.toMatch(/8g|hunter2/);
  const wrong = async (container: object, change = {}) => {
    const { isWrong, message } = await found(machineOf({ image: IMAGE, ...container }, change));
    return isWrong && message;
  };
  expect([await wrong({}, { env: {} }), await wrong({ program: '/nowhere/x' }), await wrong({ folders: ['a:b'] })]).toEqual([
    'triton.container.image is set, and neither podman nor docker is on the PATH.',
    'triton.container.program is /nowhere/x, and there is no such program.',
    `${join(folder, 'a:b')} cannot be shown to a container, since its path has a colon.`,
  ]);
  const exit = { code: 125, signal: null };
  expect(explainExit(exit, [`Error: ${IMAGE}: image not known`])).toMatchObject({
    permanent: true,
    message: `The image of Triton's container is not here (${IMAGE}): pull it with podman or docker, or correct triton.container.image.`,
  });
});

test('a model that it could not read is told so, and the others are not', async () => {
  const machine = machineOf({ image: IMAGE });
  const adapter = triton.adapter(machine, await found(machine));
  const form = { kind: 'onnx', files: ['m.onnx'], codeFiles: [] } as const;
  const lacks = (path: string) => adapter.lacks?.(form, { path }, NOTHING_KNOWN);
  expect(lacks(join(folder, 'models/m'))).toBeNull();
  expect(lacks(join(folder, 'models-too/m'))).toBe(
    `Triton's container reads ${join(folder, 'models')}, and the model lies in ${join(folder, 'models-too/m')}: name its folder in triton.container.folders.`,
  );
  // Nobody knows before which backends an image has.
  expect(adapter.supports({ ...NOTHING_KNOWN, forms: [form] }, form).supported).toBe(true);
});

test('only containers with our label are removed, by what podman lists', () => {
  const container = { program: 'podman', owner: 'me' } as TritonContainer;
  const taken = drive(removeLeftovers(container), () => ['a'.repeat(64), 'WARNING: something']);
  expect(taken.map((step) => step.do === 'ask' && step.args)).toEqual([
    ['ps', '--all', '--quiet', '--no-trunc', '--filter', 'label=modelium.owner=me'],
    ['rm', '--force', 'a'.repeat(64)],
  ]);
  expect(drive(removeLeftovers(container), () => [])).toHaveLength(1);
});
