/**
 * The playground's forms for models that answer in no words, in a real Chromium on a real engine:
 * a real ranking by llama.cpp, and fixture programs with the interfaces of vLLM and Triton.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { value, writeOnnx } from '../core/analyzer/synthetic-onnx.ts';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { COMPILED, makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';
import { writeTinyFolder } from '../helpers/tiny-folder.ts';

const TRITON = join(import.meta.dirname, '../fixtures/triton/program.ts');
const FLOAT = 1;

describe.skipIf(CHROMIUM === null)('forms of the playground: need Chromium', () => {
  let box: SimulatedBox;
  let live: LiveEngine;
  let browser: Browser;

  beforeAll(async () => {
    box = makeSimulatedBox({ gpus: [{ totalMiB: 8_000 }] });
    live = await startLiveEngine({
      settings: {
        gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 0 },
        host: { reserve_mb: 0 },
        vllm: { command: box.vllmCommand, port_range: [13_201, 13_240] },
        triton: { command: 'triton/bin/tritonserver' },
        orchestration: { policies: { load: 'on_request', min_residency_seconds: 0 } },
      },
      async prepare({ folder, watch }) {
        const root = join(folder, 'triton');
        for (const name of ['bin', 'backends/onnxruntime']) mkdirSync(join(root, name), { recursive: true });
        writeFileSync(
          join(root, 'bin/tritonserver'),
          `#!/bin/sh\nNODE_COMPILE_CACHE='${COMPILED}' exec ${process.execPath} ${TRITON} "$@"\n`,
        );
        chmodSync(join(root, 'bin/tritonserver'), 0o755);
        const configOf = (architecture: string, more: object = {}) => ({ config: { architectures: [architecture], ...more } });
        await writeTinyFolder(join(watch, 'classes'), configOf('BertForSequenceClassification', { id2label: { 0: 'good', 1: 'bad' } }));
        await writeTinyFolder(join(watch, 'speech'), configOf('WhisperForConditionalGeneration', { model_type: 'whisper' }));
        await writeTinyFolder(join(watch, 'seer'), configOf('LlavaForConditionalGeneration', { vision_config: {} }));
        await writeTinyFolder(join(watch, 'talker'));
        writeFileSync(join(watch, 'talker/generation_config.json'), JSON.stringify({ temperature: 0.6, top_p: 0.95 }));
        writeFileSync(join(watch, 'net.onnx'), writeOnnx());
        const pictures = writeOnnx({
          inputs: [value(11, 'x', FLOAT, ['batch', 3, 32, 32])],
          outputs: [
            value(12, 'image', FLOAT, ['batch', 3, 16, 16]),
            value(12, 'boxes', FLOAT, ['batch', 5, 4]),
            value(12, 'scores', FLOAT, ['batch', 5]),
          ],
        });
        writeFileSync(join(watch, 'pictures.onnx'), pictures);
      },
    });
    await live.drop('ranker', { kind: 'bert', ranks: true, contextTokens: 128 });
    for (const id of ['classes', 'speech', 'seer', 'talker', 'net.onnx', 'pictures.onnx', 'ranker']) await live.comesTo(id, 'unloaded');
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser?.close();
    await live?.close();
    box?.remove();
  });

  const open = async (name: string, options = {}) => {
    const opened = await openWindow(browser, live.address, { token: live.engine.token, page: `playground/${name}`, ...options });
    const button = (word: string) => opened.page.getByRole('button', { name: word, exact: true });
    const rowsOf = (table: string) => opened.page.getByRole('group', { name: table, exact: true }).getByRole('row');
    return { ...opened, button, rowsOf };
  };

  it('a reranker sorts documents by their score, the one that the engine itself gives', async () => {
    const { page, errors, button, rowsOf } = await open('ranker', { colorScheme: 'dark' });
    await expect.poll(() => button('Rank').isDisabled()).toBe(true);
    await page.getByRole('textbox', { name: 'Query' }).fill('memory');
    const documents = ['the model answers', 'nobody waits', 'graphics and memory'];
    await page.getByRole('textbox', { name: 'Documents' }).fill(documents.join('\n'));
    await button('Rank').click();
    await rowsOf('Ranking').nth(3).waitFor();
    const { json } = await live.ask('POST', '/v1/rerank', { model: 'ranker', query: 'memory', documents });
    const expected = json.results.map(
      ({ index, relevance_score: score }: { index: number; relevance_score: number }, at: number) =>
        `${at + 1}. ${documents[index]}\t${score.toFixed(4)}`,
    );
    expect((await rowsOf('Ranking').allInnerTexts()).slice(1)).toEqual(expected);
    await expectAccessible(page);
    // What is typed stays over other pages, and the kind knows its model again.
    await page.getByText('Tensors', { exact: true }).click();
    await page.waitForURL(/#\/playground\/(net|pictures)\.onnx$/);
    await page.getByText('Ranking', { exact: true }).first().click();
    await page.waitForURL(/#\/playground\/ranker$/);
    await expect.poll(() => page.getByRole('textbox', { name: 'Query' }).inputValue()).toBe('memory');
    await rowsOf('Ranking').nth(3).waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('a classifier shows its labels with their probabilities, and a sound becomes text', async () => {
    const { page, errors, button, rowsOf } = await open('classes');
    await page.getByRole('textbox', { name: 'Texts to classify' }).fill('fine');
    await button('Classify').click();
    await rowsOf('Classes of fine').nth(2).waitFor();
    expect((await rowsOf('Classes of fine').allInnerTexts()).slice(1)).toEqual(['good\t0.9000', 'Class 1\t0.1000']);
    await expectAccessible(page);
    await page.goto(`${live.address}/#/playground/speech`);
    // What is dropped is looked at as what is chosen is.
    const field = page.getByText('or drop it here');
    await drop(field, [{ name: 'model.gguf', type: '', bytes: [1] }]);
    await page.getByRole('alert').getByText('model.gguf is not a sound.').waitFor();
    await expect.poll(() => button('Transcribe').isDisabled()).toBe(true);
    await drop(field, [{ name: 'b.flac', type: 'audio/flac', bytes: [1] }]);
    await page.getByText('b.flac', { exact: true }).waitFor();
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    await page
      .getByLabel('Sound file', { exact: true })
      .setInputFiles({ name: 'a.wav', mimeType: 'audio/wav', buffer: Buffer.alloc(1_000) });
    await button('Transcribe').click();
    await page.getByText(/^simulated: \d{4} bytes$/).waitFor();
    await expectAccessible(page);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('a model that sees is shown a pasted image, and one that does not says so', async () => {
    const { page, errors } = await open('seer');
    const draft = page.getByRole('textbox', { name: /^Message to/ });
    const paste = (type: string) =>
      draft.evaluate(
        (element, [bytes, kind]) => {
          const data = new DataTransfer();
          data.items.add(new File([Uint8Array.from(bytes as number[])], 'pasted.png', { type: kind as string }));
          element.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
        },
        [[...redPng()], type] as const,
      );
    await paste('image/png');
    await page.getByRole('img', { name: 'Image 1 of the question' }).waitFor();
    // Another one is dropped beside it; where it is transparent it becomes white, as paper is.
    await drop(draft, [{ name: 'clear.png', type: 'image/x-png', bytes: [...png([0, 0, 0, 0])] }]);
    const dropped = page.getByRole('img', { name: 'Image 2 of the question' });
    expect(await dropped.evaluate(centreOf)).toEqual([255, 255, 255]);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Take image 2 away' }).click();
    await page.getByLabel('Images of the question').setInputFiles({ name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('no') });
    await page.getByText('This browser cannot read the file as an image.').waitFor();
    await draft.fill('What is this?');
    const sent = page.waitForRequest((request) => request.url().endsWith('/predict/seer'));
    await page.keyboard.press('Enter');
    expect(((await sent).postDataJSON() as { messages: unknown[] }).messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${redPng().toString('base64')}` } },
        ],
      },
    ]);
    // The runtime got it, and the question shows it.
    await page.getByRole('article', { name: 'seer answers' }).getByText(/./).first().waitFor();
    await page.getByRole('article', { name: 'You asked' }).getByRole('img').waitFor();
    await page.reload();
    await page.getByRole('article', { name: 'You asked' }).getByRole('img').waitFor();
    await page.goto(`${live.address}/#/playground/talker`);
    await page.getByRole('textbox', { name: 'Message to talker' }).waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Attach an image' }).count()).toBe(0);
    await paste('image/png');
    await page.getByText('talker reads no images: it is a model of the kind "chat".').waitFor();
    // Nothing is sent that nobody set; what the author advises is one click away, and is this
    // model's alone.
    const temperature = page.getByRole('spinbutton', { name: 'Temperature' });
    expect([await temperature.inputValue(), await temperature.getAttribute('placeholder')]).toEqual(['', 'default']);
    const curl = page.getByRole('group', { name: 'The request as a curl command' });
    await expect.poll(() => curl.innerText()).not.toContain('temperature');
    await page.getByText('Its author advises temperature 0.6 and top_p 0.95.').waitFor();
    await page.getByRole('button', { name: 'Use these' }).click();
    await expect.poll(() => curl.innerText()).toContain('"temperature": 0.6,');
    await page.reload();
    await expect.poll(() => temperature.inputValue()).toBe('0.6');
    await temperature.fill('');
    await expect.poll(() => curl.innerText()).not.toContain('temperature');
    await expect.poll(() => curl.innerText()).toContain('"top_p": 0.95');
    await page.goto(`${live.address}/#/playground/seer`);
    await page.getByRole('textbox', { name: 'Message to seer' }).waitFor();
    await expect.poll(() => curl.innerText()).not.toContain('top_p');
    await expectAccessible(page);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('the form of tensors comes from what the model takes: numbers are typed, an image becomes its pixels', async () => {
    const { page, errors, button, rowsOf } = await open('net.onnx');
    const field = page.getByRole('textbox', { name: 'x: FP32 [-1, 4]' });
    await field.fill('1 2 three 4');
    await button('Infer').click();
    await page.getByRole('status').getByText('Failed: x: "three" is not a number.').waitFor({ state: 'attached' });
    // Beside the form it is said before anything is sent.
    await expect.poll(() => page.getByText('x: "three" is not a number.', { exact: true }).count()).toBe(2);
    await field.fill('1 2 3 4\n5 6 7 8');
    const curl = page.getByRole('group', { name: 'The request as a curl command' });
    const shown = JSON.parse(/-d '([\s\S]*)'/.exec(await curl.innerText())?.[1] ?? '');
    const sentNumbers = page.waitForRequest((request) => request.url().endsWith('/predict/net.onnx'));
    await button('Infer').click();
    expect((await sentNumbers).postDataJSON()).toEqual(shown);
    await rowsOf('y').nth(2).waitFor();
    await expect.poll(() => rowsOf('y').nth(1).innerText()).toMatch(/^0(\t0){8}$/);
    // JSON goes as it is, and the engine says what is wrong with it.
    await field.fill('[[1, 2]]');
    await button('Infer').click();
    await page.getByText(/^inputs\.x: its shape is \[1, 2\], and the model takes FP32 \[-1, 4\]/).waitFor();

    await page.goto(`${live.address}/#/playground/pictures.onnx`);
    const sent = page.waitForRequest((request) => request.url().endsWith('/predict/pictures.onnx'));
    await page
      .getByLabel('x: FP32 [-1, 3, 32, 32]', { exact: true })
      .setInputFiles({ name: 'red.png', mimeType: 'image/png', buffer: redPng() });
    await button('Infer').click();
    const { inputs } = (await sent).postDataJSON() as { inputs: { x: number[][][][] } };
    expect([inputs.x.length, inputs.x[0]?.length, inputs.x[0]?.[0]?.length, inputs.x[0]?.[0]?.[0]?.length]).toEqual([1, 3, 32, 32]);
    expect([0, 1, 2].map((channel) => inputs.x[0]?.[channel]?.[16]?.[16])).toEqual([1, 0, 0]);
    await page.getByText('Put the values of the image in place of [] at x, nested as FP32 [-1, 3, 32, 32].').waitFor();
    await page.getByRole('img', { name: 'image as an image, 16 x 16' }).waitFor();
    await expect.poll(() => rowsOf('Detections').count()).toBe(6);
    await expectAccessible(page);
    const white = page.waitForRequest((request) => request.url().endsWith('/predict/pictures.onnx'));
    await drop(page.getByText('red.png', { exact: true }), [{ name: 'clear.png', type: 'image/png', bytes: [...png([0, 0, 0, 0])] }]);
    await page.getByText('clear.png', { exact: true }).waitFor();
    await button('Infer').click();
    const clear = ((await white).postDataJSON() as { inputs: { x: number[][][][] } }).inputs.x[0];
    expect([0, 1, 2].map((channel) => clear?.[channel]?.[16]?.[16])).toEqual([1, 1, 1]);
    // What is no image is told in words, and nothing is sent.
    await page
      .getByLabel('x: FP32 [-1, 3, 32, 32]', { exact: true })
      .setInputFiles({ name: 'no.png', mimeType: 'image/png', buffer: Buffer.from('no') });
    await button('Infer').click();
    await page.getByText('This browser cannot read the file as an image.', { exact: true }).waitFor();
    // A server may tell that such a model goes on with a text: then everything is as for one that
    // does.
    const text = (name: string) => [{ name, datatype: 'BYTES', shape: [1] }];
    await page.route('**/v2/models/net.onnx', (route) =>
      route.fulfill({ json: { name: 'net.onnx', platform: '', versions: [], inputs: text('text_input'), outputs: text('text_output') } }),
    );
    await page.goto(`${live.address}/#/playground/net.onnx`);
    await page.getByRole('textbox', { name: 'Text for net.onnx to continue' }).fill('Once');
    await expect.poll(() => curl.innerText()).toContain('"prompt": "Once"');
    await page.getByRole('spinbutton', { name: 'Temperature' }).waitFor();
    // The engine refused one request, as it should.
    expect(errors.filter((error) => !error.includes('400'))).toEqual([]);
    await page.context().close();
  });
});

function redPng(): Buffer {
  return png([255, 0, 0, 255]);
}

interface Dropped {
  readonly name: string;
  readonly type: string;
  readonly bytes: readonly number[];
}

async function drop(target: Locator, files: readonly Dropped[]): Promise<void> {
  const data = await target.page().evaluateHandle((given) => {
    const made = new DataTransfer();
    for (const { name, type, bytes } of given) made.items.add(new File([Uint8Array.from(bytes)], name, { type }));
    return made;
  }, files);
  for (const type of ['dragenter', 'dragover', 'drop']) await target.dispatchEvent(type, { dataTransfer: data });
}

/** Runs in the page. */
async function centreOf(image: HTMLElement): Promise<readonly number[]> {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d');
  await (image as HTMLImageElement).decode();
  canvas?.drawImage(image as HTMLImageElement, 0, 0, 1, 1);
  return [...(canvas?.getImageData(0, 0, 1, 1).data ?? [])].slice(0, 3);
}

/** Four pixels of one colour. @param pixel its red, green, blue and alpha. */
function png(pixel: readonly number[]): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length);
    return Buffer.concat([frame.subarray(0, 4), body, crc(body)]);
  };
  const head = Buffer.from([0, 0, 0, 2, 0, 0, 0, 2, 8, 6, 0, 0, 0]);
  const row = [0, ...pixel, ...pixel];
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    magic,
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.from([...row, ...row]))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc(bytes: Buffer): Buffer {
  let sum = 0xff_ff_ff_ff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xed_b8_83_20 : 0);
  }
  const out = Buffer.alloc(4);
  out.writeUInt32BE((sum ^ 0xff_ff_ff_ff) >>> 0);
  return out;
}
