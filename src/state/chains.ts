import { bootId } from '../clock.ts';
import { join } from '../path.ts';
import type { ChainLink } from '../rerun/environment.ts';
import { readOwnFile, replaceFile } from './files.ts';

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
