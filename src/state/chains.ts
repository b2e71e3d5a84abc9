// The room state/ is the state folder: the lock, records, history and logs in it, the settings beside it, and what was lost.

import { bootId, monotonic } from '../os/clock.ts';
import { readOwnFile, replaceFile } from '../os/files.ts';
import { fingerprint } from '../os/fingerprint.ts';
import { join } from '../os/path.ts';
import { here, isHere, type Place, placeTag } from '../os/place.ts';
import type { ChainLink } from '../schedule/chain.ts';

/**
 * A rerun that systemd starts gets its environment from its unit, so what it is told about its chain lies here, under the name that systemd gives
 * to this one start of the unit ($INVOCATION_ID, systemd.exec(5)).
 */
interface UnitLink extends ChainLink {
  readonly boot: string;
  readonly invocation: string;
}

function chainPath(folder: string, id: string): string {
  return join(folder, 'commands', `${id}.chain`);
}

export function writeUnitLink(
  folder: string,
  id: string,
  invocation: string,
  { chain, link }: ChainLink,
): void {
  const content: UnitLink = { boot: bootId(), invocation, chain, link };
  replaceFile(chainPath(folder, id), `${JSON.stringify(content)}\n`);
}

/** The link that a run is which this start of a unit began; undefined for any other. */
export function readUnitLink(
  folder: string,
  id: string,
  invocation: string | undefined,
): ChainLink | undefined {
  if (invocation === undefined) return undefined;
  try {
    const content = JSON.parse(readOwnFile(chainPath(folder, id)) ?? '') as UnitLink;
    if (content.boot !== bootId() || content.invocation !== invocation) return undefined;
    return /^[0-9a-f]{1,32}$/.test(content.chain) && Number.isSafeInteger(content.link) && content.link > 0
      ? { chain: content.chain, link: content.link }
      : undefined;
  } catch {
    return undefined;
  }
}

/** When the unit of a command was started, as far as `again` knows; by whomever. */
interface UnitStarts {
  readonly boot: string;
  /** Milliseconds of the monotonic clock. */
  readonly starts: readonly number[];
}

/** More starts in a limit's interval (StartLimitBurst=) are not counted. */
const MOST_STARTS = 100;

function startsPath(folder: string, id: string): string {
  return join(folder, 'commands', `${id}.starts`);
}

/** Notes a start of the unit of a command. Under the lock of the folder. */
export function noteUnitStart(folder: string, id: string, at: number): void {
  const starts = [...unitStarts(folder, id).filter((one) => one !== at), at].slice(-MOST_STARTS);
  replaceFile(startsPath(folder, id), `${JSON.stringify({ boot: bootId(), starts } satisfies UnitStarts)}\n`);
}

/** The starts of the unit of a command that are known in this boot. */
export function unitStarts(folder: string, id: string): readonly number[] {
  try {
    const { boot, starts } = JSON.parse(readOwnFile(startsPath(folder, id)) ?? '') as UnitStarts;
    return boot === bootId() ? starts.filter(Number.isFinite) : [];
  } catch {
    return [];
  }
}

/** When the newest rerun of a chain started. */
interface LastStart extends Place {
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
}

function lastStartPath(folder: string, chainKey: string): string {
  return join(folder, 'commands', `${fingerprint(`${placeTag()} ${chainKey}`)}.last`);
}

/** Notes that a rerun of a chain starts now, so that the next one of the same chain keeps its distance, whatever its variables are. */
export function noteLastStart(folder: string, chainKey: string): void {
  const content: LastStart = { ...here(), at: monotonic() };
  replaceFile(lastStartPath(folder, chainKey), `${JSON.stringify(content)}\n`);
}

/** When that was, on the monotonic clock; undefined where there was none in this boot. */
export function lastStartOf(folder: string, chainKey: string): number | undefined {
  try {
    const content = JSON.parse(readOwnFile(lastStartPath(folder, chainKey)) ?? '') as LastStart;
    return isHere(content) && Number.isFinite(content.at) ? content.at : undefined;
  } catch {
    return undefined;
  }
}
