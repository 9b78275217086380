/**
 * The few services of the Electron shell, if the page runs in it; null in a browser. The only user
 * of `window.modelium`.
 */
import type { Bridge } from '../shared/bridge.ts';

declare global {
  interface Window {
    readonly modelium?: Bridge;
  }
}

export const bridge: Bridge | null = window.modelium ?? null;
