/** What llama.cpp itself takes for a text of a grammar. */
import { getLlama, LlamaGrammar, LlamaLogLevel } from 'node-llama-cpp';

/** llama.cpp's own: whether a text is one of the grammar's. */
export async function matcher(grammar: string): Promise<(text: string) => boolean> {
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, logLevel: LlamaLogLevel.disabled });
  const made = new LlamaGrammar(llama, { grammar }) as unknown as { _grammar: { isTextCompatible(text: string): boolean } };
  return (text) => made._grammar.isTextCompatible(text);
}
