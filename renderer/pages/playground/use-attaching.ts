/** Attaches images in the composer: pasted, dropped on it or chosen. */
import { type ClipboardEvent, type DragEvent, useEffect, useState } from 'react';
import { attach, refuse, useAttached } from './attached.ts';

const NONE: readonly string[] = [];

export interface Attaching {
  readonly images: readonly string[];
  readonly isReading: boolean;
  /** Why an image was not taken, in a sentence. */
  readonly trouble: string | null;
  /** An image is held over the composer. */
  readonly isOver: boolean;
  readonly take: (files: readonly File[]) => void;
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
  const { images, reading, trouble } = useAttached();
  const [isOver, setIsOver] = useState(false);
  // What was wrong with another model's images says nothing of this one's.
  useEffect(() => () => refuse(null), []);
  const take = (files: readonly File[]): void => {
    if (noImages !== null) refuse(noImages);
    else void attach(files);
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
    images: noImages === null ? images : NONE,
    isReading: noImages === null && reading > 0,
    trouble,
    isOver,
    take,
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
