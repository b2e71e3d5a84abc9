import { SECOND_MS } from '../os/second.ts';
import type { Entry } from './entry.ts';

/** How a pending entry is called for people. */
export function displayName(name: string | null | undefined): string {
  return name ?? "Exec['again']";
}

export function displayNames(entries: readonly Entry[]): string {
  return entries.map((entry) => displayName(entry.name)).join(', ');
}

/** Where in its chain a rerun is, and why it waits longer than the manifest says; '' for the first one of a burst. */
export function describeLink(link: number, burst: number): string {
  const why = burst > 0 ? `the first ${burst} ran at their due time` : 'burst is 0';
  const words = [link > 1 && `rerun ${link} in a row`, link > burst && `backing off: ${why}`].filter(Boolean);
  return words.length > 0 ? ` (${words.join(', ')})` : '';
}

/** Why a condition is not waited for any more. */
export function describeTimeout({ condition }: Entry): string {
  const seconds = Math.round((condition?.timeout ?? 0) / SECOND_MS);
  return `not true within ${seconds} s: ${condition?.what}`;
}

/** Whether an entry is meant by what a person says: a name, or `again` for `Exec['again']`, which has none. Undefined means every entry. */
export function isMeant(entry: { readonly name?: string }, said: string | undefined): boolean {
  return (
    said === undefined ||
    entry.name === said ||
    (entry.name === undefined && ['again', displayName(undefined)].includes(said))
  );
}
