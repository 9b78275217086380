/**
 * Accepts drops anywhere on the window. Shows the overlay while files are over it, and finds their
 * paths.
 */
import { type DragEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { bridge } from '../bridge.ts';
import * as texts from '../texts.ts';
import { Icon } from '../ui/icon.tsx';
import { warn } from '../ui/toasts.tsx';
import { AddModel } from './add-model.tsx';
import styles from './drop-zone.module.css';
import { addPaths } from './drops.ts';

const NO_PATHS = texts.drop.pathsAreHidden;

/** While something is dragged over a page, browsers say so every 50 to 350 ms. */
const SILENCE_MS = 1_000;

export function DropZone({ children }: { readonly children: ReactNode }) {
  const [count, setCount] = useState<number | null>(null);
  const [asked, setAsked] = useState<readonly File[] | null>(null);
  // Entering a child leaves its parent: only the last leave of as many enters is one.
  const depth = useRef(0);
  const lastSignMs = useRef(0);
  const isOver = count !== null;

  // An element that goes away under the pointer is never left: then nothing but the silence says
  // that the drag is over.
  useEffect(() => {
    if (!isOver) return;
    const timer = setInterval(() => {
      if (performance.now() - lastSignMs.current < SILENCE_MS) return;
      depth.current = 0;
      setCount(null);
    }, SILENCE_MS / 4);
    return () => clearInterval(timer);
  }, [isOver]);

  function enter(event: DragEvent): void {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth.current += 1;
    lastSignMs.current = performance.now();
    setCount(event.dataTransfer.items.length);
  }

  function leave(event: DragEvent): void {
    if (!hasFiles(event)) return;
    depth.current = Math.max(0, depth.current - 1);
    if (depth.current === 0) setCount(null);
  }

  function over(event: DragEvent): void {
    if (!hasFiles(event)) return;
    lastSignMs.current = performance.now();
    // Without this the browser would open the file in place of the window.
    event.preventDefault();
    // What every source offers; nothing is copied all the same.
    event.dataTransfer.dropEffect = 'copy';
  }

  function drop(event: DragEvent): void {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth.current = 0;
    setCount(null);
    const paths = pathsOf(event.dataTransfer);
    const known = paths.filter((path) => path !== '');
    if (known.length === 0 && bridge === null) setAsked(filesOf(event.dataTransfer));
    else if (known.length < paths.length) warn(texts.drop.itemsWithoutPath, texts.drop.saveThemFirst);
    addPaths(known);
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the window as a whole; the same is done by keyboard with "Add a model".
    <div className={styles.zone} onDragEnter={enter} onDragLeave={leave} onDragOver={over} onDrop={drop}>
      {children}
      {count !== null && (
        <section aria-label={texts.drop.title} className={styles.overlay} data-testid="drop-overlay">
          <div className={styles.words}>
            <Icon name="drop" size={32} />
            <p>{texts.drop.serveFromWhereTheyAre(count)}</p>
            <small>{texts.drop.nothingCopied}</small>
          </div>
        </section>
      )}
      <AddModel dropped={asked ?? []} onClose={() => setAsked(null)} open={asked !== null} reason={NO_PATHS} />
    </div>
  );
}

function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer.types.includes('Files');
}

/** Without folders, which pass for files of a name and no bytes. */
function filesOf({ items }: DataTransfer): readonly File[] {
  return [...items].flatMap((item) => {
    if (item.webkitGetAsEntry()?.isDirectory === true) return [];
    const file = item.getAsFile();
    return file === null ? [] : [file];
  });
}

/**
 * In the order of the items; an empty text for one without a path. Some browsers tell paths as
 * addresses.
 */
function pathsOf(data: DataTransfer): readonly string[] {
  const files = [...data.files];
  if (bridge !== null) return bridge.pathsOf(files);
  const addresses = data
    .getData('text/uri-list')
    .split(/\r?\n/)
    .filter((line) => line.startsWith('file://'));
  return addresses.length > 0 ? addresses.map((address) => decodeURIComponent(new URL(address).pathname)) : files.map(() => '');
}
