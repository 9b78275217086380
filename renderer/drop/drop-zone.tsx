import type { ReactNode } from 'react';

export function DropZone({ children }: { readonly children: ReactNode }) {
  return children;
}
