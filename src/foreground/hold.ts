import { join } from '../os/path.ts';
import { describeHold } from '../schedule/hold.ts';
import { isPrivate } from '../state/channel.ts';
import { readHold } from '../state/hold.ts';
import { home } from '../state/settings.ts';

/**
 * What holds the reruns of an `again run`, in words: the hold of the state folder beside its own executable, where it has one that only this user can enter. In an
 * image it has none.
 */
export function holdHere(folder = join(home(), 'state')): string | undefined {
  if (!isPrivate(folder, process.getuid?.() ?? 0)) return undefined;
  const hold = readHold(folder);
  return hold && describeHold(hold);
}
