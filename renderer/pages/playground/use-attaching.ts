/** Images that come into the composer: pasted, dropped on it or chosen, and kept with the draft until it is sent. */
import { type ClipboardEvent, type DragEvent, useState } from 'react';
import { toModeliumError } from '../../../shared/errors.ts';
import { attach, usePlayground } from './conversation.ts';
import { imageAddress } from './files.ts';

const MOST_IMAGES = 4;
const NONE: readonly string[] = [];

export interface Attaching {
  readonly images: readonly string[];
  /** Why an image was not taken, in a sentence. */
  readonly trouble: string | null;
  /** An image is held over the composer. */
  readonly isOver: boolean;
  readonly take: (files: readonly File[]) => void;
  readonly remove: (at: number) => void;
  readonly clear: () => void;
  /** For the element that images are dropped on and pasted into. */
  readonly listeners: {
    readonly onDragEnter: (event: DragEvent) => void;
    readonly onDragLeave: (event: DragEvent) => void;
    readonly onDragOver: (event: DragEvent) => void;
    readonly onDrop: (event: DragEvent) => void;
    readonly onPaste: (event: ClipboardEvent) => void;
  };
}

/** @param noImages why no image can go with the question; null: it can. */
export function useAttaching(noImages: string | null): Attaching {
  const attached = usePlayground((state) => state.attached);
  const images = noImages === null ? attached : NONE;
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isOver, setIsOver] = useState(false);
  const take = (files: readonly File[]): void => {
    if (noImages !== null) setTrouble(noImages);
    else if (images.length + files.length > MOST_IMAGES) setTrouble(`At most ${MOST_IMAGES} images go with a question.`);
    else {
      Promise.all(files.map(imageAddress))
        .then((addresses) => {
          attach([...images, ...addresses]);
          setTrouble(null);
        })
        .catch((thrown: unknown) => setTrouble(toModeliumError(thrown).message));
    }
  };
  // Only images are ours: a model file that is dropped here goes to the window.
  const mine = (event: DragEvent, over: boolean): boolean => {
    if (![...event.dataTransfer.items].some(({ kind, type }) => kind === 'file' && type.startsWith('image/'))) return false;
    event.preventDefault();
    event.stopPropagation();
    setIsOver(over);
    return true;
  };
  return {
    ...{ images, trouble, isOver, take },
    remove: (at) => attach(images.toSpliced(at, 1)),
    clear() {
      attach(NONE);
      setTrouble(null);
    },
    listeners: {
      onDragEnter: (event) => void mine(event, true),
      onDragLeave: (event) => void mine(event, false),
      onDragOver: (event) => void mine(event, true),
      onDrop: (event) => {
        if (mine(event, false)) take(imagesOf(event.dataTransfer));
      },
      onPaste: (event) => {
        const files = imagesOf(event.clipboardData);
        // A text with a picture of itself, as word processors copy it, is a text.
        if (files.length === 0 || event.clipboardData.types.includes('text/plain')) return;
        event.preventDefault();
        take(files);
      },
    },
  };
}

function imagesOf(data: DataTransfer): readonly File[] {
  return [...data.files].filter(({ type }) => type.startsWith('image/'));
}
