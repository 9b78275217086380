/**
 * Vectors as a person can judge them: size, length, the first numbers, and a table of how alike the
 * texts are.
 */

import { millisecondsInWords } from '../../../shared/units.ts';
import { Panel } from '../../ui/panel.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import type { Embedded } from './embedding.ts';
import styles from './playground.module.css';
import { norm, similarity } from './vectors.ts';

const VALUES_SHOWN = 4;
/** More columns than this are no table for a person. */
const COMPARED = 12;

export function EmbeddingsResult({ texts, answer }: Embedded) {
  const { embeddings, usage, timings } = answer;
  const rows = texts.map((text, at) => ({ number: at + 1, text, vector: embeddings[at] ?? [] }));
  const figures = [usage.prompt_tokens === null ? null : `${usage.prompt_tokens} tokens`, `total ${millisecondsInWords(timings.total_ms)}`];
  return (
    <>
      <Panel aside={<span className={styles.hint}>{figures.filter((figure) => figure !== null).join(' · ')}</span>} title="Vectors">
        <ScrollBox as="div" className={styles.table} label="Vectors">
          <table>
            <thead>
              <tr>
                <th>Text</th>
                <th>Dimensions</th>
                <th>Norm</th>
                <th>First values</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ number, text, vector }) => (
                <tr key={number}>
                  <td className={styles.text}>
                    {number}. {text}
                  </td>
                  <td>{vector.length}</td>
                  <td>{norm(vector).toFixed(4)}</td>
                  <td className={styles.values}>
                    {vector
                      .slice(0, VALUES_SHOWN)
                      .map((value) => value.toFixed(4))
                      .join(', ')}
                    {vector.length > VALUES_SHOWN ? ', ...' : ''}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      </Panel>
      {rows.length > 1 && <Similarities vectors={rows.slice(0, COMPARED)} />}
    </>
  );
}

interface Numbered {
  readonly number: number;
  readonly vector: readonly number[];
}

function Similarities({ vectors }: { readonly vectors: readonly Numbered[] }) {
  return (
    <Panel aside={<span className={styles.hint}>Cosine: 1 is the same direction, 0 unrelated</span>} title="Similarity">
      <ScrollBox as="div" className={styles.table} label="Similarity">
        <table>
          <thead>
            <tr>
              <th>Text</th>
              {vectors.map(({ number }) => (
                <th key={number}>{number}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {vectors.map((one) => (
              <tr key={one.number}>
                <th scope="row">{one.number}</th>
                {vectors.map((other) => (
                  <td key={other.number}>{similarity(one.vector, other.vector).toFixed(3)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </Panel>
  );
}
