/** Cuts the parts of a body into pieces of which each can be sent in one turn. Pure. */

/**
 * The same bytes in their order: small parts together, because a turn for each of ten thousand
 * texts takes many seconds; large parts cut, without a copy.
 * @param pieceBytes no piece is larger.
 */
export function* inPieces(parts: readonly Buffer[], pieceBytes: number): Generator<Buffer> {
  let small: Buffer[] = [];
  let smallBytes = 0;
  for (const part of parts) {
    if (smallBytes > 0 && smallBytes + part.length > pieceBytes) {
      yield Buffer.concat(small);
      small = [];
      smallBytes = 0;
    }
    if (part.length <= pieceBytes) {
      small.push(part);
      smallBytes += part.length;
    } else {
      for (let at = 0; at < part.length; at += pieceBytes) yield part.subarray(at, at + pieceBytes);
    }
  }
  if (smallBytes > 0) yield Buffer.concat(small);
}
