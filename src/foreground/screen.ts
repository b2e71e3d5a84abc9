import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** The lines of `again run` and `again wait` beside those of Puppet, on standard error. */
export interface Screen {
  /** One line. */
  say(text: string): void;
  /** A line that the next one replaces, on a terminal; elsewhere said once, when it begins. */
  count(seconds: number, text: string): void;
  /** Takes the counting line away. */
  clear(): void;
}

/** Erases a line: ECMA-48, EL. */
const ERASE = '\r\x1b[K';
/** A line between these ends at the edge of the terminal, whatever its width is, so that it can be erased: DECAWM. */
const [NO_WRAP, WRAP] = ['\x1b[?7l', '\x1b[?7h'];

/**
 * Writes by the system call: `process.stderr` would set the pipe or terminal that Puppet shares to not block, and Puppet's own output would then be cut.
 *
 * @param prefix before each line
 * @param isTerminal whether it is one that erases lines
 */
export function openScreen(prefix: string, isTerminal = canErase(), write = writeToErrors): Screen {
  let shown: string | undefined;
  let counting: string | undefined;
  const clear = () => {
    if (shown !== undefined) write(ERASE);
    shown = counting = undefined;
  };
  return {
    clear,
    say(text) {
      clear();
      write(`${prefix}${text}\n`);
    },
    count(seconds, text) {
      const line = `${prefix}${text} in ${seconds} s`;
      if (isTerminal && line !== shown) {
        write(`${ERASE}${NO_WRAP}${line}${WRAP}`);
        shown = line;
      } else if (!isTerminal && counting !== text) {
        write(`${line}\n`);
      }
      counting = text;
    },
  };
}

function canErase(): boolean {
  return isatty(2) && process.env.TERM !== 'dumb';
}

function writeToErrors(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Closed, or full and not to be waited for: it is not read.
  }
}
