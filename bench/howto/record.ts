import { type BootOptions, boot, type Container } from '../../spec/support/container/container.ts';
import { installCommon } from '../../spec/support/container/modules.ts';
import { isNoise } from '../noise.ts';
import { type Console, consolesOf, withConsole } from './page.ts';

/** A page whose consoles are recorded again, one by one. */
export interface Page {
  readonly text: () => string;
  console(heading: string, index: number): Console;
  replace(one: Console): void;
}

export function openPage(text: string): Page {
  let current = text;
  return {
    text: () => current,
    console: (heading, index) => {
      const found = consolesOf(current).find((one) => one.heading === heading && one.index === index);
      if (!found) throw new Error(`the page has no console ${index} below ${heading}`);
      return found;
    },
    replace: (one) => {
      current = withConsole(current, one);
    },
  };
}

/** How a console is recorded. */
export interface Recording {
  /** The command as it is run and shown. Default: as the page has it. */
  readonly command?: (command: string, index: number) => string;
  /** The numbers of the commands that fail, as the page says. Default: none. */
  readonly fails?: readonly number[];
  /** Called before each command. */
  readonly before?: (index: number) => Promise<unknown>;
  /** The lines that are shown. Default: all. */
  readonly lines?: (lines: readonly string[], index: number) => readonly string[];
}

/** A machine at whose prompt the commands of a page are typed. */
export interface Machine {
  readonly box: Container;
  /** Runs a command that the page does not show, in the same folder; its output. */
  sh(command: string): Promise<string>;
  /** Runs the commands of a console of the page, and puts what they print there. */
  record(heading: string, index: number, recording?: Recording): Promise<void>;
}

/** Where people type. */
const FOLDER = '/root';
const PATIENCE_MS = 15 * 60_000;

/**
 * Boots a machine with the module and with Puppet's output in plain text, and ends it after `use`.
 *
 * @param env  variables of what is typed there
 */
export async function withMachine(
  page: Page,
  options: BootOptions,
  use: (machine: Machine) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const box = await boot({ hostname: 'node1', ...options });
  const type = (command: string, check: boolean) =>
    box.exec(['sh', '-c', `{ ${command}\n} 2>&1`], { cwd: FOLDER, env, check, timeoutMs: PATIENCE_MS });
  const machine: Machine = {
    box,
    sh: async (command) => (await type(command, true)).stdout,
    record: async (heading, index, { command = same, fails = [], before, lines = same } = {}) => {
      const shown = page.console(heading, index);
      const entries = [];
      for (const [at, entry] of shown.entries.entries()) {
        await before?.(at);
        const typed = command(entry.command, at);
        const { code, stdout } = await type(typed, false);
        if ((code !== 0) !== fails.includes(at)) throw new Error(`${typed} ended with ${code}:\n${stdout}`);
        entries.push({ command: typed, output: inLines(lines(linesOf(stdout), at)) });
      }
      page.replace({ ...shown, entries });
    },
  };
  try {
    installCommon(box);
    await machine.sh('puppet config set color false');
    await use(machine);
  } finally {
    await box.powerOff();
  }
}

/** The lines of an output that are of interest anywhere. */
export function linesOf(output: string): string[] {
  const lines = output.split('\n').filter((line) => !isNoise(line));
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

export function inLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function same<T>(value: T): T {
  return value;
}
