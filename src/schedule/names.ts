import type { Entry } from './entry.ts';

/** How a pending entry is called for people. */
export function displayName(name: string | null | undefined): string {
  return name ?? "Exec['again']";
}

export function displayNames(entries: readonly Entry[]): string {
  return entries.map((entry) => displayName(entry.name)).join(', ');
}
