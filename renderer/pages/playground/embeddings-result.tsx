/**
 * Shows vectors so that a user can judge them: size, length, the first numbers, and a table of
 * similarities.
 */

import { millisecondsInWords } from '../../../shared/units.ts';
import type { AnswerOf } from '../../api.ts';
import * as texts from '../../texts.ts';
import { Panel } from '../../ui/panel.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import styles from './playground.module.css';
import { Table } from './table.tsx';
import { norm, similarity } from './vectors.ts';

const VALUES_SHOWN = 4;
/** More columns than this are no table for a person. */
const COMPARED = 12;

export interface Embedded {
  readonly texts: readonly string[];
  readonly answer: Extract<AnswerOf<'predict'>, { readonly embeddings: unknown }>;
}

export function EmbeddingsResult({ texts: embedded, answer }: Embedded) {
  const { embeddings, usage, timings } = answer;
  const rows = embedded.map((text, at) => ({ number: at + 1, text, vector: embeddings[at] ?? [] }));
  const figures = [
    usage.prompt_tokens === null ? null : texts.common.tokens(String(usage.prompt_tokens)),
    texts.playground.totalTime(millisecondsInWords(timings.total_ms)),
  ];
  return (
    <>
      <Panel
        aside={<span className={styles.hint}>{figures.filter((figure) => figure !== null).join(' · ')}</span>}
        title={texts.embeddings.vectors}
      >
        <Table
          head={[texts.playground.text, texts.embeddings.dimensions, texts.embeddings.norm, texts.embeddings.firstValues]}
          label={texts.embeddings.vectors}
          rows={rows.map(({ number, text, vector }) => ({
            key: number,
            cells: [`${number}. ${text}`, vector.length, norm(vector).toFixed(4), <FirstValues key="values" vector={vector} />],
          }))}
        />
      </Panel>
      {rows.length > 1 && <Similarities vectors={rows.slice(0, COMPARED)} />}
    </>
  );
}

function FirstValues({ vector }: { readonly vector: readonly number[] }) {
  const first = vector.slice(0, VALUES_SHOWN).map((value) => value.toFixed(4));
  return <span className={styles.values}>{[...first, ...(vector.length > VALUES_SHOWN ? ['...'] : [])].join(', ')}</span>;
}

interface Numbered {
  readonly number: number;
  readonly vector: readonly number[];
}

function Similarities({ vectors }: { readonly vectors: readonly Numbered[] }) {
  return (
    <Panel aside={<span className={styles.hint}>{texts.embeddings.cosine}</span>} title={texts.embeddings.similarity}>
      <ScrollBox as="div" className={styles.table} label={texts.embeddings.similarity}>
        <table>
          <thead>
            <tr>
              <th>{texts.playground.text}</th>
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
