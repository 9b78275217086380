/**
 * Checks the names that users give to custom runtimes in modelium.yaml. The list of runtimes is in
 * `RUNTIME_IDS` and in the settings.
 */
import { z } from 'zod';
import { RUNTIME_IDS } from './decision.ts';

/**
 * Words that mean something else wherever a runtime's name stands: in settings, in the `origin` of
 * an error, in metrics.
 */
const TAKEN: readonly string[] = [...RUNTIME_IDS, 'ray_serve', 'auto', 'none', 'all', 'modelium', 'custom', 'remote'];

/** It stands in headers, in the labels of metrics and in paths. */
const NAME = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;

/** The key of a section that names a runtime. */
export const runtimeName = z
  .string()
  .regex(NAME, 'expected a name of at most 64 letters, digits, dots, hyphens and underscores that begins with a letter')
  .refine((name) => !TAKEN.includes(name.toLowerCase()), 'expected another name, because Modelium uses this one itself');
