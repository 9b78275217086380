/**
 * Which code of each model a user has trusted, by content (I7). Owns the trusted hashes and
 * compares files with them. The reader process reads the files; the orchestrator decides what the
 * result means for a model.
 *
 * Trust covers the bytes of the code files of one form. While their size, times and inodes are
 * unchanged, the bytes count as unchanged. If one differs, the files are read again; if the bytes
 * differ, the trust ends for good.
 */

import type { LaunchPlan } from '../../shared/decision.ts';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import { type FormKind, formOf, type ModelForm } from '../../shared/profile.ts';
import type { TrustFormView, TrustView } from '../../shared/snapshot.ts';
import { whyCode } from './analyzer/code-reasons.ts';
import { filesChanged, untouched } from './file-times.ts';
import type { Clock, CodeReader, CodeReading, FileIdentity, Log, TrustRow, TrustTable } from './ports.ts';
import type { ModelRecord, Registry } from './registry.ts';

export interface TrustPorts {
  readonly registry: Registry;
  readonly trustTable: TrustTable;
  readonly reader: CodeReader;
  readonly clock: Clock;
  readonly log: Log;
  /** What may run of this model is other than before: a person said so, or its files did. */
  changed(id: string, by: 'person' | 'files'): void;
}

/** `checking`: it was trusted, and its files are being compared with what was trusted. */
export type Standing = 'trusted' | 'checking' | 'none';

export interface TrustWish {
  readonly form: FormKind;
  /** Of the files that the person looked at. */
  readonly hash: string;
  readonly trusted: boolean;
}

export class Trust {
  readonly #ports: TrustPorts;
  readonly #rows = new Map<string, readonly TrustRow[]>();
  /** Comparisons under way, by model and hash. */
  readonly #checks = new Map<string, Promise<boolean>>();
  readonly #reported = new Map<string, string>();
  readonly #abort = new AbortController();

  constructor(ports: TrustPorts) {
    this.#ports = ports;
    for (const row of ports.trustTable.trusted()) this.#rows.set(row.modelId, [...this.#rowsOf(row.modelId), row]);
    ports.registry.onChange(({ id, record, event }) => {
      if (record === null) this.#forget(id);
      else if (event === null || event.type === 'analyzed' || event.type === 'recognised') this.#reconsider(record);
    });
  }

  /** How it stands with the code of this form; `trusted` also where it has none. */
  standing(record: Pick<ModelRecord, 'id' | 'files'>, form: ModelForm): Standing {
    if (form.codeFiles.length === 0) return 'trusted';
    const row = this.#rowOf(record.id, form);
    if (row === undefined) return 'none';
    return untouched(row.files, record.files) ? 'trusted' : 'checking';
  }

  /** Is a form of it being compared with what was trusted? */
  isChecking(record: ModelRecord): boolean {
    return (record.profile?.forms ?? []).some((form) => this.standing(record, form) === 'checking');
  }

  /**
   * What a person has to see before they trust it. Reads the files again. @throws ModeliumError
   * content-changed, path-invalid, cancelled.
   */
  async show(id: string, signal: AbortSignal): Promise<TrustView> {
    const record = this.#require(id);
    const forms: TrustFormView[] = [];
    for (const form of codeForms(record)) forms.push(this.#view(id, form, await this.#read(record, form, signal)));
    return { id, forms };
  }

  /**
   * Trusts what a person looked at, or takes it back. What is taken back need not be the present
   * content.
   * @throws ModeliumError content-changed when the files are no more those with this hash,
   * invalid-body for a form that brings no code.
   */
  async set(id: string, { form: kind, hash, trusted }: TrustWish, signal: AbortSignal): Promise<void> {
    const record = this.#require(id);
    const forms = codeForms(record).filter((form) => form.kind === kind);
    if (forms.length === 0) {
      throw new ModeliumError('invalid-body', `${id} has no code in the form ${kind}, so there is nothing to trust.`, {
        param: 'form',
      });
    }
    if (!trusted) {
      for (const row of this.#rowsOf(id)) if (row.form === kind) this.#drop(row);
      this.#ports.log.say(`${id} is no longer trusted: its code (${kind}) does not run here`);
      return this.#report(id);
    }
    for (const form of forms) {
      const reading = await this.#read(record, form, signal);
      if (reading.hash === hash) return this.#trust(id, form, reading);
    }
    throw new ModeliumError(
      'content-changed',
      `The code of ${id} (${kind}) is not the code that was shown: its files have changed since then.`,
      {
        param: 'hash',
      },
    );
  }

  /**
   * The last look before a launch: are the files still those that were looked at, and their code
   * what was trusted? A folder is compared whole: a file of code that came since, or a
   * configuration that names one now, is code that nobody was asked about.
   * @throws ModeliumError content-changed. The files are to be looked at again then; where trusted
   * code is other, trust is gone.
   */
  async confirm(id: string, plan: Pick<LaunchPlan, 'form' | 'file' | 'preparation'>, signal: AbortSignal): Promise<void> {
    const record = this.#ports.registry.get(id);
    const form = record?.profile == null ? undefined : formOf(record.profile, plan);
    // What is not known any more is not what was trusted: the doubt is on the side of not running
    // it.
    if (record === undefined || form === undefined) throw otherCode(id, plan.form);
    // What was made of a folder runs none of its code. Whether its files are still those that it
    // was made of is asked all the same.
    const runsCode = form.codeFiles.length > 0 && plan.preparation === undefined;
    // A loose file brings no code of others along: what comes to lie beside it is not its own.
    if (record.kind === 'file' && !runsCode) return;
    const now = await this.#ports.reader.identities(record.path);
    if (signal.aborted) return;
    const row = runsCode ? this.#rowOf(id, form) : null;
    if (row === undefined) throw otherCode(id, plan.form);
    if (row !== null && !untouched(row.files, now) && !((await this.#check(record, row)) || signal.aborted)) throw otherCode(id, plan.form);
    if (record.kind === 'folder' && !(untouched(record.files, now) && now.length === record.files.length)) throw filesChanged(id);
  }

  close(): void {
    this.#abort.abort();
  }

  /** Other files, or another profile of them: is what was trusted still there? */
  #reconsider(record: ModelRecord): void {
    // Of files that are still coming nobody knows yet what will be code.
    if (record.profile === null || record.state.name === 'discovered' || record.state.name === 'settling') return;
    for (const row of this.#rowsOf(record.id)) {
      const form = record.profile.forms.find((each) => isOf(row, each));
      if (form === undefined) this.#lose(row);
      else if (!untouched(row.files, record.files)) void this.#check(record, row);
    }
    this.#tell(record.id);
  }

  /** Are the bytes those that were trusted? One reading at a time for each. */
  #check(record: ModelRecord, row: TrustRow): Promise<boolean> {
    const key = `${row.modelId} ${row.form} ${row.hash}`;
    const running = this.#checks.get(key);
    if (running !== undefined) return running;
    const check = this.#compare(record, row).finally(() => this.#checks.delete(key));
    this.#checks.set(key, check);
    return check;
  }

  async #compare(record: ModelRecord, row: TrustRow): Promise<boolean> {
    const names = row.files.map((file) => file.path);
    let isSame = false;
    try {
      const reading = await this.#ports.reader.read(record.path, names, this.#abort.signal);
      // Taken back, or trusted again, while it was read.
      if (!this.#rowsOf(row.modelId).includes(row)) return false;
      isSame = reading.hash === row.hash;
      if (isSame) this.#keep({ ...row, files: reading.files.map(identity) });
      else this.#lose(row);
    } catch (thrown) {
      const error = toModeliumError(thrown);
      // Written to while it was read, or gone: other bytes than those that were trusted. What
      // cannot be read now may be the same later.
      if (error.code === 'content-changed') this.#lose(row);
      else if (error.code !== 'cancelled')
        this.#ports.log.warn(`The code of ${row.modelId} could not be compared with what was trusted: ${error.message}`);
    }
    this.#tell(row.modelId);
    // What came while it was read has to be looked at as well.
    const now = this.#ports.registry.get(row.modelId);
    const kept = this.#rowsOf(row.modelId).find((each) => each.form === row.form && each.hash === row.hash);
    if (now !== undefined && kept !== undefined && now.files !== record.files) this.#reconsider(now);
    return isSame;
  }

  #trust(id: string, form: ModelForm, reading: CodeReading): void {
    const at = new Date(this.#ports.clock.wallTime()).toISOString();
    this.#keep({ modelId: id, form: form.kind, hash: reading.hash, files: reading.files.map(identity), at });
    this.#ports.log.say(`${id} is trusted: its code (${form.kind}, ${fileCount(form)}) may run here`);
    this.#report(id);
  }

  #report(id: string): void {
    this.#reported.set(id, this.#standingsOf(id));
    this.#ports.changed(id, 'person');
  }

  #keep(row: TrustRow): void {
    this.#ports.trustTable.trust(row);
    const others = this.#rowsOf(row.modelId).filter((each) => each.form !== row.form || !sameNames(each, row));
    this.#rows.set(row.modelId, [...others, row]);
  }

  #lose(row: TrustRow): void {
    this.#drop(row);
    this.#ports.log.say(`${row.modelId} is no longer trusted: its code (${row.form}) has changed since it was trusted`);
  }

  #drop(row: TrustRow): void {
    this.#rows.set(
      row.modelId,
      this.#rowsOf(row.modelId).filter((each) => each !== row),
    );
    try {
      this.#ports.trustTable.distrust(row);
    } catch (error) {
      // In force at once whatever the disk says; a row that stays there is compared with the files
      // at the next start.
      this.#ports.log.error(`The removed trust of ${row.modelId} could not be saved`, error);
    }
  }

  #forget(id: string): void {
    for (const row of this.#rowsOf(id)) this.#drop(row);
    this.#rows.delete(id);
    this.#reported.delete(id);
  }

  /**
   * Tells of an answer that is other than the last one. The first one goes with the verdict that it
   * is needed for.
   */
  #tell(id: string): void {
    const before = this.#reported.get(id);
    const now = this.#standingsOf(id);
    this.#reported.set(id, now);
    if (before !== undefined && before !== now) this.#ports.changed(id, 'files');
  }

  #standingsOf(id: string): string {
    const record = this.#ports.registry.get(id);
    return (record?.profile?.forms ?? []).map((form) => (record === undefined ? '' : this.standing(record, form))).join(' ');
  }

  #view(id: string, form: ModelForm, { hash, files }: CodeReading): TrustFormView {
    const row = this.#rowsOf(id).find((each) => each.form === form.kind && each.hash === hash);
    const shown = files.map(({ path, bytes, preview, isCut }) => ({ path, bytes, why: whyCode(path, form.kind), preview, isCut }));
    return { form: form.kind, hash, trusted: row !== undefined, trustedAt: row?.at ?? null, files: shown };
  }

  #read(record: ModelRecord, form: ModelForm, signal: AbortSignal): Promise<CodeReading> {
    return this.#ports.reader.read(record.path, form.codeFiles, signal);
  }

  #require(id: string): ModelRecord {
    const record = this.#ports.registry.get(id);
    if (record === undefined) throw new ModeliumError('model-not-found', `There is no model ${id}.`, { param: 'model' });
    if (record.profile !== null) return record;
    throw new ModeliumError('model-settling', `${id} is not read yet, so its code is not known.`, { retryAfterSeconds: 1 });
  }

  #rowOf(id: string, form: ModelForm): TrustRow | undefined {
    return this.#rowsOf(id).find((row) => isOf(row, form));
  }

  #rowsOf(id: string): readonly TrustRow[] {
    return this.#rows.get(id) ?? [];
  }
}

function otherCode(id: string, kind: FormKind): ModeliumError {
  return new ModeliumError('content-changed', `The code of ${id} (${kind}) is not the code that was trusted, so Modelium does not run it.`);
}

function codeForms({ profile }: ModelRecord): readonly ModelForm[] {
  return (profile?.forms ?? []).filter((form) => form.codeFiles.length > 0);
}

function fileCount({ codeFiles }: ModelForm): string {
  return codeFiles.length === 1 ? 'one file' : `${codeFiles.length} files`;
}

/** Is the row of this form, with just these files? One more file of code is other code. */
function isOf(row: TrustRow, form: ModelForm): boolean {
  if (row.form !== form.kind) return false;
  const names = new Set(row.files.map((file) => file.path));
  const wanted = new Set(form.codeFiles);
  return names.size === wanted.size && [...wanted].every((name) => names.has(name));
}

function sameNames(one: TrustRow, other: TrustRow): boolean {
  return one.files.map((file) => file.path).join('\n') === other.files.map((file) => file.path).join('\n');
}

function identity({ path, bytes, mtimeMs, ctimeMs, bornMs, device, inode }: FileIdentity): FileIdentity {
  return {
    path,
    bytes,
    mtimeMs,
    device,
    inode,
    ...(ctimeMs === undefined ? {} : { ctimeMs }),
    ...(bornMs === undefined ? {} : { bornMs }),
  };
}
