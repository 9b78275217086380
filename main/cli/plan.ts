/**
 * `modelium plan`: shows what a model or path is, where the brain would place it, and how the brain
 * judged every candidate.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Candidate, type Decision, HOST_DEVICE } from '../../shared/decision.ts';
import { factInWords, headlineOf, isDetail, placeOf } from '../../shared/reason-words.ts';
import type { DeviceView } from '../../shared/snapshot.ts';
import { bytesInWords } from '../../shared/units.ts';
import { connect } from '../client.ts';
import { notThere } from './add.ts';
import { nameOfDevice, placeName } from './devices.ts';
import { meantBy } from './model-name.ts';
import { inLines, paint, printJson, printText, table } from './output.ts';
import { profileText } from './profile-text.ts';
import type { Shared } from './verb.ts';

export async function plan({ stateFolder, json, wide }: Shared, given: string): Promise<number> {
  const isPath = existsSync(given);
  // `owner/name` may be a model's alias.
  if (!isPath && /^(?:\.{0,2}\/|~)|\/.*\//.test(given)) throw notThere(given);
  const engine = await connect(stateFolder);
  const { models, devices } = await engine.get<'snapshot'>('/control/snapshot');
  const target = isPath ? resolve(given) : meantBy(given, models);
  const answer = await engine.post<'plan'>('/control/plan', { target });
  const { decision, profile, message } = answer;
  if (json) printJson(answer);
  else {
    if (profile !== null) printText(profileText(profile));
    printText(decision === null ? inLines([message]) : decisionText(decision, devices, wide));
  }
  return decision === null || decision.kind === 'refuse' ? 1 : 0;
}

const KINDS = { place: 'green', wait: 'yellow', refuse: 'red' } as const;

/** The headline, its facts, how they came about, and every candidate; the chosen one first. */
function decisionText(decision: Decision, devices: readonly DeviceView[], wide = false): string {
  const { because, candidates, kind } = decision;
  const place = placeOf(because.cause);
  const facts = because.facts.filter((fact) => !isDetail(fact));
  const details = because.facts.filter(isDetail);
  return inLines([
    `${paint(KINDS[kind], kind)}: ${paint('bold', headlineOf(because))}`,
    ...facts.map((fact) => `  ${factInWords(fact, place)}`),
    ...details.map((fact) => paint('dim', `  ${factInWords(fact)}`)),
    ...(decision.kind === 'refuse' ? [decision.help] : []),
    ...entryLines(decision),
    ...(candidates.length > 0 ? candidateTable(candidates, devices, wide).split('\n') : []),
  ]);
}

/**
 * What a server that several models share is told of this one: for a process of its own these are
 * flags, which `--json` shows.
 */
function entryLines(decision: Decision): readonly string[] {
  const plan = decision.kind === 'place' ? decision.candidate.plan : null;
  // One that its server has already has no entry of ours.
  return plan?.server === undefined || plan.args.length === 0
    ? []
    : ['', 'Its entry in the model repository of the server:', ...plan.args.map((line) => paint('dim', `  ${line}`)), ''];
}

/** Every candidate with what it needs and the reason for or against it. */
function candidateTable(candidates: readonly Candidate[], devices: readonly DeviceView[], wide = false): string {
  return table(
    ['', 'RUNTIME', 'ON', 'NEEDS', 'LEAVE FIRST', 'WHY'],
    candidates.map((candidate) => [
      candidate.feasible ? paint('green', 'yes') : paint('dim', 'no'),
      runtimeOf(candidate),
      whereOf(candidate, devices),
      Object.entries(candidate.bytesNeeded)
        // Beside a GPU it takes some main memory, which is seldom what matters.
        .filter(([device]) => wide || candidate.plan.placement.kind !== 'gpu' || device !== HOST_DEVICE)
        .map(([device, bytes]) => `${nameOfDevice(device, devices)} ${bytesInWords(bytes)}`)
        .toSorted((one, other) => Number(one.startsWith('CPU')) - Number(other.startsWith('CPU')))
        .join(', ') || '-',
      candidate.victims.join(', ') || '-',
      candidate.why,
    ]),
    wide,
  );
}

/** With what is made of the files first. */
function runtimeOf({ plan: { runtime, preparation } }: Candidate): string {
  return preparation === undefined ? runtime : `${runtime} as ${preparation.type}`;
}

function whereOf({ plan: { placement }, bytesNeeded }: Candidate, devices: readonly DeviceView[]): string {
  if (placement.where !== undefined) return placement.where;
  if (placement.kind === 'split') return `${placeName(placement.gpus, devices)} (${placement.gpuLayers ?? '?'} layers), CPU`;
  if (placement.gpus.length > 0) return placeName(placement.gpus, devices);
  return Object.keys(bytesNeeded).length === 0 ? '-' : 'CPU';
}
