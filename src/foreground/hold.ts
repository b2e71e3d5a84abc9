import { join } from '../os/path.ts';
import { describeHold } from '../schedule/hold.ts';
import { isPrivate } from '../state/channel.ts';
import { readHold } from '../state/hold.ts';
import { home } from '../state/settings.ts';

/** The state folder whose hold counts here: that beside its own executable. */
export function stateHere(): string {
  return join(home(), 'state');
}

/**
 * The hold of the reruns of an `again run`, in words: the hold of that folder, where there is one that only this user can enter. In an image there is none.
 */
export function holdHere(folder = stateHere()): string | undefined {
  if (!isPrivate(folder, process.getuid?.() ?? 0)) return undefined;
  const hold = readHold(folder);
  return hold && describeHold(hold);
}
