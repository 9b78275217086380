/**
 * Invariant 12 on a real engine: a load and the analysis of long headers do not delay what a ready
 * model streams. The same stream is read with an idle engine and with a busy one, and beside the
 * busy one a stream through a proxy that does nothing else, which tells what the machine alone does
 * to both. The gaps between chunks are compared: no time is asserted by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from './embedded/start-server.ts';
import { BUILT_COMMAND } from './helpers/built-app.ts';
import { eventually } from './helpers/eventually.ts';
import { largeHeaderGguf } from './helpers/large-gguf.ts';
import { makeSimulatedBox, type SimulatedBox } from './helpers/simulated-box.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const LEAST_PROXY = fileURLToPath(new URL('bench/least-proxy.ts', import.meta.url));
const TOKENS = 400;
/** All that the simulated runtime makes: the reader leaves when the work beside the stream is over. */
const MOST_TOKENS = 4096;
const TOKEN_MS = 10;
/** So many that a main thread held up by each analysis would show in the hundredth of the gaps. */
const HEADERS = 6;
/** Other programs of this machine may take so much of any run. */
const NOISE_MS = 5;
/** One for each try. */
const OTHERS = ['other-0', 'other-1', 'other-2'];
const PACE = ['--token-ms', String(TOKEN_MS)];

let root: string;
let incoming: string;
let box: SimulatedBox;
let engine: ChildProcess;
let story = '';
let address = '';
let exited: Promise<unknown>;
/** A runtime of the same kind behind a proxy that does nothing else. */
let alone: readonly ChildProcess[] = [];
let aloneAddress = '';

interface Listed {
  readonly models: readonly { readonly id: string; readonly state: string }[];
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'modelium-latency-'));
  incoming = join(root, 'incoming');
  mkdirSync(incoming);
  box = makeSimulatedBox({ gpus: [] });
  for (const name of ['paced', ...OTHERS]) await writeTinyGguf(incoming, { name });
  const settings = {
    metrics: { enabled: false },
    gpus: { use: 'none' },
    llama: { command: box.runtimeCommand },
    orchestration: { policies: { load: 'on_request' } },
    models: { paced: { args: PACE }, ...Object.fromEntries(OTHERS.map((name) => [name, { args: ['--load-ms', '1500'] }])) },
  };
  writeFileSync(join(root, 'modelium.yaml'), JSON.stringify(settings));
  const flags = ['--config', join(root, 'modelium.yaml'), '--port', '0', '--watch', incoming];
  engine = spawn(process.execPath, [BUILT_COMMAND, '--state-folder', join(root, 'state'), 'serve', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  exited = once(engine, 'exit');
  engine.stdout?.setEncoding('utf8').on('data', (text: string) => {
    story += text;
  });
  address = await eventually('the engine is up', () => /Server ready at (\S+)/.exec(story)?.[1]);
  for (const name of ['paced', ...OTHERS]) await eventually(`${name} is seen`, async () => (await stateOf(name)) === 'unloaded');
  const [upstream, proxied] = [String(await freePort()), String(await freePort())];
  aloneAddress = `http://127.0.0.1:${proxied}`;
  alone = [
    spawn(box.runtimeCommand, ['--port', upstream, ...PACE], { stdio: 'ignore' }),
    spawn(process.execPath, [LEAST_PROXY, '--port', proxied, '--upstream-port', upstream], { stdio: 'ignore' }),
  ];
  for (const port of [upstream, proxied]) {
    const isUp = async () => (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok;
    await eventually('the stream without an engine is up', isUp);
  }
  for (const each of [address, aloneAddress]) await readStream(each, { tokens: 1 });
});

afterAll(async () => {
  for (const each of alone) each.kill('SIGKILL');
  engine.kill('SIGTERM');
  const hard = setTimeout(() => engine.kill('SIGKILL'), 15_000);
  await exited;
  clearTimeout(hard);
  box.remove();
  rmSync(root, { recursive: true, force: true });
});

async function stateOf(id: string): Promise<string | undefined> {
  const listed = (await (await fetch(`${address}/models`)).json()) as Listed;
  return listed.models.find((model) => model.id === id)?.state;
}

interface StreamRead {
  /** Milliseconds between one chunk and the next. */
  readonly gaps: readonly number[];
  readonly words: number;
  readonly whole: boolean;
}

interface ReadOptions {
  readonly tokens: number;
  /** Called at the first chunk. */
  readonly begun?: () => void;
  /** The reader leaves once this holds. */
  readonly isEnough?: (words: number) => boolean;
}

/** One stream, to its end or until the reader has enough of it. */
function readStream(from: string, { tokens, begun = () => {}, isEnough = () => false }: ReadOptions): Promise<StreamRead> {
  const body = JSON.stringify({ model: 'paced', messages: [{ role: 'user', content: 'go on' }], max_tokens: tokens, stream: true });
  return new Promise((resolve, reject) => {
    const asked = request(`${from}/v1/chat/completions`, { method: 'POST', agent: false }, (answer) => {
      let words = 0;
      let end = '';
      let lastMs = 0;
      const gaps: number[] = [];
      answer.setEncoding('utf8').on('data', (part: string) => {
        const now = performance.now();
        if (lastMs === 0) begun();
        else gaps.push(now - lastMs);
        lastMs = now;
        words += part.split('"content":').length - 1;
        end = part;
        if (!isEnough(words)) return;
        resolve({ gaps, words, whole: false });
        answer.destroy();
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve({ gaps, words, whole: end.trimEnd().endsWith('data: [DONE]') });
        else reject(new Error(`status ${answer.statusCode}: ${end}`));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

function longNames(other: string): readonly string[] {
  return Array.from({ length: HEADERS }, (_, index) => `long-${other}-${index}`);
}

/**
 * Long headers come in one after another and a model loads; all of it is over when this resolves.
 */
async function makeBusy(other: string): Promise<void> {
  const body = JSON.stringify({ model: other, prompt: 'go', max_tokens: 1 });
  const loading = fetch(`${address}/v1/completions`, { method: 'POST', body });
  const names = longNames(other);
  for (const name of names) {
    renameSync(join(root, `${name}.gguf`), join(incoming, `${name}.gguf`));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect((await loading).status).toBe(200);
  // Its layers are missing, which is known once its header was read.
  for (const name of names) await eventually(`${name} is analyzed`, async () => (await stateOf(name)) === 'blocked');
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

test('a stream keeps its pace while long headers are analyzed and another model loads', { timeout: 180_000 }, async () => {
  // Written before: this process reads the streams too, and must not hold them up itself.
  const header = largeHeaderGguf();
  for (const name of OTHERS.flatMap(longNames)) writeFileSync(join(root, `${name}.gguf`), header);
  const seen: string[] = [];
  // Another program may disturb any one run; work on the engine's main thread would disturb every
  // one.
  for (const other of OTHERS) {
    const idle = await readStream(address, { tokens: TOKENS });
    expect(idle).toMatchObject({ words: TOKENS, whole: true });
    let work: Promise<void> = Promise.resolve();
    let isOver = false;
    const isEnough = (words: number) => isOver && words >= TOKENS;
    const machine = readStream(aloneAddress, { tokens: MOST_TOKENS, isEnough });
    const busy = await readStream(address, {
      tokens: MOST_TOKENS,
      isEnough,
      begun: () => {
        work = makeBusy(other).finally(() => {
          isOver = true;
        });
        // Told below, when the stream has ended.
        work.catch(() => {});
      },
    });
    const beside = await machine;
    await work;
    const [idleMs, busyMs] = [quantile(idle.gaps, 0.99), quantile(busy.gaps, 0.99)];
    // What the machine did meanwhile to a stream that nothing of ours could delay.
    const besideMs = quantile(beside.gaps, 0.99);
    if (busyMs <= 1.2 * Math.max(idleMs, besideMs) + NOISE_MS) return;
    seen.push(
      `p99 of the gaps: ${busyMs.toFixed(1)} ms, idle ${idleMs.toFixed(1)} ms, beside it without an engine ${besideMs.toFixed(1)} ms`,
    );
  }
  expect.fail(seen.join('\n'));
});
