/**
 * Parses the `.xml` of an OpenVINO pair: version, inputs, outputs and the end of its weights in the
 * `.bin`. It scans tags one at a time instead of parsing XML: no entity is expanded, and a document
 * type is refused. Pure and bounded (I7).
 */
import type { TensorSpec } from '../../../shared/profile.ts';
import type { ByteSource } from './bytes.ts';
import { damaged, FormatError } from './bytes.ts';

export interface OpenVinoModel {
  readonly name: string | null;
  /** Of the format: 10 and 11 are in use. */
  readonly version: number;
  readonly inputs: readonly TensorSpec[];
  /** Names only: their shapes follow from the graph. */
  readonly outputs: readonly string[];
  readonly layers: number;
  /**
   * Bytes of the constants by type, and how many elements they have; null where a shape does not
   * tell.
   */
  readonly weightBytes: ReadonlyMap<string, number>;
  readonly parameters: number | null;
  /** Bytes that the `.bin` must have. */
  readonly weightsEnd: number;
  /** Operator sets that OpenVINO does not bring: their library has to be trusted. */
  readonly customSets: readonly string[];
}

/** XMLs of the largest published models have some 20 MB. */
const MAX_XML_BYTES = 64 * 1024 * 1024;
const WINDOW_BYTES = 64 * 1024;
const MAX_TAG_CHARACTERS = 256 * 1024;
const MAX_LAYERS = 131_072;
const MAX_TAGS = 2_000_000;
const MAX_ATTRIBUTES = 64;
const MAX_TYPES = 64;
const MAX_INPUTS = 4096;
const MAX_DIMENSIONS = 64;
const MAX_NAME_CHARACTERS = 1024;
const MAX_FILE_BYTES = 2 ** 46;

interface Layer {
  readonly name: string;
  readonly type: string;
}

interface Draft {
  name: string | null;
  version: number | null;
  closed: boolean;
  layer: Layer | null;
  layers: number;
  weightsEnd: number;
  parameters: number;
  tags: number;
  readonly inputs: TensorSpec[];
  readonly outputs: string[];
  readonly weightBytes: Map<string, number>;
  readonly customSets: Set<string>;
}

/**
 * @throws FormatError `truncated` where it ends before its last tag, `damaged` when it is no model
 * of OpenVINO, or hostile.
 */
export function readOpenVinoXml(source: ByteSource): OpenVinoModel {
  if (source.bytes > MAX_XML_BYTES) throw damaged(`it has ${source.bytes} bytes; ${MAX_XML_BYTES} are possible`);
  const draft: Draft = {
    name: null,
    version: null,
    closed: false,
    layer: null,
    layers: 0,
    weightsEnd: 0,
    parameters: 0,
    tags: 0,
    inputs: [],
    outputs: [],
    weightBytes: new Map(),
    customSets: new Set(),
  };
  for (const tag of tagsOf(source)) {
    draft.tags += 1;
    if (draft.tags > MAX_TAGS) throw damaged(`it has more than ${MAX_TAGS} tags`);
    if (source.work !== undefined) source.work.steps += 1;
    visit(tag, draft);
    if (draft.closed) break;
  }
  if (!draft.closed || draft.version === null) throw new FormatError('truncated', 'its last tag is not there');
  const { name, version, inputs, outputs, layers, weightBytes, weightsEnd, customSets } = draft;
  const parameters = Number.isFinite(draft.parameters) ? draft.parameters : null;
  return { name, version, inputs, outputs, layers, weightBytes, parameters, weightsEnd, customSets: [...customSets] };
}

/** Is this the beginning of a model of OpenVINO? Other XML is nobody's business here. */
export function beginsAsOpenVino(source: ByteSource): boolean {
  const head = new TextDecoder().decode(source.read(0, Math.min(4096, source.bytes)));
  return /^\uFEFF?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--[^<]*-->\s*)?<net\s/.test(head);
}

/** Each tag without its angle brackets, in order. Text between tags is passed over. */
function* tagsOf(source: ByteSource): Generator<string> {
  let pending = '';
  // Latin letters, digits and punctuation are single bytes in UTF-8; what else a name holds may
  // look odd, and misleads nobody.
  const decoder = new TextDecoder('latin1');
  for (let offset = 0; offset < source.bytes; offset += WINDOW_BYTES) {
    pending += decoder.decode(source.read(offset, Math.min(WINDOW_BYTES, source.bytes - offset)));
    let from = 0;
    for (;;) {
      const open = pending.indexOf('<', from);
      if (open < 0) {
        from = pending.length;
        break;
      }
      const end = tagEnd(pending, open + 1);
      if (end < 0) {
        from = open;
        break;
      }
      yield pending.slice(open + 1, end);
      from = end + 1;
    }
    pending = pending.slice(from);
    if (pending.length > MAX_TAG_CHARACTERS) throw damaged(`a tag in it has more than ${MAX_TAG_CHARACTERS} characters`);
  }
}

/**
 * Where the tag ends; an angle bracket inside quotes does not end it. -1: not in what was read so
 * far.
 */
function tagEnd(text: string, from: number): number {
  if (text.startsWith('!--', from)) {
    const end = text.indexOf('-->', from + 3);
    return end < 0 ? -1 : end + 2;
  }
  for (let at = from; at < text.length; at += 1) {
    const letter = text.charCodeAt(at);
    if (letter === 0x3e) return at;
    if (letter !== 0x22 && letter !== 0x27) continue;
    at = text.indexOf(letter === 0x22 ? '"' : "'", at + 1);
    if (at < 0) return -1;
  }
  return -1;
}

function visit(tag: string, draft: Draft): void {
  if (/^!DOCTYPE|^!ENTITY|^!\[/i.test(tag)) throw damaged('it declares a document type, which no model of OpenVINO does');
  const name = /^\/?[\w:.-]+/.exec(tag)?.[0] ?? '';
  if (draft.version === null) {
    if (tag.startsWith('?') || tag.startsWith('!--')) return;
    const version = attributesOf(tag).get('version') ?? '';
    if (name !== 'net' || !/^\d{1,3}$/.test(version)) throw damaged('it does not begin as a model of OpenVINO does');
    draft.version = Number(version);
    draft.name = attributesOf(tag).get('name') ?? null;
  } else if (name === 'layer') visitLayer(attributesOf(tag), draft);
  else if (name === '/layer') draft.layer = null;
  else if (name === 'data' && draft.layer !== null) visitData(attributesOf(tag), draft.layer, draft);
  else if (name === '/net') draft.closed = true;
}

function visitLayer(attributes: ReadonlyMap<string, string>, draft: Draft): void {
  draft.layers += 1;
  if (draft.layers > MAX_LAYERS) throw damaged(`it has more than ${MAX_LAYERS} layers`);
  draft.layer = { name: (attributes.get('name') ?? '').slice(0, MAX_NAME_CHARACTERS), type: attributes.get('type') ?? '' };
  const set = attributes.get('version') ?? 'opset1';
  if (!/^(?:opset\d{1,3}|experimental|ie_internal_opset|util)$/.test(set) && draft.customSets.size < 16) {
    draft.customSets.add(set.slice(0, MAX_NAME_CHARACTERS));
  }
  if (draft.layer.type !== 'Result') return;
  if (draft.outputs.length >= MAX_INPUTS) throw damaged(`it has more than ${MAX_INPUTS} outputs`);
  draft.outputs.push(draft.layer.name);
}

function visitData(attributes: ReadonlyMap<string, string>, layer: Layer, draft: Draft): void {
  const type = (attributes.get('element_type') ?? 'unknown').slice(0, 32);
  const sizes = shapeOf(attributes.get('shape') ?? '');
  if (layer.type === 'Parameter') {
    if (draft.inputs.length >= MAX_INPUTS) throw damaged(`it has more than ${MAX_INPUTS} inputs`);
    draft.inputs.push({ name: layer.name, type, shape: sizes });
  } else if (layer.type === 'Const') {
    const [offset, bytes] = [count(attributes.get('offset')), count(attributes.get('size'))];
    if (offset === null || bytes === null) throw damaged('a constant of it does not say where its bytes lie');
    draft.weightsEnd = Math.max(draft.weightsEnd, offset + bytes);
    const known = draft.weightBytes.get(type);
    if (known === undefined && draft.weightBytes.size >= MAX_TYPES) throw damaged(`it has constants of more than ${MAX_TYPES} types`);
    draft.weightBytes.set(type, (known ?? 0) + bytes);
    const elements = sizes.reduce((product, size) => product * size, 1);
    draft.parameters += elements >= 0 && elements <= MAX_FILE_BYTES ? elements : Number.POSITIVE_INFINITY;
  }
}

/** `1,3,?,224` -> sizes, -1 for one that is chosen at run time. */
function shapeOf(text: string): number[] {
  if (text === '') return [];
  const parts = text.split(',', MAX_DIMENSIONS + 1);
  if (parts.length > MAX_DIMENSIONS) throw damaged(`a shape in it has more than ${MAX_DIMENSIONS} dimensions`);
  return parts.map((part) => count(part.trim()) ?? -1);
}

function count(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) && Number(text) <= MAX_FILE_BYTES ? Number(text) : null;
}

function attributesOf(tag: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let count = 0;
  for (const [, name, double, single] of tag.matchAll(/\s([\w:.-]{1,64})\s{0,8}=\s{0,8}(?:"([^"]*)"|'([^']*)')/g)) {
    count += 1;
    if (count > MAX_ATTRIBUTES) throw damaged(`a tag in it has more than ${MAX_ATTRIBUTES} attributes`);
    found.set(name ?? '', double ?? single ?? '');
  }
  return found;
}
