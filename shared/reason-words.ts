/**
 * The wording of reasons, for the log, the command line and the window: a headline of at most 80
 * characters that begins with the result, the facts as short phrases, and a sentence of both.
 * Wording only; pure.
 */
import type { DecisionRow } from './decision.ts';
import { assertNever } from './errors.ts';
import type { Cause, DeviceRef, Fact, NotOnGpu, PlaceRef, Reason } from './reason.ts';
import {
  clipped,
  deviceInWords,
  devicesInWords,
  HEADLINE_CHARACTERS,
  headlineFrom,
  holderInWords,
  lowered,
  type Name,
  namesInWords,
  shortName,
  usageInWords,
} from './reason-names.ts';
import { bytesInWords, longSpan } from './units.ts';

/** At most `HEADLINE_CHARACTERS`, without a full stop: `On the CPU: both GPUs are full`. */
export function headlineOf({ cause }: Reason): string {
  const whole = causeInWords(cause, (name) => name);
  return whole.length <= HEADLINE_CHARACTERS ? whole : clipped(causeInWords(cause, shortName));
}

/**
 * Phrases for chips and lists. @param place of the reason, whose only device need not be named
 * again.
 */
export function factInWords(fact: Fact, place: PlaceRef | null = null): string {
  const at = (device: DeviceRef): string =>
    place?.devices.length === 1 && place.kind !== 'split' && place.devices[0]?.id === device.id ? '' : `${deviceInWords(device)}: `;
  switch (fact.fact) {
    case 'needs':
      return `${at(fact.device)}needs ${bytesInWords(fact.bytes)}, ${bytesInWords(fact.freeBytes)} free`;
    case 'capacity':
      return `${at(fact.device)}needs ${bytesInWords(fact.bytes)}, has ${bytesInWords(fact.emptyBytes)} for models when it is empty`;
    case 'holds':
      return `${deviceInWords(fact.device)}: ${holderInWords(fact.holder)} ${bytesInWords(fact.bytes)}`;
    case 'leaves':
      return `${fact.model} leaves first (${usageInWords(fact.use)}${fact.isCut ? ', after a long enough wait' : ''})`;
    case 'in-the-way':
      return `${fact.model} is in the way (${usageInWords(fact.use)})`;
    case 'weights':
      return fact.insteadOf === null ? `weights as ${fact.type}` : `weights as ${fact.type}: there is no room for ${fact.insteadOf}`;
    case 'quantization':
      return `${fact.type}, of ${fact.of.join(', ')}`;
    case 'corrected':
      return `estimate of ${fact.side === 'gpu' ? 'GPU' : 'main'} memory x ${fact.factor.toFixed(2)} (${CORRECTED_BY[fact.from]}${fact.isClamped ? '; the largest correction that is allowed' : ''})`;
    case 'overridden':
      return `the settings say ${bytesInWords(fact.bytes)} in place of the estimate of ${bytesInWords(fact.estimatedBytes)}`;
    case 'obstacle':
    case 'note':
      return fact.text.replace(/\.$/, '');
    case 'said':
      return fact.text;
    default:
      return assertNever(fact);
  }
}

const CORRECTED_BY = {
  plan: 'earlier loads of this plan took that',
  model: 'this model took that with another plan',
  runtime: 'other models took that on this runtime',
} as const;

/**
 * Facts that belong to the details, which are opened: how the figures came about, and whole
 * sentences.
 */
export function isDetail({ fact }: Fact): boolean {
  return fact === 'corrected' || fact === 'note' || fact === 'said';
}

/**
 * All of it in one sentence without a full stop, for the log and for who asked: the headline with
 * its facts, or what was said of it as a whole.
 */
export function sentenceOf(reason: Reason): string {
  const quoted = reason.facts.filter(({ fact }) => fact === 'said');
  if (quoted.length > 0) return quoted.map((fact) => factInWords(fact)).join(' ');
  const place = placeOf(reason.cause);
  const facts = reason.facts.filter((fact) => !isDetail(fact)).map((fact) => factInWords(fact, place));
  return [headlineOf(reason), ...facts].join('; ');
}

/**
 * Of a row of the ledger: the headline of its decision, and of what came of it where it failed.
 * Rows of earlier versions have their sentence alone.
 */
export function rowHeadlines({ because, sentence, outcome }: Pick<DecisionRow, 'because' | 'sentence' | 'outcome'>): {
  readonly headline: string;
  readonly failure: string | null;
} {
  const headline = because === undefined ? sentence : headlineOf(because);
  if (outcome === null || outcome.ok) return { headline, failure: null };
  const place = because === undefined ? null : placeOf(because.cause);
  return {
    headline,
    failure: headlineOf({ cause: { kind: 'failed', code: outcome.code ?? '', place, sentence: outcome.message }, facts: [] }),
  };
}

/** Where it goes, stays or would go; null where that is not what the reason is about. */
export function placeOf(cause: Cause): PlaceRef | null {
  return 'place' in cause ? cause.place : null;
}

function causeInWords(cause: Cause, name: Name): string {
  switch (cause.kind) {
    case 'fits':
      return fitsInWords(cause, name);
    case 'evicts':
      return `${onInWords(cause.place, name)}: after ${namesInWords(cause.victims, name)} ${cause.victims.length === 1 ? 'has' : 'have'} left`;
    case 'wakes':
      return `${onInWords(cause.place, name)}: woken where it sleeps`;
    case 'attaches':
      return `With its base ${name(cause.base)}: served as one of its adapters`;
    case 'converts':
      return `Converted to a GGUF (${cause.type}) first, then ${lowered(onInWords(cause.place, name))}`;
    case 'waits':
    case 'waits-for-base':
    case 'waits-for-turn':
    case 'rests':
      return waitingInWords(cause, name);
    case 'idle':
      return `Unloaded: idle for ${longSpan(cause.idleMs)}`;
    case 'sleeps':
      return `Put to sleep: idle for ${longSpan(cause.idleMs)}, its weights wait in main memory`;
    case 'made-room':
      return `Unloaded: ${name(cause.for)} needs the memory`;
    case 'by-hand':
      return 'Unloaded by hand';
    case 'failed':
      return failureInWords(cause, name);
    default:
      return refusalInWords(cause, name);
  }
}

function fitsInWords({ place, notOnGpu, isTooLargeForOne }: Extract<Cause, { kind: 'fits' }>, name: Name): string {
  const where = onInWords(place, name);
  if (place.kind === 'elsewhere') return `${where}: takes no memory here`;
  if (place.kind === 'split') return `${where}: ${place.gpuLayers ?? '?'} of ${place.layers ?? '?'} layers fit on the GPU`;
  if (notOnGpu !== null) return `${where}: ${notOnGpuInWords(notOnGpu)}`;
  return isTooLargeForOne ? `${where}: too large for one of them` : `${where}: it fits`;
}

function notOnGpuInWords(why: NotOnGpu): string {
  switch (why.is) {
    case 'absent':
      return 'there is no GPU here';
    case 'not-allowed':
      return 'the settings allow it no GPU';
    case 'full':
      return `${allInWords(why.gpus)} ${why.gpus.length === 1 ? 'is' : 'are'} full`;
    case 'too-large':
      return `it is too large for ${allInWords(why.gpus)}`;
    case 'unusable':
      return `${why.runtime} cannot use ${allInWords(why.gpus)}`;
    default:
      return assertNever(why);
  }
}

function allInWords(gpus: readonly DeviceRef[]): string {
  const [only] = gpus;
  if (gpus.length === 1 && only !== undefined) return deviceInWords(only);
  return gpus.length === 2 ? 'both GPUs' : `all ${gpus.length} GPUs`;
}

type Waiting = Extract<Cause, { kind: 'waits' | 'waits-for-base' | 'waits-for-turn' | 'rests' }>;

const TURNS = {
  queue: 'Waiting for its turn',
  load: 'Waiting: another load on the same device comes first',
  conversion: 'Waiting: another model is being converted',
  waking: 'Waiting to be woken',
  prepared: 'Waiting for its turn: the conversion is done',
} as const;

function waitingInWords(cause: Waiting, name: Name): string {
  if (cause.kind === 'waits-for-turn') return TURNS[cause.turn];
  if (cause.kind === 'waits-for-base')
    return `Waiting for its base ${name(cause.base)}: it is ${cause.isRestarted ? 'started again' : 'loaded'} first`;
  if (cause.kind === 'rests') {
    if (cause.base !== null) return `Not loaded now: no free room for its base ${name(cause.base)}`;
    return cause.place === null
      ? 'Not loaded now: there is no free room'
      : `Not loaded now: no free room on ${devicesInWords(cause.place.devices)}`;
  }
  const { place, models, until } = cause;
  const [verb, verbs] = WAITS_UNTIL[until];
  const who = models.length === 0 ? 'other programs hold it' : `${namesInWords(models, name)} ${models.length === 1 ? verb : verbs}`;
  return `Waiting for ${devicesInWords(place.devices)}: ${who}`;
}

const WAITS_UNTIL = {
  loaded: ['is being loaded there', 'are being loaded there'],
  left: ['is leaving', 'are leaving'],
  room: ['holds it', 'hold it'],
  asked: ['holds it, and nobody has asked for this one', 'hold it, and nobody has asked for this one'],
} as const;

type Refused = Exclude<
  Cause,
  Waiting | { kind: 'fits' | 'evicts' | 'wakes' | 'attaches' | 'converts' | 'idle' | 'sleeps' | 'made-room' | 'by-hand' | 'failed' }
>;

function refusalInWords(cause: Refused, name: Name): string {
  switch (cause.kind) {
    case 'no-room': {
      const where = cause.place === null ? '' : ` on ${devicesInWords(cause.place.devices)}`;
      const result = cause.isWaking ? `Cannot wake${where}` : `No room${where}`;
      const [only] = cause.holders;
      return only === undefined ? result : `${result}: ${holderInWords(only, name)} it`;
    }
    case 'too-large':
      return cause.device === null
        ? 'Too large for this machine'
        : `Too large for this machine: needs ${bytesInWords(cause.bytes)}, ${deviceInWords(cause.device)} has ${bytesInWords(cause.emptyBytes)}`;
    case 'not-taken':
      return cause.form === null
        ? 'No runtime here takes it'
        : `No runtime here takes ${FORMS[cause.form] ?? `a model in the form ${cause.form}`}`;
    case 'not-ready':
      return `${namesInWords(cause.runtimes, name)} would serve it, but ${cause.runtimes.length === 1 ? 'is' : 'are'} not ready here`;
    case 'no-device':
      return 'No runtime can run it on a device of this machine';
    case 'no-such-gpu':
      return 'Its settings name no GPU that is here';
    case 'needs-trust':
      return 'Not trusted yet: it contains code that would run here';
    case 'base-not-served':
      return `Its base ${name(cause.base)} cannot be served`;
    case 'said':
      return headlineFrom(cause.sentence);
    default:
      return assertNever(cause);
  }
}

const FORMS: Readonly<Record<string, string>> = {
  transformers: 'a Hugging Face folder',
  gguf: 'this GGUF',
  adapter: 'an adapter',
  onnx: 'an ONNX model',
  pickle: 'a pickled checkpoint',
  triton: 'a Triton model',
};

function failureInWords({ code, place, sentence }: Extract<Cause, { kind: 'failed' }>, name: Name): string {
  const where = place === null ? '' : lowered(onInWords(place, name));
  switch (code) {
    case 'out-of-memory':
      return `Out of memory ${where}`.trim();
    case 'load-stalled':
      return `No progress while loading ${where}`.trim();
    case 'load-too-long':
      return `Loading ${where}`.trim().concat(' took too long');
    case 'room-did-not-come':
      return place === null ? 'The memory did not become free in time' : `${devicesInWords(place.devices)} did not become free in time`;
    default:
      return headlineFrom(sentence);
  }
}

function onInWords({ kind, devices, where }: PlaceRef, name: Name): string {
  if (kind === 'elsewhere') return where === undefined ? 'Elsewhere' : `At ${name(where)}`;
  return `On ${devicesInWords(devices)}${kind === 'split' ? ' and the CPU' : ''}`;
}
