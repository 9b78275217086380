/**
 * The thread that renders one model's chat templates, so that no template blocks the generating
 * thread. Jobs and results are messages; it owns only its start data.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { refusalOf } from '../../core/jinja/errors.ts';
import { Template } from '../../core/jinja/template.ts';
import { renderInWays } from './template-variations.ts';

export interface RenderJob {
  readonly id: number;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface RenderResult {
  readonly id: number;
  /** Null where the template refused. */
  readonly text: string | null;
  /** Why, with the line. */
  readonly refusal: string;
}

/** A template that cannot be read refuses each chat. */
function rendererOf(text: string): (values: RenderJob['values']) => string {
  try {
    const template = new Template(text);
    return (values) => renderInWays(template, values);
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

const { text, toolText } = workerData as { readonly text: string; readonly toolText: string };
const plain = rendererOf(text);
const withTools = toolText === text ? plain : rendererOf(toolText);
parentPort?.on('message', ({ id, values }: RenderJob) => {
  const render = (values['tools'] ?? null) === null ? plain : withTools;
  let result: RenderResult;
  try {
    result = { id, text: render(values), refusal: '' };
  } catch (error) {
    result = { id, text: null, refusal: refusalOf(error) };
  }
  parentPort?.postMessage(result);
});
