export function VerdictCards() {
  return null;
}
