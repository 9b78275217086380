/**
 * The program that serves one model with llama.cpp: OpenAI's routes on loopback, llama-server's
 * flags. Owns its process: the messages to its parent, and its end when the parent ends. Everything
 * else is in the neighbouring files.
 */
import { createServer } from 'node:http';
import { ModeliumError } from '../../shared/errors.ts';
import { parseFlags, type ServerFlags } from './flags.ts';
import { checkGguf } from './gguf/gguf-check.ts';
import { type LoadedModel, loadModel, loadVocabulary } from './llama/llama.ts';
import { memoryReport } from './llama/memory-lines.ts';
import type { Sequence } from './llama/sequence.ts';
import { Slots } from './llama/slots.ts';
import { ChatTemplate } from './requests/chat-template.ts';
import type { TextSide } from './requests/prepared.ts';
import { answerPreparations, PREPARES, Preparer, startPreparer } from './requests/preparer.ts';
import { answer, isAuthorized } from './routes/routes.ts';
import type { Serving } from './routes/serving.ts';
import { Strangers } from './routes/strangers.ts';

/** llama.cpp's log comes through a queue of its own, a moment after what it tells of. */
const LOG_DELAY_MS = 50;
const KEPT_ERROR_LINES = 8;
/** Beside this file, as a source and in the bundle. */
const TEMPLATE_PROGRAM = new URL(`./requests/template-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

function sendToParent(message: object): void {
  if (process.connected) process.send?.(message, () => {});
}

/** stderr is a pipe or a file: written in one piece before the next line of this program runs. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function fail(error: unknown): never {
  say(`modelium: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

/**
 * Dies with the parent, however it dies, and without waiting for a native thread: nothing here is
 * worth saving.
 */
function endWithParent(): void {
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
}

function takeKey(): string {
  const key = process.env['LLAMA_API_KEY'];
  // Not for the eyes of the short-lived child that node-llama-cpp starts to try its library.
  delete process.env['LLAMA_API_KEY'];
  if (key === undefined || key === '') throw new ModeliumError('settings-invalid', 'LLAMA_API_KEY is not set: the server needs a key.');
  return key;
}

async function load(flags: ServerFlags): Promise<LoadedModel> {
  const lines: string[] = [];
  const errors: string[] = [];
  let percent = -1;
  say(`modelium: loading ${flags.model}`);
  try {
    await checkGguf(flags.model);
    const model = await loadModel({
      file: flags.model,
      contextTokens: Math.max(1, Math.floor(flags.totalContextTokens / flags.parallel)),
      sequences: flags.parallel,
      purpose: flags.purpose,
      batchTokens: flags.batchTokens,
      gpuLayers: flags.gpuLayers,
      threads: flags.threads,
      cacheTypes: flags.cacheTypes,
      flashAttention: flags.flashAttention,
      onProgress(ratio) {
        const now = Math.floor(ratio * 100);
        if (now > percent) say(`modelium: loading ${now} %`);
        percent = now;
      },
      onLine(line, isError) {
        say(line);
        if (line.includes('buffer size')) lines.push(line);
        if (isError && errors.push(line) > KEPT_ERROR_LINES) errors.shift();
      },
    });
    setTimeout(() => sendToParent(memoryReport(lines)), LOG_DELAY_MS);
    return model;
  } catch (error) {
    await new Promise((resolve) => setTimeout(resolve, LOG_DELAY_MS));
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot load ${flags.model}: ${[words, ...errors].join(' | ')}`, { cause: error });
  }
}

function textSide(flags: ServerFlags, model: LoadedModel): TextSide {
  const texts = flags.purpose === 'generation' ? model.chatTemplates : { default: '' };
  return { alias: flags.alias, model, template: new ChatTemplate(texts, TEMPLATE_PROGRAM, model.templateTokens) };
}

function serve(flags: ServerFlags, model: LoadedModel): Serving {
  const slots = new Slots<Sequence | null>(flags.purpose === 'generation' ? model.sequences : [null], (active) =>
    sendToParent({ type: 'generating', active }),
  );
  process.on('message', (message: { type?: unknown; threads?: unknown } | null) => {
    const threads = message?.type === 'threads' ? message.threads : null;
    if (typeof threads === 'number' && Number.isInteger(threads) && threads >= 1) model.setThreads(threads);
  });
  const side = textSide(flags, model);
  const program = process.argv[1] ?? '';
  const preparer = new Preparer(side, () => startPreparer(program, model.contextTokens, process.argv.slice(2)));
  const prepare: Serving['prepare'] = async (route, body, signal) => await preparer.prepare(route, body, signal);
  return { ...side, purpose: flags.purpose, slots, prepare };
}

async function main(): Promise<void> {
  endWithParent();
  const args = process.argv.slice(2);
  if (args[0] === PREPARES) {
    const flags = parseFlags(args.slice(2));
    return answerPreparations(loadVocabulary(flags.model, Number(args[1])).then((model) => textSide(flags, model)));
  }
  const flags = parseFlags(args);
  const key = takeKey();
  let serving: Serving | null = null;
  // The engine keeps its connections; a timeout of ours could close one in the moment in which it
  // sends the next request.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 600_000 }, (request, response) => {
    if (isAuthorized(request, key)) strangers.known(request.socket);
    answer(request, response, key, serving).catch(fail);
  });
  const strangers = new Strangers(server);
  server.on('error', (error: NodeJS.ErrnoException) =>
    fail(error.code === 'EADDRINUSE' ? `port ${flags.port} on ${flags.host} is taken (EADDRINUSE)` : error),
  );
  server.listen(flags.port, flags.host);
  serving = serve(flags, await load(flags));
  say(`modelium: serving ${flags.alias} on ${flags.host}:${flags.port}`);
}

main().catch(fail);
