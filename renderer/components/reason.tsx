/**
 * Shows a reason: its facts as chips, and, on request, how the figures came about and the runtimes'
 * own sentences.
 */
import type { Fact, Reason } from '../../shared/reason.ts';
import { factInWords, isDetail, placeOf } from '../../shared/reason-words.ts';
import * as texts from '../texts.ts';
import { classes } from '../ui/classes.ts';
import styles from './reason.module.css';

export function ReasonView({ reason }: { readonly reason: Reason }) {
  return <FactsView facts={reason.facts} place={placeOf(reason.cause)} />;
}

interface FactsViewProps {
  readonly facts: readonly Fact[];
  readonly place?: ReturnType<typeof placeOf>;
}

export function FactsView({ facts, place = null }: FactsViewProps) {
  const chips = facts.filter((fact) => !isDetail(fact));
  const details = facts.filter(isDetail);
  return (
    <>
      {chips.length > 0 && (
        <ul className={styles.chips}>
          {chips.map((fact) => (
            <li className={classes(styles.chip, isShort(fact) && styles.short)} key={JSON.stringify(fact)}>
              {factInWords(fact, place)}
            </li>
          ))}
        </ul>
      )}
      {details.length > 0 && (
        <details className={styles.details}>
          <summary>{texts.common.details}</summary>
          <ul>
            {details.map((fact) => (
              <li key={JSON.stringify(fact)}>{factInWords(fact)}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** What speaks against it. */
function isShort(fact: Fact): boolean {
  if (fact.fact === 'needs') return fact.bytes > fact.freeBytes;
  return fact.fact === 'capacity' || fact.fact === 'holds' || fact.fact === 'in-the-way' || fact.fact === 'obstacle';
}
