/**
 * The errors of rendering a template: raised by the template or by this engine, with the line.
 * Pure.
 */

export class TemplateError extends Error {
  /** Of the template's text, counted from 1; null: not known yet. */
  readonly line: number | null;

  constructor(message: string, line: number | null = null) {
    super(message);
    this.name = 'TemplateError';
    this.line = line;
  }

  at(line: number): TemplateError {
    return this.line === null ? new (this.constructor as typeof TemplateError)(this.message, line) : this;
  }
}

/** The template took more steps, time or memory than a chat needs. */
export class TemplateBoundError extends TemplateError {}

/** A sentence about a refusal. */
export function refusalOf(error: unknown): string {
  if (!(error instanceof TemplateError)) return error instanceof Error ? error.message : String(error);
  return error.line === null ? error.message : `line ${error.line}: ${error.message}`;
}
