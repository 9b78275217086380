/** What is fuzzed here: the embedded server itself, which an engine's proxy would protect. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TemplateError } from '../../main/core/jinja/errors.ts';
import { Template } from '../../main/core/jinja/template.ts';
import { damagedTemplate } from '../helpers/damaged-template.ts';
import { checkRefusal, type FuzzTarget, PATIENCE_MS } from '../helpers/request-fuzzer.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { fuzzRequest, random } from './fuzz-bodies.ts';
import { startServer } from './start-server.ts';

const REFUSALS = [400, 404, 413, 429];

/** Two real servers: of a model that writes, and of one that embeds. */
export async function modelServers(): Promise<FuzzTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'modelium-fuzz-'));
  const text = await writeTinyGguf(folder, { weights: 'F32' });
  const bert = await writeTinyGguf(folder, { name: 'bert', kind: 'bert', contextTokens: 128 });
  const [chat, embedder] = await Promise.all([
    startServer(['--model', text, '--alias', 'tiny', '--ctx-size', '512', '--parallel', '2']),
    startServer(['--model', bert, '--alias', 'bert', '--ctx-size', '128', '--embeddings', '--ubatch-size', '128']),
  ]);
  return {
    describe: fuzzRequest,
    async send(seed, index) {
      if (index % 10 === 9) renderDamaged(random(seed + index));
      const { path, body } = fuzzRequest(seed, index);
      const shown = `${path} ${body.slice(0, 2000)}`;
      const server = path === '/v1/embeddings' || (path === '/v1/rerank' && index % 2 === 0) ? embedder : chat;
      const answer = await server
        .request(path, body, { signal: AbortSignal.timeout(PATIENCE_MS) })
        .then(async (response) => ({ status: response.status, text: await response.text() }))
        .catch((error: unknown) => {
          throw new Error(`${shown} broke the connection: ${error}`);
        });
      if (answer.status !== 200) checkRefusal(answer, REFUSALS, shown);
      if (server.child.exitCode !== null || server.child.signalCode !== null)
        throw new Error(`${shown} ended the server: ${server.lines.slice(-5).join(' | ')}`);
      return answer.status;
    },
    async complete(fields) {
      const response = await chat.request('/v1/completions', fields);
      return { status: response.status, text: await response.text() };
    },
    async end() {
      for (const server of [chat, embedder]) await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** An error of its own, or a text. */
function renderDamaged(next: () => number): void {
  try {
    const bounds = { steps: 200_000, characters: 1_000_000, longestText: 500_000, milliseconds: 2000, now: () => performance.now() };
    const values = { messages: [{ role: 'user', content: 'x' }], bos_token: '', eos_token: '' };
    new Template(damagedTemplate(next)).render(values, { bounds, now: () => new Date(0) });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
  }
}
