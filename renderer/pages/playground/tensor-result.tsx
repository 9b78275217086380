/** Shows output tensors: detections as a table, images as images, the rest as values. */
import { useEffect, useMemo, useRef } from 'react';
import { millisecondsInWords } from '../../../shared/units.ts';
import * as texts from '../../texts.ts';
import { Panel } from '../../ui/panel.tsx';
import styles from './playground.module.css';
import { Table } from './table.tsx';
import { type Detection, type Output, type Picture, readOutputs, type Value } from './tensor-outputs.ts';

export function TensorResult({ outputs, totalMs }: { readonly outputs: Readonly<Record<string, unknown>>; readonly totalMs: number }) {
  const read = useMemo(() => readOutputs(outputs), [outputs]);
  return (
    <>
      {read.detections !== null && <Detections detections={read.detections} />}
      {read.outputs.map((output) => (
        <Panel
          aside={<span className={styles.hint}>{output.shape.length === 0 ? texts.tensors.oneValue : output.shape.join(' x ')}</span>}
          key={output.name}
          title={output.name}
        >
          <OutputView output={output} />
        </Panel>
      ))}
      <p className={styles.hint}>{texts.playground.totalTime(millisecondsInWords(totalMs))}</p>
    </>
  );
}

function Detections({ detections }: { readonly detections: readonly Detection[] }) {
  const rows = detections.map(({ label, score, box }, at) => ({
    key: at,
    cells: [label === '' ? texts.tensors.noClass : label, shown(score), box.map(shown).join(', ')],
  }));
  return (
    <Panel title={texts.tensors.detections}>
      {rows.length === 0 ? (
        texts.tensors.nothingDetected
      ) : (
        <Table head={[texts.classes.class, texts.playground.score, texts.tensors.box]} label={texts.tensors.detections} rows={rows} />
      )}
    </Panel>
  );
}

function OutputView({ output: { name, view, shape } }: { readonly output: Output }) {
  if (view.kind === 'image') return <Painting label={texts.tensors.asImage(name)} picture={view.picture} />;
  if (view.kind === 'list') {
    const [only] = view.values;
    if (view.values.length === 1 && only !== undefined) return <p className={styles.transcript}>{shown(only[1])}</p>;
    return (
      <>
        <Table
          head={[texts.tensors.place, texts.common.value]}
          label={name}
          numbersFrom={1}
          rows={view.values.map(([place, value]) => ({ key: place, cells: [place, shown(value)] }))}
        />
        {view.isCut && <p className={styles.hint}>{texts.tensors.largestOf(shape.reduce((product, size) => product * size, 1))}</p>}
      </>
    );
  }
  const wide = view.rows[0]?.length ?? 0;
  const rowCount = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const isCut = wide < view.columns || view.rows.length < rowCount;
  return (
    <>
      <Table
        head={[texts.tensors.row, ...Array.from({ length: wide }, (_, column) => String(column))]}
        label={name}
        numbersFrom={1}
        rows={view.rows.map((row, at) => ({ key: at, cells: [at, ...row.map(shown)] }))}
      />
      {isCut && <p className={styles.hint}>{texts.tensors.firstRows(rowCount, view.columns)}</p>}
    </>
  );
}

/** Numbers with as many digits as tell them apart. */
function shown(value: Value): string {
  if (value === null) return texts.tensors.notANumber;
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 1e-4 && Math.abs(value) < 1e6 ? value.toFixed(4) : value.toExponential(3);
}

function Painting({ picture: { width, height, pixels }, label }: { readonly picture: Picture; readonly label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    canvas.current?.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
  }, [pixels, width, height]);
  return (
    <canvas
      aria-label={texts.tensors.sizedImage(label, width, height)}
      className={styles.painting}
      height={height}
      ref={canvas}
      role="img"
      width={width}
    />
  );
}
