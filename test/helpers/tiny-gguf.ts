/** Writes the tiny untrained GGUF into a folder, for tests that need a real model file. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TinyModelOptions, tinyModel } from '../../main/embedded/gguf/tiny-model.ts';

export type { TinyModelOptions };

/** @returns the path of the file to load: the first one of a split model. */
export async function writeTinyGguf(folder: string, options: TinyModelOptions = {}): Promise<string> {
  await mkdir(folder, { recursive: true });
  const files = tinyModel(options);
  for (const file of files) await writeFile(join(folder, file.name), file.bytes);
  return join(folder, files[0]!.name);
}
