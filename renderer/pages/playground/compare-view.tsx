/**
 * Compares two to four models: one question, a column for each answer, and a table of their
 * figures.
 */
import { type KeyboardEvent, useRef } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { showPanel } from '../../palette/shortcuts.ts';
import { useModels } from '../../store.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Note, Panel } from '../../ui/panel.tsx';
import { isUnderWay } from './answering.ts';
import styles from './compare.module.css';
import { compare, stopAll, useCompare } from './compare.ts';
import { CompareColumn } from './compare-column.tsx';
import { CompareTable } from './compare-table.tsx';
import { Composer } from './composer.tsx';
import { type Asked, usePlayground } from './conversation.ts';
import { LETTERS, MOST_COMPARED } from './kept-state.ts';
import { LoadsFirst } from './loads-first.tsx';
import { isServable, requestKindOf } from './request.ts';

const FEWEST_COMPARED = 2;

export function CompareView({ first }: { readonly first: ModelView | null }) {
  const chatModels = useModels().filter((model) => asked(model) !== null);
  const compared = usePlayground((state) => state.compared);
  const { question, columns } = useCompare();
  const chosen = chosenModels(chatModels, compared, first);
  const isBusy = columns.some(isUnderWay);
  const box = useRef<HTMLDivElement>(null);
  if (chatModels.length < FEWEST_COMPARED) return <TooFew count={chatModels.length} />;
  const choose = (at: number, id: string | null): void => {
    const ids = chosen.map((model) => model.id);
    usePlayground.setState({ compared: id === null ? ids.toSpliced(at, 1) : ids.toSpliced(at, 1, id) });
  };
  const others = chatModels.filter((model) => !chosen.includes(model));
  const obstacle = chosen.find((model) => !isServable(model));
  const ask = (text: string): void =>
    compare(
      chosen.flatMap((model) => asked(model) ?? []),
      text,
    );
  const onKeyDown = (event: KeyboardEvent): void => {
    const isHere = event.target instanceof Node && box.current?.contains(event.target) === true;
    if (event.key === 'Escape' && isBusy && isHere) stopAll();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a shortcut for what the Stop button does.
    <div className={styles.compare} onKeyDown={onKeyDown} ref={box}>
      <div className={styles.results}>
        {question !== null && (
          <article aria-label={texts.chat.youAsked} className={styles.question}>
            <p>{question}</p>
          </article>
        )}
        <div className={styles.columns} data-count={chosen.length}>
          {chosen.map((model, at) => (
            <CompareColumn
              canLeave={chosen.length > FEWEST_COMPARED}
              choices={[model, ...others]}
              column={columns.find((column) => column.model.id === model.id)}
              isBusy={isBusy}
              key={LETTERS[at]}
              letter={LETTERS[at] ?? ''}
              model={model}
              onChoose={(id) => choose(at, id)}
            />
          ))}
        </div>
        <CompareTable chosen={chosen} columns={columns} />
      </div>
      <p className="visually-hidden" role="status">
        {isBusy ? texts.playground.generating : columns.length > 0 ? texts.playground.complete : ''}
      </p>
      {!isBusy && <LoadsFirst models={chosen} />}
      {obstacle !== undefined && <Note tone="warn">{texts.playground.cannotBeAsked(obstacle.id, obstacle.message)}</Note>}
      <div className={styles.foot}>
        {chosen.length < MOST_COMPARED && others[0] !== undefined && (
          <Button disabled={isBusy} icon="plus" onClick={() => choose(chosen.length, others[0]?.id ?? null)}>
            {texts.common.addModel}
          </Button>
        )}
        <Composer
          isGenerating={isBusy}
          label={texts.compare.messageTo(chosen.length)}
          obstacle={obstacle === undefined ? null : texts.compare.cannotBeAsked(obstacle.id)}
          noImages={texts.compare.noImages}
          onSend={ask}
          onStop={stopAll}
        />
      </div>
    </div>
  );
}

/** Whom it would be asked as; null: it does not answer in words. */
function asked(model: ModelView): Asked | null {
  const requestKind = requestKindOf(model);
  return requestKind === 'chat' || requestKind === 'text' ? { id: model.id, requestKind } : null;
}

/**
 * Those that were chosen and are there; then the one that is looked at, and loaded ones before
 * others.
 */
export function chosenModels(chatModels: readonly ModelView[], compared: readonly string[], first: ModelView | null): readonly ModelView[] {
  const chosen = compared.flatMap((id) => chatModels.find((model) => model.id === id) ?? []);
  const rank = (model: ModelView): number => (model.id === first?.id ? 0 : model.state === 'ready' ? 1 : isServable(model) ? 2 : 3);
  const rest = chatModels.filter((model) => !chosen.includes(model)).toSorted((one, other) => rank(one) - rank(other));
  return [...chosen, ...rest.slice(0, Math.max(0, FEWEST_COMPARED - chosen.length))];
}

function TooFew({ count }: { readonly count: number }) {
  return (
    <Panel className={styles.alone}>
      <Empty
        action={<Button onClick={() => showPanel('add')}>{texts.common.addModel}</Button>}
        icon="columns"
        title={texts.compare.twoNeeded}
      >
        {texts.compare.tooFew(count)}
      </Empty>
    </Panel>
  );
}
