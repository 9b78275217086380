/**
 * Builds a model's entry in the server's repository: its configuration, and links to the user's
 * files, which are never copied (I8). Pure, except that the configuration of a ready folder is
 * read.
 */
import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { ModeliumError } from '../../../shared/errors.ts';
import { formOf } from '../../../shared/profile.ts';
import type { EntryParts } from '../../core/process-ports.ts';
import type { LoadTarget } from '../adapter.ts';
import { names, readWhole, type Steps, stats } from '../step.ts';
import { withoutFields } from './config.ts';

export const CONFIG = 'config.pbtxt';
const MOST_CONFIG_BYTES = 1024 * 1024;
/** Versions, labels and the like in a ready folder (I10). */
const MOST_PARTS = 2_000;
const MOST_DEPTH = 8;
/** It is named in addresses and in the names of folders. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** The name under which the file of a form is looked for in a version's folder. */
const FILES: Readonly<Record<string, string>> = {
  onnx: 'model.onnx',
  torchscript: 'model.pt',
  tensorrt: 'model.plan',
  openvino: 'model.xml',
};

/**
 * How the names of models begin that a Modelium loads into a server of somebody else's. @param
 * owner of `MachineFacts.instance`.
 */
export function ownPrefix(owner: string): string {
  return `modelium-${owner}-`;
}

/** What the server calls a model. */
export function entryName(modelId: string): string {
  if (PLAIN.test(modelId)) return modelId;
  const plain = modelId.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return `${plain.slice(0, 100)}-${createHash('sha256').update(modelId).digest('hex').slice(0, 8)}`;
}

/** @throws ModeliumError where a ready folder's configuration cannot be read any more. */
export function* entryOf(target: LoadTarget): Steps<EntryParts> {
  const { plan, profile, path, file } = target;
  if (plan.form === 'triton') return yield* readyEntry(path, plan.args);
  const config = { [CONFIG]: { text: `${plan.args.join('\n')}\n` } };
  if (plan.form === 'transformers') return { ...config, '1/model.json': { text: `${plan.env['MODEL_JSON']?.replace('{model}', path)}\n` } };
  const others = formOf(profile, plan)?.files.slice(1) ?? [];
  const usual = FILES[plan.form] ?? basename(file);
  if (plan.form === 'openvino')
    return { ...config, [`1/${usual}`]: { linkTo: file }, '1/model.bin': { linkTo: file.replace(/xml$/i, 'bin') } };
  if (others.length === 0) return { ...config, [`1/${usual}`]: { linkTo: file } };
  // Files beside it are found by their names, next to where it really lies.
  const named = { text: `${plan.args.join('\n')}\ndefault_model_filename: ${JSON.stringify(basename(file))}\n` };
  return { [CONFIG]: named, '1': { linkTo: dirname(file) } };
}

/**
 * Folders are made again and their files linked to: Python leaves what it compiled beside the code
 * that it loads, and nothing of ours is left in a person's folders (I8). @param lines what the
 * place of the model adds.
 */
function* readyEntry(folder: string, lines: readonly string[]): Steps<EntryParts> {
  const files = yield* filesIn(folder);
  const parts: Record<string, { text: string } | { linkTo: string }> = {};
  for (const path of files) parts[path.slice(folder.length + 1)] = { linkTo: path };
  let own = '';
  if (parts[CONFIG] !== undefined) {
    const text = yield* readWhole(`${folder}/${CONFIG}`, MOST_CONFIG_BYTES);
    if (text === null) throw new ModeliumError('runtime-exited', `${folder}/${CONFIG} cannot be read, or is larger than 1 MiB.`);
    own = withoutFields(text, replacedBy(lines));
  }
  // An ensemble has nothing but the folder of its version, which has to be there.
  if (!files.some((path) => /^\d+\//.test(path.slice(folder.length + 1)))) parts['1/none'] = { text: '' };
  return { ...parts, [CONFIG]: { text: `${own}\n${lines.join('\n')}\n` } };
}

/** Absolute paths. @throws ModeliumError where there are more than an entry holds. */
function* filesIn(top: string): Steps<readonly string[]> {
  const files: string[] = [];
  const folders = [{ path: top, depth: 0 }];
  for (const { path: folder, depth } of folders) {
    const inside = yield* names(folder);
    const facts = yield* stats(inside);
    files.push(...inside.filter((_, index) => facts[index]?.isFile === true));
    const deeper = inside.filter((_, index) => facts[index]?.isFile === false);
    if (depth < MOST_DEPTH) folders.push(...deeper.map((path) => ({ path, depth: depth + 1 })));
    if (files.length + folders.length > MOST_PARTS)
      throw new ModeliumError(
        'runtime-exited',
        `${top} holds more than ${MOST_PARTS} files and folders: pack what its code needs into one archive (EXECUTION_ENV_PATH).`,
      );
  }
  return files;
}

/**
 * The name in it may be another than the model's here; each field that is written again takes the
 * place of the one that was there.
 */
function replacedBy(lines: readonly string[]): readonly string[] {
  return ['name', ...lines.flatMap((line) => /^\s*(\w+)/.exec(line)?.[1] ?? []).filter((field) => field !== 'parameters')];
}
