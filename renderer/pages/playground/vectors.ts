/** Arithmetic on embeddings, to display them. Pure. */

/** Euclidean length. */
export function norm(vector: readonly number[]): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

/**
 * Cosine of the angle between two vectors of the same length, -1..1; 0 beside a vector without
 * direction.
 */
export function similarity(one: readonly number[], other: readonly number[]): number {
  const lengths = norm(one) * norm(other);
  if (lengths === 0) return 0;
  return one.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0) / lengths;
}
