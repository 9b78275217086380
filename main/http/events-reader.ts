/**
 * Parses server-sent events from chunks that may be cut anywhere, even inside a character. It reads
 * `data` lines only, because runtimes send nothing else.
 */
import { StringDecoder } from 'node:string_decoder';
import { ModeliumError } from '../../shared/errors.ts';

/**
 * An event of a token is a few hundred characters; a line that never ends must not fill the memory
 * (I10).
 */
const LINE_CHARACTERS = 4 * 1024 * 1024;

export class EventsReader {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /**
   * The data of the events that this chunk completes.
   * @throws ModeliumError upstream-failed for a line without end.
   */
  push(chunk: Buffer): readonly string[] {
    const text = this.#decoder.write(chunk);
    // What is there already is not gone through again for each byte that comes.
    const lines = text.includes('\n') ? (this.#rest + text).split('\n') : [this.#rest + text];
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > LINE_CHARACTERS) throw new ModeliumError('upstream-failed', 'The runtime sent a line without end.');
    const found: string[] = [];
    for (const line of lines) {
      if (line.startsWith('data:')) found.push(line.slice(5).trim());
    }
    return found;
  }
}
