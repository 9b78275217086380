/**
 * The images attached to the draft. Several are read at the same time and each is added when it is
 * ready, so that none is lost to another. Knows no screen.
 */
import { create } from 'zustand';
import { toModeliumError } from '../../../shared/errors.ts';
import * as texts from '../../texts.ts';
import { imageAddress } from './files.ts';

export const MOST_IMAGES = 4;

interface AttachedState {
  /** As `data:` addresses. */
  readonly images: readonly string[];
  /** How many are being read. */
  readonly reading: number;
  /** Why the last images were not taken, in a sentence. */
  readonly trouble: string | null;
}

const NOTHING: AttachedState = { images: [], reading: 0, trouble: null };

export const useAttached = create<AttachedState>(() => NOTHING);

/** Adds those that are images; the others are told. @param read makes an address of a file. */
export async function attach(files: readonly Blob[], read: (file: Blob) => Promise<string> = imageAddress): Promise<void> {
  const { images, reading } = useAttached.getState();
  if (images.length + reading + files.length > MOST_IMAGES) return refuse(texts.images.atMost(MOST_IMAGES));
  useAttached.setState({ trouble: null, reading: reading + files.length });
  await Promise.all(
    files.map(async (file) => {
      try {
        const address = await read(file);
        useAttached.setState((now) => ({ images: [...now.images, address] }));
      } catch (thrown) {
        refuse(toModeliumError(thrown).message);
      } finally {
        useAttached.setState((now) => ({ reading: now.reading - 1 }));
      }
    }),
  );
}

/** @param why in a sentence; null: it is told no longer. */
export function refuse(why: string | null): void {
  useAttached.setState({ trouble: why });
}

export function detach(at: number): void {
  useAttached.setState(({ images }) => ({ images: images.toSpliced(at, 1) }));
}

/** Takes those that were read, for a question that is sent. */
export function takeAttached(): readonly string[] {
  const { images } = useAttached.getState();
  useAttached.setState({ images: [] });
  return images;
}
