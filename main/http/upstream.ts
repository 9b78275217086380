/**
 * The interface through which the proxy asks a runtime; `main/io/http-client.ts` implements it.
 * Types only; the shape is that of undici's dispatch, but the types do not depend on undici.
 */
import type { AS_IT_IS_METHODS } from '../../shared/api-openapi.ts';
import type { Endpoint } from '../../shared/model.ts';

export type UpstreamMethod = (typeof AS_IT_IS_METHODS)[number];

export interface UpstreamRequest {
  readonly path: string;
  readonly method: UpstreamMethod;
  readonly headers: Readonly<Record<string, string>>;
  /** Parts are sent one behind the other: what is large is not copied for some bytes at its end. */
  readonly body: UpstreamBody;
}

export type UpstreamBody = Buffer | string | readonly Buffer[];

export interface UpstreamController {
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Called back in this order; exactly one of end and error comes last. */
export interface UpstreamHandler {
  /**
   * A connection is there and the request is being written: from now on bytes may have gone out.
   */
  onRequestStart(controller: UpstreamController): void;
  onResponseStart(controller: UpstreamController, status: number, headers: UpstreamHeaders): void;
  onResponseData(controller: UpstreamController, chunk: Buffer): void;
  onResponseEnd(controller: UpstreamController): void;
  onResponseError(controller: UpstreamController, error: Error): void;
}

/**
 * Sends one request to a runtime, with the endpoint's key as its Authorization, and without any
 * time limit on the answer.
 */
export type Dispatch = (endpoint: Endpoint, request: UpstreamRequest, handler: UpstreamHandler) => void;
