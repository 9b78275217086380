/** What llama.cpp itself takes for a text of a grammar. */
import { getLlama, LlamaGrammar, LlamaLogLevel } from 'node-llama-cpp';

const llama = getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.disabled });

/** llama.cpp's own: whether a text is one of the grammar's. */
export async function matcher(grammar: string): Promise<(text: string) => boolean> {
  const made = new LlamaGrammar(await llama, { grammar }) as unknown as { _grammar: { isTextCompatible(text: string): boolean } };
  return (text) => made._grammar.isTextCompatible(text);
}
