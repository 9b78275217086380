/**
 * The prepared form of a request, which `preparing.ts` makes for the routes, and its inputs. Types
 * only; plain data that can be sent between processes.
 */
import type { Generation } from '../llama/generation.ts';
import type { LoadedModel } from '../llama/llama.ts';
import type { ChatTemplate } from './chat-template.ts';
import type { EmbeddingRequest, RerankRequest } from './openai-inputs.ts';
import type { GenerationRequest, Route } from './openai-request.ts';

/** What a request is prepared with. */
export interface TextSide {
  readonly model: LoadedModel;
  readonly alias: string;
  readonly template: ChatTemplate;
}

export type PreparedRoute = Route | 'embedding' | 'ranking' | 'tokens' | 'text';

/** As plain data: it crosses from one process to another. */
export interface PreparedGeneration {
  readonly request: GenerationRequest;
  readonly bias: ReadonlyMap<number, number>;
  readonly prompts: readonly (readonly number[])[];
  readonly tools: Generation['tools'];
  readonly thinking: Generation['thinking'];
  /** Fields that the template does not know. */
  readonly ignored: readonly string[];
}

export interface PreparedEmbedding extends Omit<EmbeddingRequest, 'inputs' | 'cutAt'> {
  /** Tokens of each text, the model's marks included. */
  readonly texts: readonly (readonly number[])[];
}

export interface PreparedRanking extends RerankRequest {
  /** Tokens of the query, without marks. */
  readonly queryTokens: readonly number[];
  readonly documentTokens: readonly (readonly number[])[];
}

export type Prepared = PreparedGeneration | PreparedEmbedding | PreparedRanking | TokensAnswer | TextAnswer;

export interface TokensAnswer {
  readonly count: number;
  /** Tokens of the context. */
  readonly max_model_len: number;
  readonly tokens: readonly number[];
  readonly token_strs?: readonly string[];
}

export interface TextAnswer {
  readonly prompt: string;
}
