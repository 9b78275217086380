/** The window's position: saved in the state folder, and checked against the current screens. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivate } from '../io/engine-file.ts';

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Place {
  /** Null: the middle of the screen. */
  readonly bounds: Rectangle | null;
  readonly maximized: boolean;
  /** It was told that closing the window does not end the engine. */
  readonly toldClosing: boolean;
}

export const SMALLEST = { width: 1024, height: 640 } as const;
const USUAL = { width: 1280, height: 800 } as const;
/** So much of the title bar must be on a screen that a person can get hold of it. */
const GRIP = { width: 120, height: 40 } as const;
const PLACE_FILE = 'window.json';
const LARGEST = 32_768;

export function readPlace(stateFolder: string): Place {
  try {
    const read = JSON.parse(readFileSync(join(stateFolder, PLACE_FILE), 'utf8')) as Partial<Place>;
    return {
      bounds: isRectangle(read.bounds) ? read.bounds : null,
      maximized: read.maximized === true,
      toldClosing: read.toldClosing === true,
    };
  } catch {
    return { bounds: null, maximized: false, toldClosing: false };
  }
}

/** Losing it is not worth a word. */
export function writePlace(stateFolder: string, place: Place): void {
  try {
    writePrivate(join(stateFolder, PLACE_FILE), `${JSON.stringify(place)}\n`);
  } catch {
    // The disk is full, or the folder is gone.
  }
}

/**
 * The bounds to open with; without a position the window is put in the middle. @param screens work
 * areas.
 */
export function boundsFor(
  { bounds }: Pick<Place, 'bounds'>,
  screens: readonly Rectangle[],
): Partial<Rectangle> & { readonly width: number; readonly height: number } {
  if (bounds === null) return USUAL;
  const width = Math.max(bounds.width, SMALLEST.width);
  const height = Math.max(bounds.height, SMALLEST.height);
  const isReachable = screens.some(
    (screen) =>
      Math.min(bounds.x + width, screen.x + screen.width) - Math.max(bounds.x, screen.x) >= GRIP.width &&
      bounds.y >= screen.y &&
      bounds.y + GRIP.height <= screen.y + screen.height,
  );
  return isReachable ? { x: bounds.x, y: bounds.y, width, height } : { width, height };
}

function isRectangle(value: unknown): value is Rectangle {
  const { x, y, width, height } = (value ?? {}) as Partial<Rectangle>;
  return [x, y, width, height].every((number) => Number.isInteger(number) && Math.abs(number as number) <= LARGEST);
}
