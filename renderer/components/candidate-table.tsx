/**
 * The table of candidates that the brain considered: what each needs, what was free, which models
 * would have to leave, and why it was chosen or not.
 */
import type { Candidate } from '../../shared/decision.ts';
import { bytesInWords, secondsInWords } from '../../shared/units.ts';
import * as texts from '../texts.ts';
import { classes } from '../ui/classes.ts';
import { Icon } from '../ui/icon.tsx';
import styles from './candidate-table.module.css';
import { candidateInWords, keyOf, needsOf } from './candidate-words.ts';
import { useDeviceNames } from './device-name.ts';
import { FactsView } from './reason.tsx';

interface CandidateTableProps {
  readonly candidates: readonly Candidate[];
  /** Its place in the list; null: none was taken. */
  readonly chosen: number | null;
}

export function CandidateTable({ candidates, chosen }: CandidateTableProps) {
  // The one that was taken on top; in rows of earlier versions it stands where it was weighed.
  const order = candidates
    .map((candidate, index) => ({ candidate, index }))
    .toSorted((one, other) => Number(other.index === chosen) - Number(one.index === chosen));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls in its own box, which the keyboard must reach too.
    <section aria-label={texts.candidates.title} className={styles.scroll} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{texts.candidates.candidate}</th>
            <th scope="col">{texts.candidates.fits}</th>
            <th scope="col">{texts.candidates.needs}</th>
            <th scope="col">{texts.candidates.mustLeaveFirst}</th>
            <th scope="col">{texts.candidates.load}</th>
            <th scope="col">{texts.candidates.why}</th>
          </tr>
        </thead>
        <tbody>
          {order.map(({ candidate, index }) => (
            <Row candidate={candidate} isChosen={index === chosen} key={keyOf(candidate)} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ candidate, isChosen }: { readonly candidate: Candidate; readonly isChosen: boolean }) {
  const nameOf = useDeviceNames();
  const { feasible, bytesThere, victims, loadSeconds, why, facts } = candidate;
  return (
    <tr className={classes(isChosen && styles.chosen)}>
      <th scope="row">
        {candidateInWords(candidate, nameOf)}
        {isChosen && <span className={styles.taken}>{texts.candidates.taken}</span>}
      </th>
      <td>
        <span className={feasible ? styles.yes : styles.no}>
          <Icon name={feasible ? 'check' : 'close'} size={14} />
          {feasible ? texts.common.yes : texts.common.no}
        </span>
      </td>
      <td>
        {needsOf(candidate).map(([id, bytes]) => (
          <div className={styles.need} key={id}>
            {texts.candidates.needsOfFree(nameOf(id), bytesInWords(bytes), bytesInWords(bytesThere[id] ?? 0))}
          </div>
        ))}
      </td>
      <td>{victims.length === 0 ? '-' : victims.join(', ')}</td>
      <td>{loadSeconds === null ? '?' : secondsInWords(loadSeconds)}</td>
      <td className={styles.why}>
        {why}
        {facts !== undefined && <FactsView facts={facts} />}
      </td>
    </tr>
  );
}
