/**
 * The last checks of a model's files before a runtime reads them: a scan tells the content of
 * files, not whether they may be read. No I/O of its own.
 */
import type { LaunchPlan } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { NOTHING_COPIED } from '../../shared/model.ts';
import { formOf } from '../../shared/profile.ts';
import { filesChanged, wasTouched } from './file-times.ts';
import type { Clock, CodeReader, Library } from './ports.ts';
import { type ModelRecord, type Registry, stateOf } from './registry.ts';
import type { Trust } from './trust.ts';

export interface FileChecks {
  /** Rejects with file-unreadable if one of the files that this plan reads cannot be read. */
  confirmReadable(id: string, plan: LaunchPlan): Promise<void>;
  /**
   * The last check before a load. Rejects if the files cannot be read or are not the analyzed
   * files, or if their code is not the trusted code (I7).
   */
  confirmFiles(id: string, plan: LaunchPlan, signal: AbortSignal): Promise<void>;
  /** Of a model whose last load lacked the right to read a file: it goes on if it has it now. */
  lookAgain(id: string): Promise<void>;
}

export interface FileCheckPorts {
  readonly registry: Registry;
  readonly reader: Pick<CodeReader, 'unreadable'>;
  readonly library: Library;
  readonly trust: Pick<Trust, 'confirm'>;
  readonly clock: Clock;
  /** A disk that has not answered for so long will not. */
  stallMs(): number;
}

/** What runtimes read beside the files that the analyzer lists for a form. */
const READ_BESIDE = /\.(?:json|jinja|model|tiktoken)$|(?:^|\/)(?:merges|vocab)\.txt$/;

export function createFileChecks({ registry, reader, library, trust, clock, stallMs }: FileCheckPorts): FileChecks {
  /** One look for all who ask at once, by model. */
  const looks = new Map<string, Promise<void>>();
  const questions = new Map<string, Promise<void>>();
  async function whyNot(id: string, plan: LaunchPlan | null): Promise<string | null> {
    const record = registry.get(id);
    if (record === undefined || record.server !== undefined) return null;
    return reader.unreadable(record.path, neededBy(record, plan));
  }
  async function confirmReadable(id: string, plan: LaunchPlan): Promise<void> {
    const why = await whyNot(id, plan);
    // A runtime that was not started has said nothing.
    if (why !== null) throw new ModeliumError('file-unreadable', why, { lastOutput: [] });
  }
  /** The same question again is not asked while the disk is silent: each keeps a thread. */
  function asked(id: string, plan: LaunchPlan): Promise<void> {
    const running = questions.get(id) ?? confirmReadable(id, plan).finally(() => questions.delete(id));
    questions.set(id, running);
    return running;
  }
  /** Rights are told at once: who waits for them waits for the disk. */
  function answered(work: Promise<void>): Promise<void> {
    const silentMs = stallMs();
    const { promise: over, reject } = Promise.withResolvers<never>();
    const why = `The disk of its files has not answered for ${silentMs / 1000} s.`;
    const cancel = clock.after(silentMs, () => {
      reject(new ModeliumError('load-stalled', why, { lastOutput: [] }));
    });
    return Promise.race([work, over]).finally(cancel);
  }
  async function look(id: string): Promise<void> {
    if ((await whyNot(id, null)) === null) rightsChanged(registry, id);
  }
  /**
   * Other rights leave a trace, and so does who writes other bytes and sets the times back: the
   * profile is read again, and says whether the code is the code that was asked about.
   */
  async function readAgain(id: string, signal: AbortSignal): Promise<void> {
    const record = registry.get(id);
    if (record?.profile == null || !wasTouched(record)) return;
    const { profile, files } = await library.inspect(record.path, { force: record.force, last: null, signal });
    if (registry.get(id)?.profile !== record.profile) return;
    if (JSON.stringify(profile) !== JSON.stringify(record.profile)) throw filesChanged(id);
    registry.update(id, { files, analyzedFiles: files });
  }
  return {
    confirmReadable,
    confirmFiles(id, plan, signal) {
      const confirmed = async (): Promise<void> => {
        // What was made of its files is read in their place.
        if (plan.preparation === undefined) await answered(asked(id, plan));
        await readAgain(id, signal);
        await trust.confirm(id, plan, signal);
      };
      return unlessAborted(id, confirmed(), signal);
    },
    lookAgain(id) {
      const running = looks.get(id) ?? look(id).finally(() => looks.delete(id));
      looks.set(id, running);
      return running;
    },
  };
}

/** A disk that never answers must not keep who calls the load off. */
function unlessAborted(id: string, work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new ModeliumError('cancelled', `Loading ${id} was cancelled.`));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return Promise.race([work, over]).finally(() => signal.removeEventListener('abort', abort));
}

/**
 * Somebody did something to a model's files that changed no byte: where only their rights stood in
 * its way, it goes on.
 */
export function rightsChanged(registry: Registry, id: string): void {
  const record = registry.get(id);
  if (stateOf(record, 'blocked')?.reason === 'unreadable') registry.apply(id, { type: 'files-changed', copy: NOTHING_COPIED });
  if (!lacksRights(record)) return;
  registry.update(id, { attempts: 0 });
  registry.apply(id, { type: 'reconsidered' });
}

/** Its last load failed because a file could not be read. */
export function lacksRights(record: ModelRecord | undefined): boolean {
  return stateOf(record, 'failed')?.failure.code === 'file-unreadable';
}

function neededBy({ kind, profile }: ModelRecord, plan: LaunchPlan | null): (file: string) => boolean {
  const planned = profile === null || plan === null ? undefined : formOf(profile, plan);
  const forms = planned === undefined ? (profile?.forms ?? []) : [planned];
  const files = new Set(forms.flatMap((form) => [...form.files, ...(form.companions ?? []).map(({ file }) => file)]));
  return (file) => kind === 'file' || files.has(file) || READ_BESIDE.test(file);
}
