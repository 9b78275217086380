/**
 * Provides the demo's model: the real small one, or a tiny untrained one if that cannot be fetched.
 */
import { copyFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toModeliumError } from '../../shared/errors.ts';
import { tinyModel } from '../embedded/gguf/tiny-model.ts';
import { fetchSampleModel, sampleModelPath } from '../io/sample-model.ts';

export interface SampleModel {
  readonly file: string;
  /** False for the untrained one, whose answers are noise. */
  readonly real: boolean;
}

/** @param say tells the person what happens. */
export async function sampleModel(cacheFolder: string, say: (sentence: string) => void): Promise<SampleModel> {
  try {
    return { file: await fetchSampleModel(cacheFolder, { say }), real: true };
  } catch (thrown) {
    if (toModeliumError(thrown).code !== 'sample-unavailable') throw thrown;
    const tiny = await writeTiny(dirname(sampleModelPath(cacheFolder)));
    say('So the demo uses a tiny model that was never trained: its answers are noise, but all steps from drop to answer are real.');
    return { file: tiny, real: false };
  }
}

async function writeTiny(folder: string): Promise<string> {
  const [made] = tinyModel({ name: 'tiny-untrained' });
  if (made === undefined) throw new Error('the tiny model has no file');
  const file = join(folder, made.name);
  await writeFile(`${file}.part`, made.bytes);
  await rename(`${file}.part`, file);
  return file;
}

/**
 * Copies the model into a watch folder as a careful person would: under a name that is not looked
 * at, then renamed.
 */
export async function dropInto(folder: string, file: string, name: string): Promise<string> {
  const target = join(folder, name);
  await copyFile(file, `${target}.part`);
  await rename(`${target}.part`, target);
  return target;
}
