/** Derives a model's name from its path in another tool's store. Pure. */

/**
 * A repository in Hugging Face's cache, or one of its snapshots. Slashes are written as `--`;
 * neither an owner nor a name has that in it.
 */
const HUGGINGFACE = /(?:^|\/)models--([^/]+?)(?:--([^/]+))?(?:\/snapshots\/[0-9a-f]{7,64})?$/;
/** `manifests/HOST/NAMESPACE/NAME/TAG`, as Ollama keeps what it pulled. */
const OLLAMA = /\/manifests\/[^/]+\/([^/]+)\/([^/]+)\/([^/]+)$/;
const LM_STUDIO = /\/(?:\.lmstudio|lm-studio)\/models\/([^/]+)\/([^/]+)$/;

/** `owner/name`, or `name:tag` as Ollama says it; null for a path that lies in no store. */
export function storedName(path: string): string | null {
  const repository = HUGGINGFACE.exec(path);
  if (repository !== null) return repository[2] === undefined ? (repository[1] ?? null) : `${repository[1]}/${repository[2]}`;
  const manifest = OLLAMA.exec(path);
  if (manifest !== null) {
    const [, space, name, tag] = manifest;
    return space === 'library' ? `${name}:${tag}` : `${space}/${name}:${tag}`;
  }
  const folder = LM_STUDIO.exec(path);
  return folder === null ? null : `${folder[1]}/${folder[2]}`;
}

export function isOllamaManifest(path: string): boolean {
  return OLLAMA.test(path);
}

/** The folder of a repository in Hugging Face's cache, not one of its snapshots. */
export function isHuggingfaceRepository(path: string): boolean {
  return HUGGINGFACE.test(path) && !path.includes('/snapshots/');
}
