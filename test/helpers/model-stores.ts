/**
 * Model stores laid out as the tools themselves do: Hugging Face's cache, LM Studio's folders,
 * Ollama's manifests and blobs.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { tinyModel } from '../../main/embedded/gguf/tiny-model.ts';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export interface HubOptions {
  readonly commit?: string;
  /** Writes refs/main, naming the commit; a string in place of it, or none at all. */
  readonly main?: string | null;
  /** Files whose blob never came. */
  readonly dangling?: readonly string[];
}

export function tinyBytes(seed = 1): Buffer {
  return Buffer.from(tinyModel({ seed })[0]!.bytes);
}

function put(path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

/**
 * @returns the repository's folder: blobs by their hash, and a snapshot of relative links to them.
 */
export function writeHubModel(
  hub: string,
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  options: HubOptions = {},
): string {
  const { commit = COMMIT, main = commit, dangling = [] } = options;
  const repository = join(hub, `models--${name.replace('/', '--')}`);
  if (main !== null) put(join(repository, 'refs', 'main'), main);
  for (const [file, content] of Object.entries(files)) {
    const blob = join(repository, 'blobs', sha256(content));
    if (!dangling.includes(file)) put(blob, content);
    const link = join(repository, 'snapshots', commit, file);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(relative(dirname(link), blob), link);
  }
  return repository;
}

export function writeLmStudioModel(models: string, name: string, file: string, content: Uint8Array): string {
  return put(join(models, name, file), content);
}

/** @returns the manifest's path. */
export function writeOllamaModel(models: string, name: string, tag: string, content: Uint8Array, blobIsThere = true): string {
  const digest = sha256(content);
  if (blobIsThere) put(join(models, 'blobs', `sha256-${digest}`), content);
  const layer = (mediaType: string, text: string) => {
    put(join(models, 'blobs', `sha256-${sha256(text)}`), text);
    return { mediaType, digest: `sha256:${sha256(text)}`, size: text.length };
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: layer('application/vnd.docker.container.image.v1+json', '{"model_format":"gguf","model_family":"llama"}'),
    layers: [
      { mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${digest}`, size: content.length },
      layer('application/vnd.ollama.image.template', '{{ .Prompt }}'),
      layer('application/vnd.ollama.image.license', 'Apache License'),
      layer('application/vnd.ollama.image.params', '{"stop":["<|im_end|>"]}'),
    ],
  };
  return put(join(models, 'manifests', 'registry.ollama.ai', 'library', name, tag), JSON.stringify(manifest));
}
