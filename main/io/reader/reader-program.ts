/**
 * The program of reader.ts's child process: answers each question with one message, one at a time.
 * Keeps no state between questions; writes nothing.
 */
import fs from 'node:fs';
import os from 'node:os';
import { type ErrorCode, toModeliumError } from '../../../shared/errors.ts';
import type { CodeReading, FoundModels, Inspection } from '../../core/ports.ts';
import { BEHIND_REQUESTS, stepProgramBehind } from '../../core/step-behind.ts';
import { blockingDisk } from '../files/disk.ts';
import type { MountFacts } from '../files/mounts.ts';
import { folderScanner, type ScanOutcome } from '../files/scan.ts';
import { readCode } from './code-files.ts';
import { type FindLimits, findModels } from './found-models.ts';
import { type Convertible, inspectAgain, type Unchanged } from './inspect.ts';
import type { StoreFolder } from './store-folders.ts';

export interface InspectRequest {
  readonly path: string;
  readonly force: boolean;
  /** Of the asker's last inspection: files that are still these are not read again. */
  readonly readAs: string | null;
}

/** The questions by their names, with what each asks and is answered. */
export interface ReaderTasks {
  readonly inspect: { readonly asks: InspectRequest; readonly answer: Inspection | Unchanged };
  readonly code: { readonly asks: { readonly path: string; readonly files: readonly string[] }; readonly answer: CodeReading };
  readonly scan: {
    readonly asks: {
      readonly folder: string;
      readonly before: MountFacts | null;
      readonly inner: ReadonlySet<string>;
    };
    readonly answer: ScanOutcome;
  };
  readonly found: {
    readonly asks: { readonly folders: readonly StoreFolder[]; readonly limits: FindLimits };
    readonly answer: FoundModels;
  };
}

export type TaskName = keyof ReaderTasks;
type ReaderRequest = { readonly [Name in TaskName]: { readonly task: Name } & ReaderTasks[Name]['asks'] }[TaskName];

export type ReaderAnswer<Name extends TaskName> =
  /** Still at it: told now and then by what may take long. */
  | { readonly kind: 'progress' }
  | { readonly kind: 'done'; readonly answer: ReaderTasks[Name]['answer'] }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

const scanFolder = folderScanner(blockingDisk);

/** Bytes between two words of progress: a slow disk reads as many within a second. */
const PROGRESS_BYTES = 32 * 1024 * 1024;

/** Answers from now on. @param convertible what the converter says of a folder. */
export function answerQuestions(convertible: Convertible): void {
  stepProgramBehind(os, fs, BEHIND_REQUESTS);
  process.on('message', (request: ReaderRequest) => {
    void reply(request, convertible).then(tell);
  });
  // An engine that was killed asks nothing any more, and hears nothing.
  process.on('disconnect', () => process.exit());
}

function tell(answer: ReaderAnswer<TaskName>): void {
  process.send?.(answer, () => undefined);
}

async function reply(request: ReaderRequest, convertible: Convertible): Promise<ReaderAnswer<TaskName>> {
  try {
    return { kind: 'done', answer: await answerTo(request, convertible) };
  } catch (thrown) {
    const { code } = toModeliumError(thrown);
    return { kind: 'failed', code, message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

function answerTo(request: ReaderRequest, convertible: Convertible): Promise<ReaderTasks[TaskName]['answer']> {
  switch (request.task) {
    case 'inspect':
      return inspectAgain(request.path, request.force, request.readAs, convertible);
    case 'code':
      return readCode(request.path, request.files, progress());
    case 'scan':
      return scanFolder(request.folder, request.before, request.inner);
    case 'found':
      return findModels(request.folders, request.limits);
  }
}

function progress(): (readBytes: number) => void {
  let reportedBytes = 0;
  return (readBytes) => {
    if (readBytes - reportedBytes < PROGRESS_BYTES) return;
    reportedBytes = readBytes;
    tell({ kind: 'progress' });
  };
}
