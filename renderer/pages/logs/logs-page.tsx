/** The page Logs: the engine's log and those of the runtimes, to follow, search, copy and save. */
import { useCallback, useDeferredValue, useMemo, useState, useSyncExternalStore } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { countInWords } from '../../../shared/units.ts';
import { go, type PageProps } from '../../route.ts';
import { useModel, useModels } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Page } from '../../ui/panel.tsx';
import { attempt, say } from '../../ui/toasts.tsx';
import { type Filtered, filtered, LINES_KEPT, type LogBuffer } from './log-buffer.ts';
import { type Level, readFilter } from './log-filter.ts';
import { createLogFollower, type LogState } from './log-follower.ts';
import { type LogLine, lineText } from './log-line.ts';
import { LogLines } from './log-lines.tsx';
import { type LogChoice, LogToolbar } from './log-toolbar.tsx';
import styles from './logs-page.module.css';

/** Nothing of it can have run yet, whatever it says of itself. */
const BEFORE_A_RUNTIME: ReadonlySet<ModelView['state']> = new Set(['discovered', 'settling', 'analyzed', 'blocked']);

export function LogsPage({ subject }: PageProps) {
  // Another log is another page: its place, its lines, its stream.
  return <Log key={subject ?? ''} model={subject} />;
}

function Log({ model }: { readonly model: string | null }) {
  const follower = useMemo(() => createLogFollower(model), [model]);
  const state = useSyncExternalStore(follower.subscribe, follower.state);
  const [typed, setTyped] = useState('');
  const [level, setLevel] = useState<Level>('all');
  const [wraps, setWraps] = useState(true);
  const [follows, setFollows] = useState(true);
  const filter = useMemo(() => readFilter(typed, level), [typed, level]);
  const { buffer } = state;
  // What is typed appears at once, the lines a moment later.
  const lines = useFiltered(state, useDeferredValue(filter));
  const onFollows = useCallback((next: boolean) => setFollows(next), []);
  return (
    <Page
      actions={
        <>
          <Button disabled={lines.length === 0} icon="copy" onClick={() => copy(lines)}>
            {texts.logs.copyVisible}
          </Button>
          <Button disabled={buffer.lines.length === 0} icon="drop" onClick={() => download(buffer.lines, model)}>
            {texts.logs.download}
          </Button>
        </>
      }
      fills
      sentence={model === null ? texts.logs.ofEngine : texts.logs.ofRuntime(model)}
      title={texts.window.titles.logs}
    >
      <LogToolbar
        choices={useChoices(model)}
        count={
          filter === null
            ? lineCount(buffer.lines.length)
            : texts.logs.shownOfAll(countInWords(lines.length), countInWords(buffer.lines.length))
        }
        follows={follows}
        level={level}
        model={model}
        typed={typed}
        wraps={wraps}
        onFollows={setFollows}
        onLevel={setLevel}
        onTyped={setTyped}
        onWraps={setWraps}
      />
      {buffer.dropped > 0 && (
        <p className={styles.dropped}>{texts.logs.dropped(buffer.dropped, countInWords(buffer.dropped), countInWords(LINES_KEPT))}</p>
      )}
      {state.status === 'lost' && buffer.lines.length > 0 && <p className={styles.dropped}>{texts.logs.reconnects(state.why ?? '')}</p>}
      {lines.length > 0 ? (
        <LogLines filter={filter} follows={follows} lines={lines} onFollows={onFollows} wraps={wraps} />
      ) : (
        <NoLines
          clear={() => {
            setTyped('');
            setLevel('all');
          }}
          model={model}
          state={state}
          typed={typed}
        />
      )}
    </Page>
  );
}

function useFiltered({ buffer }: LogState, filter: Filtered['filter']): readonly LogLine[] {
  const [last, setLast] = useState<{ readonly buffer: LogBuffer; readonly result: Filtered } | null>(null);
  if (last?.buffer === buffer && last.result.filter === filter) return last.result.lines;
  const result = filtered(last?.result ?? null, buffer, filter);
  setLast({ buffer, result });
  return result.lines;
}

function useChoices(model: string | null): readonly LogChoice[] {
  const models = useModels();
  const ran = models.filter(({ id, state, plan }) => id === model || plan !== null || !BEFORE_A_RUNTIME.has(state)).map(({ id }) => id);
  const unknown = model === null || ran.includes(model) ? [] : [model];
  return [{ model: null, label: texts.common.engine }, ...[...unknown, ...ran].map((id) => ({ model: id, label: id }))];
}

function lineCount(count: number): string {
  return texts.logs.lineCount(count, countInWords(count));
}

interface NoLinesProps {
  readonly state: LogState;
  readonly model: string | null;
  readonly typed: string;
  readonly clear: () => void;
}

function NoLines({ state: { buffer, status, why }, model, typed, clear }: NoLinesProps) {
  const view = useModel(model);
  if (buffer.lines.length > 0) {
    return (
      <Empty action={<Button onClick={clear}>{texts.logs.showEvery}</Button>} icon="search" title={texts.logs.noMatch}>
        {texts.logs.noneOf(lineCount(buffer.lines.length), typed)}
      </Empty>
    );
  }
  if (status === 'refused') {
    return (
      <Empty action={<Button onClick={() => go('logs')}>{texts.logs.showEngineLog}</Button>} icon="warning" title={texts.logs.doesNotExist}>
        {why}
      </Empty>
    );
  }
  if (status !== 'live') {
    return (
      <Empty action="none" icon="logs" title={status === 'lost' ? texts.logs.engineIsAway : texts.logs.opening}>
        {why ?? texts.logs.lastLinesFirst}
      </Empty>
    );
  }
  return (
    <Empty
      action={
        view === undefined ? (
          <Button onClick={() => go('models')}>{texts.common.openModelsPage}</Button>
        ) : (
          <Button onClick={() => go('models', view.id)}>{texts.logs.whatModelIs}</Button>
        )
      }
      icon="logs"
      title={texts.logs.noLines}
    >
      {model === null ? texts.logs.engineLoggedNothing : texts.logs.modelLoggedNothing(model)}
    </Empty>
  );
}

function textOf(lines: readonly LogLine[]): string {
  return `${lines.map(lineText).join('\n')}\n`;
}

function copy(lines: readonly LogLine[]): void {
  void attempt(texts.logs.notCopied, async () => {
    await navigator.clipboard.writeText(textOf(lines));
    say(texts.logs.copied(lineCount(lines.length)));
  });
}

function download(lines: readonly LogLine[], model: string | null): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([textOf(lines)], { type: 'text/plain' }));
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  link.download = `modelium-${model ?? 'engine'}-${time}.txt`;
  link.click();
  // The download has the bytes by then; before, it might not.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
