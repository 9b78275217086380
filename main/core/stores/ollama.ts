/**
 * Reads Ollama's manifests: finds the blob that is the model. Pure and bounded, because a manifest
 * is an untrusted file (I7).
 */

export interface OllamaModel {
  /** The name of the blob in the store's folder `blobs`. */
  readonly blob: string;
  readonly bytes: number;
  /** Layers that belong to the model and are not served with it: `projector`, `adapter`. */
  readonly beside: readonly string[];
}

const MODEL_LAYER = 'application/vnd.ollama.image.model';
const BESIDE = /^application\/vnd\.ollama\.image\.(projector|adapter)$/;
const DIGEST = /^sha256:([0-9a-f]{64})$/;
/** A manifest has about six. */
const MOST_LAYERS = 4_096;

/** A manifest is about 1 KB; Ollama's registry refuses larger ones. */
export const MANIFEST_MAX_BYTES = 4 * 1024 * 1024;

/** @returns the model, or a sentence why there is none. */
export function readOllamaManifest(text: string): OllamaModel | string {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return 'its manifest is not JSON';
  }
  const layers = (manifest as { readonly layers?: unknown } | null)?.layers;
  if (!Array.isArray(layers) || layers.length > MOST_LAYERS) return 'its manifest has no list of layers';
  const beside: string[] = [];
  let model: { readonly blob: string; readonly bytes: number } | null = null;
  for (const layer of layers as readonly unknown[]) {
    const { mediaType, digest, size } = (layer ?? {}) as Readonly<Record<string, unknown>>;
    const kind = typeof mediaType === 'string' ? mediaType : '';
    const other = BESIDE.exec(kind)?.[1];
    if (other !== undefined) beside.push(other);
    if (kind !== MODEL_LAYER || model !== null) continue;
    const hash = typeof digest === 'string' ? DIGEST.exec(digest)?.[1] : undefined;
    // Names inside files never lead out of the folder: a digest is 64 digits, or it is none.
    if (hash === undefined) return 'its manifest does not name its model by a SHA-256';
    model = { blob: `sha256-${hash}`, bytes: typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : 0 };
  }
  return model === null ? 'its manifest names no model file that could be served (it may live in the cloud)' : { ...model, beside };
}
