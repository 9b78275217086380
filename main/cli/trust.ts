/**
 * `modelium trust`: shows the code that a model brings, asks, and trusts it by its hash. With --off
 * it removes the trust.
 */
import { createInterface } from 'node:readline/promises';
import { ModeliumError } from '../../shared/errors.ts';
import type { ModelView, TrustFormView, TrustView } from '../../shared/snapshot.ts';
import { bytesInWords } from '../../shared/units.ts';
import { visible, visibleName } from '../../shared/visible.ts';
import { connect, type EngineClient } from '../client.ts';
import { routeOf } from './model-name.ts';
import { inLines, paint, print, printJson, printText, table } from './output.ts';
import type { Shared } from './verb.ts';

export interface TrustOptions {
  /** Answers yes in place of a person. */
  readonly yes: boolean;
  readonly off: boolean;
  /** Prints the text of the files too. */
  readonly show: boolean;
}

/** @returns 0 when it stands as was asked; 1 when a person said no, or nobody was there to ask. */
export async function trust({ stateFolder, json }: Shared, name: string, options: TrustOptions): Promise<number> {
  const engine = await connect(stateFolder);
  const address = `${await routeOf(engine, name)}/trust`;
  const seen = await engine.get<'showTrust'>(address);
  const open = seen.forms.filter((form) => form.trusted === options.off);
  const decides = options.yes || options.off;
  if (json && !decides) {
    printJson(seen);
    return 0;
  }
  if (!json) tell(seen, options.show);
  if (open.length === 0 || (!decides && !(await mayRun(seen.id, open)))) return end(engine, seen, json, open.length === 0);
  for (const { form, hash } of open) await engine.post<'trust'>(address, { form, hash, trusted: !options.off });
  return end(engine, seen, json, true);
}

async function end(engine: EngineClient, { id, forms }: TrustView, json: boolean, isDone: boolean): Promise<number> {
  const { model } = await engine.get<'model'>(`/control/models/${encodeURIComponent(id)}`);
  if (json) printJson(model);
  else if (forms.length > 0) printText(isDone ? stateOf(model) : 'Nothing was changed.');
  return isDone ? 0 : 1;
}

function stateOf({ id, state, message, help }: ModelView): string {
  return inLines([`${id} is ${state}: ${message}`, ...(help === null ? [] : [help])]);
}

function tell({ id, forms }: TrustView, withText: boolean): void {
  if (forms.length === 0) print(`${id} brings no code, so it needs no trust.`);
  for (const form of forms) printForm(form, withText);
}

function printForm({ form, hash, trusted, trustedAt, files }: TrustFormView, withText: boolean): void {
  const count = files.length === 1 ? 'one file' : `${files.length} files`;
  const standing = trusted ? paint('green', `trusted since ${trustedAt}`) : paint('yellow', 'not trusted');
  print(`${paint('bold', form)}: ${count} would be executed here; ${standing}; SHA-256 ${hash}`);
  // All of them: nobody can trust what is not named.
  printText(
    table(
      ['FILE', 'SIZE', 'WHY'],
      files.map((file) => [visibleName(file.path), sizeOf(file.bytes), file.why]),
    ),
  );
  if (!withText) return;
  for (const { path, preview, isCut } of files) {
    const name = visibleName(path);
    if (preview === null) printText(`\n--- ${name}: ${isCut ? 'a text that is not shown here: look at the file itself' : 'no text'} ---`);
    else printText(`\n--- ${name} ---\n${visible(preview)}${isCut ? '\n--- and more: only its beginning is shown ---' : ''}`);
  }
}

/** Small files in bytes: of code that is the measure. */
function sizeOf(bytes: number): string {
  return bytes < 1024 * 1024 ? `${bytes} B` : bytesInWords(bytes);
}

function mayRun(id: string, forms: readonly TrustFormView[]): Promise<boolean> {
  const what = forms.map(({ form }) => form).join(', ');
  return asked(`the code of ${id} may run`, `Let this code of ${id} (${what}) run on this machine, as this user? [y/N] `);
}

/**
 * @param what is in question, for who cannot be asked.
 * @throws ModeliumError confirmation-needed where there is nobody to ask.
 */
export async function asked(what: string, question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw new ModeliumError('confirmation-needed', `There is no terminal to ask whether ${what}.`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(question);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
