/**
 * The schema of a reason, for the type in reason.ts. A schema that differs from its type does not
 * compile.
 */
import { z } from 'zod';
import { FORM_KINDS } from './profile.ts';
import type { Cause, Fact, Holder, PlaceRef, Reason, Use } from './reason.ts';

const count = z.number().nullable();
const deviceRef = z.object({ id: z.string(), index: count });
const devices = z.array(deviceRef);
const convertedType = z.string();

const place = z.object({
  kind: z.enum(['cpu', 'gpu', 'split', 'elsewhere']),
  devices,
  gpuLayers: count,
  layers: count,
  where: z.string().optional(),
}) satisfies z.ZodType<PlaceRef>;

const use = z.discriminatedUnion('is', [
  z.object({ is: z.literal('busy'), inFlight: z.number() }),
  z.object({ is: z.literal('idle'), idleMs: z.number() }),
  z.object({ is: z.literal('new') }),
  z.object({ is: z.literal('unknown') }),
  z.object({ is: z.enum(['loading', 'asleep', 'draining']) }),
]) satisfies z.ZodType<Use>;

const holder = z.discriminatedUnion('by', [
  z.object({ by: z.literal('pinned'), model: z.string() }),
  z.object({ by: z.literal('ended') }),
  z.object({ by: z.literal('program'), name: z.string().nullable(), pid: count }),
]) satisfies z.ZodType<Holder>;

const notOnGpu = z.discriminatedUnion('is', [
  z.object({ is: z.enum(['absent', 'not-allowed']) }),
  z.object({ is: z.enum(['full', 'too-large', 'unusable']), gpus: devices, runtime: z.string() }),
]);

const cause = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('fits'), place, notOnGpu: notOnGpu.nullable(), isTooLargeForOne: z.boolean() }),
  z.object({ kind: z.literal('evicts'), place, victims: z.array(z.string()) }),
  z.object({ kind: z.literal('wakes'), place }),
  z.object({ kind: z.literal('attaches'), base: z.string() }),
  z.object({ kind: z.literal('converts'), place, type: convertedType }),
  z.object({ kind: z.literal('waits'), place, until: z.enum(['loaded', 'left', 'room', 'asked']), models: z.array(z.string()) }),
  z.object({ kind: z.literal('waits-for-base'), base: z.string(), isRestarted: z.boolean() }),
  z.object({ kind: z.literal('waits-for-turn'), turn: z.enum(['queue', 'load', 'conversion', 'waking', 'prepared']) }),
  z.object({ kind: z.literal('rests'), place: place.nullable(), base: z.string().nullable() }),
  z.object({ kind: z.literal('no-room'), place: place.nullable(), holders: z.array(holder), isWaking: z.boolean() }),
  z.object({ kind: z.literal('too-large'), device: deviceRef.nullable(), bytes: z.number(), emptyBytes: z.number() }),
  z.object({ kind: z.literal('not-taken'), form: z.enum(FORM_KINDS).nullable() }),
  z.object({ kind: z.literal('not-ready'), runtimes: z.array(z.string()) }),
  z.object({ kind: z.literal('no-device') }),
  z.object({ kind: z.literal('no-such-gpu') }),
  z.object({ kind: z.literal('needs-trust') }),
  z.object({ kind: z.literal('base-not-served'), base: z.string() }),
  z.object({ kind: z.literal('said'), sentence: z.string() }),
  z.object({ kind: z.literal('failed'), code: z.string(), place: place.nullable(), sentence: z.string() }),
  z.object({ kind: z.literal('idle'), idleMs: z.number(), queriesPerSecond: z.number() }),
  z.object({ kind: z.literal('sleeps'), idleMs: z.number() }),
  z.object({ kind: z.literal('made-room'), for: z.string() }),
  z.object({ kind: z.literal('by-hand') }),
]) satisfies z.ZodType<Cause>;

const fact = z.discriminatedUnion('fact', [
  z.object({ fact: z.literal('needs'), device: deviceRef, bytes: z.number(), freeBytes: z.number() }),
  z.object({ fact: z.literal('capacity'), device: deviceRef, bytes: z.number(), emptyBytes: z.number() }),
  z.object({ fact: z.literal('holds'), device: deviceRef, holder, bytes: z.number() }),
  z.object({ fact: z.literal('leaves'), model: z.string(), use, isCut: z.boolean() }),
  z.object({ fact: z.literal('in-the-way'), model: z.string(), use }),
  z.object({ fact: z.literal('weights'), type: convertedType, insteadOf: convertedType.nullable() }),
  z.object({ fact: z.literal('quantization'), type: z.string(), of: z.array(z.string()) }),
  z.object({
    fact: z.literal('corrected'),
    side: z.enum(['gpu', 'host']),
    factor: z.number(),
    from: z.enum(['plan', 'model', 'runtime']),
    isClamped: z.boolean(),
  }),
  z.object({ fact: z.literal('overridden'), bytes: z.number(), estimatedBytes: z.number() }),
  z.object({ fact: z.literal('obstacle'), text: z.string() }),
  z.object({ fact: z.literal('note'), text: z.string() }),
  z.object({ fact: z.literal('said'), text: z.string() }),
]) satisfies z.ZodType<Fact>;

export const factsSchema = z.array(fact);
export const reasonSchema = z.object({ cause, facts: factsSchema }) satisfies z.ZodType<Reason>;
