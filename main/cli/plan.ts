/** `modelium plan`: what a model or a path is, what the brain would do with it, and what it thought of every candidate. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Candidate } from '../../shared/decision.ts';
import { bytesInWords } from '../../shared/units.ts';
import { connect } from '../client.ts';
import { paint, print, printJson, table } from './output.ts';
import { profileText } from './profile-text.ts';
import type { Shared } from './verb.ts';

export async function plan({ stateFolder, json }: Shared, target: string): Promise<number> {
  const engine = await connect(stateFolder);
  const answer = await engine.post<'plan'>('/control/plan', { target: existsSync(target) ? resolve(target) : target });
  if (json) {
    printJson(answer);
    return answer.decision?.kind === 'refuse' ? 1 : 0;
  }
  print(answer.message);
  const { decision, profile } = answer;
  if (profile !== null) print(profileText(profile));
  if (decision === null) return 0;
  print(`${paint('bold', decision.kind)}: ${decision.reason}`);
  if (decision.kind === 'refuse') print(decision.help);
  if (decision.candidates.length > 0) print(candidateTable(decision.candidates));
  return decision.kind === 'refuse' ? 1 : 0;
}

/** Every candidate with what it needs and the reason for or against it. */
export function candidateTable(candidates: readonly Candidate[]): string {
  return table(
    ['', 'RUNTIME', 'PLACE', 'NEEDS', 'FIRST LEAVE', 'WHY'],
    candidates.map((candidate) => [
      candidate.feasible ? paint('green', 'yes') : paint('dim', 'no'),
      runtimeOf(candidate),
      placeOf(candidate),
      Object.entries(candidate.bytesNeeded)
        .map(([device, bytes]) => `${bytesInWords(bytes)} on ${device.slice(0, 12)}`)
        .join(', ') || '-',
      candidate.victims.join(', ') || '-',
      candidate.why,
    ]),
  );
}

/** With what is made of the files first. */
function runtimeOf({ plan: { runtime, preparation } }: Candidate): string {
  return preparation === undefined ? runtime : `${runtime} as ${preparation.type}`;
}

function placeOf({ plan: { placement } }: Candidate): string {
  if (placement.kind !== 'split') return placement.where ?? placement.kind;
  return `split (${placement.gpuLayers ?? '?'} layers on GPU)`;
}
