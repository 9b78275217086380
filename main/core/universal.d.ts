// The few web-standard globals that every JavaScript engine of ours has. The core may use these and
// nothing else from outside the language: its tsconfig knows neither Node nor the DOM, so that an
// accidental `process`, `setTimeout` or `document` does not compile.
declare class AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean });
  decode(bytes: Uint8Array): string;
}
