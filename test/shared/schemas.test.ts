/**
 * The schemas of what the engine shows say exactly what the types say, in both directions. The
 * compiler tells, when `npm run check` compiles this file: `satisfies` beside a schema sees what
 * the type lacks, but an optional key that the schema lacks it does not see.
 */
import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { decisionRowSchema, launchPlanSchema } from '../../shared/api-decision.ts';
import { decisionSchema } from '../../shared/api-decision.ts';
import type { activitySchema, historySchema } from '../../shared/api-past.ts';
import type { profileSchema } from '../../shared/api-profile.ts';
import type { foundModelSchema, modelViewSchema, runtimeViewSchema, snapshotSchema, trustSchema } from '../../shared/api-views.ts';
import type { Decision, DecisionRow, LaunchPlan } from '../../shared/decision.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import type { Reason } from '../../shared/reason.ts';
import type { ActivityView, FoundModel, History, ModelView, RuntimeView, Snapshot, TrustView } from '../../shared/snapshot.ts';

/** One spelling for what means the same: readonly or not, intersections or not. */
type Plain<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Plain<Item>[]
    : unknown extends T
      ? unknown
      : { readonly [Key in keyof T]: Plain<T[Key]> };
type Same<A, B> = (<T>() => T extends Plain<A> ? 1 : 2) extends <T>() => T extends Plain<B> ? 1 : 2 ? true : false;

/** Compiles only where the type says exactly what the schema says. */
function agrees<Schema extends z.ZodType, Type>(_: Same<z.output<Schema>, Type>): void {}

test('each schema is its type', () => {
  agrees<typeof decisionSchema, Decision>(true);
  agrees<typeof decisionRowSchema, DecisionRow>(true);
  agrees<typeof launchPlanSchema, LaunchPlan>(true);
  agrees<typeof profileSchema, ModelProfile>(true);
  agrees<typeof modelViewSchema, ModelView>(true);
  agrees<typeof runtimeViewSchema, RuntimeView>(true);
  agrees<typeof snapshotSchema, Snapshot>(true);
  agrees<typeof historySchema, History>(true);
  agrees<typeof activitySchema, ActivityView>(true);
  agrees<typeof trustSchema, TrustView>(true);
  agrees<typeof foundModelSchema, FoundModel>(true);
});

test('what differs does not compile', () => {
  // @ts-expect-error an optional key that the schema lacks
  agrees<z.ZodType<{ a: string }>, { a: string; b?: string }>(true);
  // @ts-expect-error one that the type lacks, deep inside
  agrees<z.ZodType<{ a: { b: string; c?: number }[] }>, { a: { b: string }[] }>(true);
  // @ts-expect-error another word in a list of words
  agrees<z.ZodType<{ a: 'x' | 'y' }>, { a: 'x' }>(true);
  agrees<z.ZodType<{ a: { b?: string }[] }>, { readonly a: readonly { readonly b?: string }[] }>(true);
});

test('a base that a decision names survives the schema', () => {
  const because: Reason = { cause: { kind: 'waits-for-base', base: 'base', isRestarted: false }, facts: [] };
  const waits: Decision = {
    kind: 'wait',
    devices: [],
    waitsFor: ['base'],
    base: 'base',
    candidates: [],
    reason: 'waiting for its base',
    because,
  };
  expect(decisionSchema.parse(waits)).toEqual(waits);
});
