/**
 * `/predict` with tensors and with a text for servers of the Open Inference Protocol, and its
 * routes, against a server of the test.
 */

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AnswerBudget } from '../../main/http/answer-budget.ts';
import { valuesIn } from '../../main/http/tensor-bytes.ts';
import { predictEventSchema, predictTensorsSchema, predictTextSchema } from '../../shared/api-predict.ts';
import { halfToNumber, numberToHalf } from '../../shared/float16.ts';
import { imageInputs } from '../../shared/settings-images.ts';
import type { ServedTensors } from '../../shared/tensors.ts';
import { MIB } from '../../shared/units.ts';
import { ask, type Setup, startSetup, until } from './harness.ts';

/** What Pillow makes of images. */
const IMAGES = JSON.parse(readFileSync(new URL('../fixtures/images/expected.json', import.meta.url), 'utf8')) as {
  readonly files: Readonly<Record<string, string>>;
  readonly cases: readonly { readonly pixels: string }[];
};

interface Seen {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const TENSORS: ServedTensors = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
  hasBytes: false,
};
const TEXT: ServedTensors = {
  inputs: [{ name: 'text_input', datatype: 'BYTES', shape: [1] }],
  outputs: [{ name: 'text_output', datatype: 'BYTES', shape: [1] }],
  hasBytes: true,
};

let setup: Setup;
let seen: Seen[];
let tensors: ServedTensors | undefined;
let answer: (response: ServerResponse) => void;
const server = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: Buffer.concat(parts) });
  answer(response);
});
const json = (value: unknown) => (response: ServerResponse) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(typeof value === 'string' ? value : JSON.stringify(value));
const output = (name: string, datatype: string, shape: number[], rest: object) => ({ name, datatype, shape, ...rest });

beforeEach(async () => {
  setup = await startSetup();
  seen = [];
  tensors = TENSORS;
  answer = json({ model_name: 'its', outputs: [output('y', 'FP32', [2], { data: [0.5, 1] })] });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const lease = setup.engine.ensureReady;
  setup.engine.ensureReady = async (id, options) =>
    Object.assign(await lease(id, options), { endpoint: { at: { port }, key: null, protocol: 'v2', model: 'its', prefix: '', tensors } });
});
afterEach(async () => {
  await setup.close();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

const predict = (body: object) => ask(setup, '/predict/tiny', { method: 'POST', body });

describe('/predict with inputs', () => {
  it('are checked, asked for by the protocol, and answered by name', async () => {
    const got = await predict({
      inputs: {
        x: [
          [1, 2],
          [3, 4],
        ],
      },
      keep_alive_seconds: 7,
    });
    expect(predictTensorsSchema.strict().parse(got.json)).toMatchObject({ model: 'tiny', outputs: { y: [0.5, 1] } });
    expect(seen[0]?.line).toBe('POST /v2/models/its/infer');
    expect(JSON.parse(String(seen[0]?.body))).toEqual({ inputs: [{ name: 'x', datatype: 'FP32', shape: [2, 2], data: [1, 2, 3, 4] }] });
    expect([setup.engine.keptAlive, setup.engine.leases.map(({ released }) => released)]).toEqual([[['tiny', 7]], [1]]);
  });

  it('images become the tensor that the settings say, by name, as `image` or as `input`; bytes where the server takes them', async () => {
    const [small] = [IMAGES.files['small'] ?? ''];
    const image = `data:image/png;base64,${small}`;
    const wanted = Buffer.from(IMAGES.cases[0]?.pixels ?? '', 'base64');
    tensors = { ...TENSORS, inputs: [{ name: 'x', datatype: 'UINT8', shape: [-1, 24, 17, 3] }], hasBytes: true };
    setup.engine.imageInputs = imageInputs.parse({ x: {} }) ?? {};
    // Read elsewhere than on the engine's thread, with bytes behind the image that nobody reads.
    const large = `data:image/png;base64,${Buffer.concat([Buffer.from(small, 'base64'), Buffer.alloc(100_000)]).toString('base64')}`;
    for (const body of [{ inputs: { x: image } }, { inputs: { image: [image] } }, { input: image }, { input: large }, { input: [large] }]) {
      expect((await predict(body)).json.outputs).toEqual({ y: [0.5, 1] });
      const { headers, body: sent } = seen.pop()!;
      const length = Number(headers['inference-header-content-length']);
      expect(JSON.parse(sent.toString('utf8', 0, length)).inputs).toEqual([
        { name: 'x', datatype: 'UINT8', shape: [1, 24, 17, 3], parameters: { binary_data_size: 1224 } },
      ]);
      expect(sent.subarray(length).equals(wanted)).toBe(true);
    }
    tensors = { ...tensors, hasBytes: false };
    await predict({ input: image });
    expect(JSON.parse(String(seen.pop()?.body)).inputs[0].data).toEqual([...wanted]);
    const damaged = await predict({ input: 'data:image/png;base64,aGVsbG8=' });
    expect([damaged.status, damaged.json.error.param, damaged.json.error.message]).toEqual([
      400,
      'inputs.x',
      'inputs.x: it is no image, and PNG and JPEG are read.',
    ]);
    expect([seen, setup.engine.leases.map(({ released }) => released)]).toEqual([[], [1, 1, 1, 1, 1, 1, 1]]);
    setup.engine.imageInputs = {};
    expect((await predict({ inputs: { x: image } })).json.error.message).toContain(
      'How an image becomes this tensor is written in models.tiny.image_inputs.',
    );
  });

  it('large images and texts stay bytes: they reach the image thread, or the server, and this thread reads none of them', async () => {
    const [small] = [IMAGES.files['small'] ?? ''];
    const wanted = Buffer.from(IMAGES.cases[0]?.pixels ?? '', 'base64');
    const large = `data:image/png;base64,${Buffer.concat([Buffer.from(small, 'base64'), Buffer.alloc(MIB)]).toString('base64')}`;
    tensors = { ...TENSORS, inputs: [{ name: 'x', datatype: 'UINT8', shape: [-1, 24, 17, 3] }], hasBytes: true };
    setup.engine.imageInputs = imageInputs.parse({ x: {} }) ?? {};
    const parse = vi.spyOn(JSON, 'parse');
    for (const body of [{ inputs: { x: large } }, { inputs: { image: [large] } }, { input: large }]) {
      expect((await predict(body)).json.outputs).toEqual({ y: [0.5, 1] });
      const { headers, body: sent } = seen.pop()!;
      expect(sent.subarray(Number(headers['inference-header-content-length'])).equals(wanted)).toBe(true);
    }
    // Beside bytes and alone, with what JSON escapes; and refused without a word of it.
    const text = 'say "ä"\n'.repeat(MIB / 8);
    const half = { name: 'h', datatype: 'FP16', shape: [1] };
    tensors = {
      ...TENSORS,
      inputs: [
        { name: 't', datatype: 'BYTES', shape: [2] },
        { ...half, isOptional: true },
      ],
      hasBytes: false,
    };
    for (const beside of [{}, { h: [1] }]) {
      expect((await predict({ inputs: { t: ['short', text], ...beside } })).status).toBe(200);
      const { headers, body } = seen.pop()!;
      const length = headers['inference-header-content-length'];
      const sent = body.toString('utf8', 0, length === undefined ? undefined : Number(length));
      expect(sent.includes(JSON.stringify(text))).toBe(true);
      expect(body.subarray(Buffer.byteLength(sent)).toString('hex')).toBe(length === undefined ? '' : '003c');
    }
    tensors = { ...TENSORS, inputs: [half] };
    expect((await predict({ inputs: { h: [text] } })).json.error.message).toBe(
      'inputs.h: value 0 is a long text, and a number was expected (FP16).',
    );
    expect(Math.max(...parse.mock.calls.map(([parsed]) => String(parsed).length))).toBeLessThan(10_000);
    parse.mockRestore();
  });

  it('a large answer becomes JSON on another thread, in one piece with the rest, and one that is damaged is told', async () => {
    tensors = { ...TENSORS, hasBytes: true };
    const floats = Buffer.alloc(4 * 30_000);
    for (let index = 0; index < 30_000; index += 1) floats.writeFloatLE(index / 8, index * 4);
    const head = (size: number) =>
      Buffer.from(JSON.stringify({ outputs: [output('f', 'FP32', [2, 15_000], { parameters: { binary_data_size: size } })] }));
    const send = (header: Buffer, all: Buffer) => (response: ServerResponse) =>
      void response.writeHead(200, { 'inference-header-content-length': String(header.length) }).end(Buffer.concat([header, all]));
    const rows = [0, 1].map((row) => Array.from({ length: 15_000 }, (_, index) => (row * 15_000 + index) / 8));
    const read = vi.spyOn(Buffer.prototype, 'readFloatLE');
    answer = send(head(120_000), floats);
    const got = await predict({ inputs: { x: [[1, 2]] } });
    expect(predictTensorsSchema.strict().parse(got.json)).toMatchObject({ model: 'tiny', outputs: { f: rows } });
    expect(read).not.toHaveBeenCalled();
    // As JSON, too, and what is short stays here.
    answer = json({ outputs: [output('f', 'FP32', [2, 15_000], { data: rows.flat() })] });
    expect((await predict({ inputs: { x: [[1, 2]] } })).json.outputs).toEqual({ f: rows });
    // Much that says little.
    answer = (response) => void response.end(`{"outputs":[]${' '.repeat(100_000)}}`);
    expect((await predict({ inputs: { x: [[1, 2]] } })).json.outputs).toEqual({});
    answer = send(head(119_996), floats);
    const damaged = await predict({ inputs: { x: [[1, 2]] } });
    expect([damaged.status, damaged.json.error.message]).toEqual([
      502,
      expect.stringContaining('output f is not as long as its shape says'),
    ]);
    read.mockRestore();
  });

  it('large answers share a bound, and give back what they held when their request ends, in whatever way', async () => {
    const open = vi.spyOn(AnswerBudget.prototype, 'open');
    const ways: ((response: ServerResponse) => void)[] = [
      json({ outputs: [], more: 'x'.repeat(100_000) }),
      json('x'.repeat(100_000)),
      (response) => void response.writeHead(200, { 'content-length': 200_000 }).write('x'.repeat(100_000), () => response.destroy()),
    ];
    for (const way of ways) {
      answer = way;
      await predict({ inputs: { x: [[1, 2]] } });
    }
    const leaves = new AbortController();
    answer = (response) => void response.writeHead(200).write('x'.repeat(100_000));
    const body = JSON.stringify({ inputs: { x: [[1, 2]] } });
    const gone = fetch(`${setup.address}/predict/tiny`, { method: 'POST', body, signal: leaves.signal }).catch(() => null);
    await until(() => open.mock.calls.length === 4);
    leaves.abort();
    await gone;
    await until(() => setup.engine.reports.length === 4);
    const [budget] = open.mock.contexts as AnswerBudget[];
    const [caller = ''] = open.mock.calls[0] ?? [];
    const [all, more] = [budget!.open(caller), budget!.open(caller)];
    // Nothing else is held any more: one client has half of it, and another one the rest.
    all.take(256 * 1024 * 1024);
    expect(() => more.take(1)).toThrow('512 MiB for large answers');
    budget!.open('another').take(256 * 1024 * 1024);
    all.release();
    all.release();
    more.take(1);
    open.mockRestore();
  });

  it('a client who leaves takes its images out of the queue', async () => {
    const image = `data:image/png;base64,${IMAGES.files['small']}`;
    tensors = { ...TENSORS, inputs: [{ name: 'x', datatype: 'UINT8', shape: [-1, 24, 17, 3] }], hasBytes: true };
    setup.engine.imageInputs = imageInputs.parse({ x: {} }) ?? {};
    const leaves = new AbortController();
    const gone = fetch(`${setup.address}/predict/tiny`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: { x: Array.from({ length: 64 }, () => image) } }),
      signal: leaves.signal,
    }).catch(() => null);
    await until(() => setup.engine.leases.length === 1);
    leaves.abort();
    await gone;
    await until(() => setup.engine.leases[0]?.released === 1);
    expect((await predict({ input: image })).status).toBe(200);
    // Its own server was never asked.
    expect(seen).toHaveLength(1);
  });

  it('16-bit numbers go and come as bytes, and texts with them', async () => {
    tensors = { ...TENSORS, inputs: [{ name: 'x', datatype: 'FP16', shape: [3] }], hasBytes: true };
    const texts = Buffer.concat([Buffer.from([2, 0, 0, 0]), Buffer.from('hi'), Buffer.from([0, 0, 0, 0])]);
    const floats = Buffer.alloc(12);
    for (const [index, value] of [0.1, Number.NaN, -3].entries()) floats.writeFloatLE(value, index * 4);
    const head = Buffer.from(
      JSON.stringify({
        outputs: [
          output('f', 'FP32', [1, 3], { parameters: { binary_data_size: 12 } }),
          output('t', 'BYTES', [2], { parameters: { binary_data_size: texts.length } }),
        ],
      }),
    );
    answer = (response) =>
      void response.writeHead(200, { 'inference-header-content-length': String(head.length) }).end(Buffer.concat([head, floats, texts]));
    const got = await predict({ inputs: { x: [1, -2, 65504] } });
    // JSON has no word for what is no number.
    expect(got.json.outputs).toEqual({ f: [[0.1, null, -3]], t: ['hi', ''] });
    const { headers, body } = seen[0]!;
    const length = Number(headers['inference-header-content-length']);
    expect(JSON.parse(body.toString('utf8', 0, length))).toMatchObject({
      inputs: [{ name: 'x', parameters: { binary_data_size: 6 } }],
      parameters: { binary_data_output: true },
    });
    // IEEE 754 binary16, little-endian.
    expect(body.subarray(length).toString('hex')).toBe('003c00c0ff7b');
  });

  it.each<[string, object, string]>([
    ['a wrong shape', { inputs: { x: [[1, 2, 3]] } }, 'inputs.x: its shape is [1, 3], and the model takes FP32 [-1, 2].'],
    [
      'another name',
      { inputs: { z: [[1, 2]] } },
      'inputs.z: the model has no input of this name. It takes x (FP32 [-1, 2]). inputs.x: this input is missing.',
    ],
    ['a stream', { inputs: { x: [[1, 2]] }, stream: true }, 'stream: tensors come in one piece'],
  ])('%s is refused, and its server is not asked', async (_what, body, sentence) => {
    const got = await predict(body);
    expect([got.status, got.json.error.code]).toEqual([400, 'invalid-body']);
    expect(got.json.error.message).toContain(sentence);
    expect(seen).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['no outputs', {}, 'has no outputs'],
    ['too few values', { outputs: [output('y', 'FP32', [3], { data: [1] })] }, 'not as long as its shape says'],
    [
      'bytes that are not there',
      { outputs: [output('y', 'FP32', [3], { parameters: { binary_data_size: 12 } })] },
      'not as long as its shape says',
    ],
    ['no shape', { outputs: [{ name: 'y', datatype: 'FP32', shape: [-1], data: [] }] }, 'has no shape'],
    ['a shape of a billion lists of nothing', { outputs: [output('y', 'FP32', [1_000_000_000, 0], { data: [] })] }, 'has no shape'],
    ['ten thousand dimensions', { outputs: [output('y', 'FP32', Array(10_000).fill(1), { data: [1] })] }, 'has no shape'],
    ['a number of bytes below zero', { outputs: [output('y', 'FP32', [0], { parameters: { binary_data_size: -12 } })] }, 'not as long'],
    ['a text for the number of bytes', { outputs: [output('y', 'FP32', [0], { parameters: { binary_data_size: '0' } })] }, 'not as long'],
    ['an output that is none', { outputs: [null] }, 'has no name'],
    [
      'lists without end',
      `{"outputs":[{"name":"y","shape":[1],"data":[${'['.repeat(20_000)}${']'.repeat(20_000)}]}]}`,
      'has lists or objects',
    ],
  ])('a server that answers with %s is told', async (_what, value, sentence) => {
    answer = json(value);
    const got = await predict({ inputs: { x: [[1, 2]] } });
    expect([got.status, got.json.error.code]).toEqual([502, 'upstream-failed']);
    expect(got.json.error.message).toContain(sentence);
  });

  it('a refusal is passed on in its words, and has whoever knows look at the model', async () => {
    answer = (response) => void response.writeHead(500).end('{"error":"Stub process is not healthy."}');
    const got = await predict({ inputs: { x: [[1, 2]] } });
    expect([got.status, got.json.error.message, setup.engine.doubted]).toEqual([500, 'Stub process is not healthy.', ['tiny']]);
  });

  it('a server that does not say what it takes is asked over /v2', async () => {
    tensors = undefined;
    const got = await predict({ inputs: { x: [1] } });
    expect([got.status, got.json.error.code]).toEqual([400, 'not-supported-by-model']);
    expect(got.json.error.message).toContain('/v2/models/tiny/infer');
  });
});

describe('/predict with a prompt', () => {
  const events =
    (...values: object[]) =>
    (response: ServerResponse) =>
      void response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join(''));

  it('is one text of a server with a generate, whole or in pieces', async () => {
    tensors = TEXT;
    answer = events({ model_name: 'its', text_output: 'Hello ' }, { model_name: 'its', text_output: 'world' });
    const whole = await predict({ prompt: 'Hi', max_tokens: 5 });
    expect(predictTextSchema.strict().parse(whole.json)).toMatchObject({ model: 'tiny', text: 'Hello world' });
    expect(seen[0]?.line).toBe('POST /v2/models/its/generate_stream');
    expect(JSON.parse(String(seen[0]?.body))).toEqual({ text_input: 'Hi', parameters: { max_tokens: 5 } });
    const streamed = await predict({ prompt: 'Hi', stream: true });
    const reported = streamed.text
      .trim()
      .split('\n\n')
      .map((line) => predictEventSchema.parse(JSON.parse(line.slice(6))));
    expect(reported).toMatchObject([{ text: 'Hello ' }, { text: 'world' }, { done: true }]);
    expect((await predict({ messages: [{ role: 'user', content: 'Hi' }] })).json.error.message).toContain('send a prompt');
  });

  it('an error inside of a 200 is an error', async () => {
    tensors = TEXT;
    answer = events({ error: 'this text is refused' });
    const got = await predict({ prompt: 'Hi' });
    expect([got.status, setup.engine.doubted]).toEqual([502, ['tiny']]);
    expect(got.json.error.message).toContain('this text is refused');
  });
});

describe('/v2', () => {
  it('passes inference on as it comes, bytes and headers too, under its own name for the model', async () => {
    const body = Buffer.from([0, 255, 1]);
    const got = await fetch(`${setup.address}/v2/models/owner%2Ftiny/versions/3/infer`, {
      method: 'POST',
      body,
      headers: { 'inference-header-content-length': '1', authorization: 'Bearer secret' },
    });
    expect(await got.json()).toMatchObject({ model_name: 'its' });
    expect(seen[0]).toMatchObject({ line: 'POST /v2/models/its/versions/3/infer', body });
    expect([seen[0]?.headers['inference-header-content-length'], seen[0]?.headers.authorization]).toEqual(['1', undefined]);
    answer = (response) =>
      void response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"unexpected inference input"}');
    const refused = await ask(setup, '/v2/models/tiny/infer', { method: 'POST', body: {} });
    expect([refused.status, refused.json, setup.engine.doubted]).toEqual([400, { error: 'unexpected inference input' }, ['tiny']]);
  });

  it('tells what a model takes and whether it is there, and uses no model for that', async () => {
    setup.engine.served = { isReady: false, runtime: null, tensors: TENSORS };
    setup.engine.imageInputs = {};
    const reported = await ask(setup, '/v2/models/tiny');
    expect(reported.json).toEqual({ name: 'tiny', versions: ['1'], platform: '', inputs: TENSORS.inputs, outputs: TENSORS.outputs });
    expect((await ask(setup, '/v2/models/tiny/ready')).status).toBe(400);
    setup.engine.served = { isReady: true, runtime: 'its', tensors: null };
    expect((await ask(setup, '/v2/models/tiny/ready')).status).toBe(200);
    expect((await ask(setup, '/v2/models/tiny')).json.error.code).toBe('not-supported-by-model');
    expect((await ask(setup, '/v2/models/nobody')).status).toBe(404);
    expect((await ask(setup, '/v2/health/ready')).status).toBe(200);
    expect((await ask(setup, '/v2')).json).toMatchObject({ name: 'modelium' });
    expect([seen, setup.engine.leases]).toEqual([[], []]);
  });

  it.each([
    ['POST', '/v2/repository/models/tiny/load', 404],
    ['POST', '/v2/repository/index', 404],
    ['GET', '/v2/systemsharedmemory/status', 404],
    ['POST', '/v2/models/tiny/trace/setting', 404],
    ['POST', '/v2/models/tiny', 405],
    ['GET', '/v2/models/tiny/infer', 405],
  ])('nothing else of its server is reached: %s %s', async (method, path, status) => {
    const got = await ask(setup, path, { method, ...(method === 'POST' ? { body: {} } : {}) });
    expect([got.status, seen]).toEqual([status, []]);
  });
});

describe('bytes', () => {
  // Values of the standard: 1, the largest, the smallest, -2, a tenth rounded, and infinity.
  it.each([
    [1, 0x3c00],
    [65_504, 0x7bff],
    [2 ** -24, 0x0001],
    [-2, 0xc000],
    [0.1, 0x2e66],
    [1e9, 0x7c00],
    [2048.5, 0x6800],
    [2 ** -14, 0x0400],
    [0, 0],
  ])('%d is %i in 16 bits', (value, bits) => {
    expect(numberToHalf(value)).toBe(bits);
    if (Number.isFinite(halfToNumber(bits))) expect(halfToNumber(bits)).toBeCloseTo(value, value < 1 ? 4 : -1);
  });

  it('what is cut short is no tensor', () => {
    expect(valuesIn(Buffer.from([5, 0, 0, 0, 65]), 'BYTES', 1)).toBeNull();
    expect(valuesIn(Buffer.alloc(7), 'FP32', 2)).toBeNull();
    expect(valuesIn(Buffer.from('ffffffffffffffff', 'hex'), 'INT64', 1)).toEqual([-1]);
    expect(valuesIn(Buffer.from('803f', 'hex'), 'BF16', 1)).toEqual([1]);
  });
});
