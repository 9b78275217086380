/**
 * The attacks of `npm run bench -- attacks`, each in a process of its own, so that what it costs to
 * attack does not blur what is measured beside it: `attacker.ts NAME PORT WATCH_FOLDER` goes on
 * until it is ended.
 */
import fs from 'node:fs';
import { connect, type Socket } from 'node:net';
import os, { constants } from 'node:os';
import { stepProgramBehind } from '../../main/core/step-behind.ts';
import { MIB } from '../../shared/units.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';

/**
 * The model whose answers are measured, the one that is attacked, and one whose template never
 * ends.
 */
export const [VICTIM, TARGET, ENDLESS] = ['victim', 'target', 'endless'];
export const ENDLESS_TEMPLATE = '{% for i in range(10 ** 12) %}{% for j in range(10 ** 12) %}x{% endfor %}{% endfor %}';

export interface Target {
  readonly port: number;
  /** The watch folder. */
  readonly watch: string;
}

/** Begins it, and waits for no answers; it ends with this process. */
type Attack = (target: Target) => unknown;

function body(model: string, more: object): Buffer {
  return Buffer.from(JSON.stringify({ model, max_tokens: 1, ...more }));
}

function said(model: string, text: string): Buffer {
  return body(model, { messages: [{ role: 'user', content: text }] });
}

const CHATS = '/v1/chat/completions';
const EMBEDDINGS = '/v1/embeddings';

function head(length: number, path = CHATS): string {
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
}

function open({ port }: Target): Socket {
  return connect(port, '127.0.0.1')
    .on('error', () => {})
    .resume();
}

/** Sends each body on a connection of its own, again as soon as it is answered. */
function repeating(bodies: () => readonly Buffer[], path = CHATS): Attack {
  return (target) => {
    function send(bytes: Buffer): void {
      const socket = open(target);
      socket.write(head(bytes.length, path));
      socket.write(bytes);
      socket.once('data', () => {
        socket.destroy();
        setTimeout(send, 50, bytes);
      });
    }
    bodies().forEach(send);
  };
}

/** Sends and stays. */
function staying(count: number, bytes: () => Buffer): Attack {
  return (target) => {
    const sent = bytes();
    for (let index = 0; index < count; index += 1) open(target).write(sent);
  };
}

function doubling(): object {
  const $defs: Record<string, object> = { d0: { type: 'string' } };
  for (let depth = 1; depth <= 30; depth += 1) {
    const $ref = { $ref: `#/$defs/d${depth - 1}` };
    $defs[`d${depth}`] = { type: 'object', properties: { a: $ref, b: $ref }, required: ['a', 'b'] };
  }
  return { type: 'json_schema', json_schema: { name: 's', schema: { ...($defs['d30'] as object), $defs } } };
}

/** Opens connections that say no HTTP, again as soon as each is closed. */
function garbage(count: number): Attack {
  return (target) => {
    function send(): void {
      open(target)
        .once('close', () => setTimeout(send, 50))
        .write('\u0000 garbage \r\n\r\n');
    }
    for (let index = 0; index < count; index += 1) send();
  };
}

/** Of files that stay: before a second time they are removed. */
export const OF_FILES = '500 GGUFs and 1,000 projectors';
export const DROPPED_FILES = /^(mmproj-)?m\d/;

export const ATTACKS: Readonly<Record<string, Attack>> = {
  '62 MB of {} in a list': repeating(() => [Buffer.from(`{"model":"${VICTIM}","messages":[${'{},'.repeat((62 * MIB) / 3)}{}]}`)]),
  '40 unfinished bodies of 58 MB': staying(40, () => Buffer.concat([Buffer.from(head(60 * MIB)), Buffer.alloc(58 * MIB, 'x')])),
  'prompts of 10 to 50 MB': repeating(() => [10, 50].map((mib) => said(TARGET, 'word '.repeat((mib * MIB) / 5)))),
  '100,000 messages': repeating(() => [
    body(TARGET, { messages: Array.from({ length: 100_000 }, () => ({ role: 'user', content: 'a' })) }),
  ]),
  'a template that never ends': repeating(() => [said(ENDLESS, 'a')]),
  'a schema that doubles': repeating(() => [body(TARGET, { messages: [{ role: 'user', content: 'a' }], response_format: doubling() })]),
  'an enumeration of 100,000': repeating(() => {
    const schema = { enum: Array.from({ length: 100_000 }, (_, index) => `value ${index}`) };
    const format = { type: 'json_schema', json_schema: { name: 's', schema } };
    return [body(TARGET, { messages: [{ role: 'user', content: 'a' }], response_format: format })];
  }),
  'a million inputs to embed': repeating(() => [Buffer.from(`{"model":"${TARGET}","input":["a"${',"a"'.repeat(999_999)}]}`)], EMBEDDINGS),
  '20 connections of garbage': garbage(20),
  '2,000 idle connections': staying(2_000, () => Buffer.alloc(0)),
  [OF_FILES]: async ({ watch }) => {
    for (let index = 0; index < 500; index += 1) {
      await writeTinyGguf(watch, { name: `m${index}` });
      for (const kind of ['f16', 'q8_0']) await writeTinyGguf(watch, { name: `mmproj-m${index}-${kind}` });
    }
  },
};

if (process.argv[1] === import.meta.filename) {
  const [, , name = '', port, watch = ''] = process.argv;
  // An attacker is another machine: what its own computing takes from a model here is no finding.
  stepProgramBehind(os, fs, constants.priority.PRIORITY_LOW);
  await ATTACKS[name]?.({ port: Number(port), watch });
  // Until it is ended.
  setInterval(() => {}, 1_000);
}
