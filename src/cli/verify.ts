import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { readOwnFile, removeFile } from '../os/files.ts';
import { join } from '../os/path.ts';
import { Refusal } from '../os/refusal.ts';

/**
 * Compares the whole executable of a folder with what was delivered there, and returns the SHA-256 of both. Where they differ, Puppet's
 * next run delivers it again, for its marks are forgotten.
 *
 * @throws {Refusal} where it is damaged, or it is not known what was delivered
 */
export async function verify(home: string): Promise<string> {
  const executable = join(home, 'again');
  const list = join(home, 'again.sha256');
  const wanted = /^([0-9a-f]{64}) {2}again\n$/.exec(readOwnFile(list) ?? '')?.[1];
  if (wanted === undefined)
    throw new Refusal(`${list} does not say what was delivered: run Puppet once, and it is written`);
  const found = await hashOf(executable);
  if (found === wanted) return found;
  removeFile(join(home, 'state/delivered'));
  throw new Refusal(
    `${executable} is damaged (sha256 ${found}, not ${wanted}): the next run of Puppet repairs it`,
  );
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    throw new Refusal(`${path} cannot be read: ${(error as Error).message}`);
  }
  return hash.digest('hex');
}
