// The room puppet/ is Puppet's side: its command line, settings, lock and report, and which process is the Puppet run.

import type { Bytes } from '../os/bytes.ts';
import {
  longOption,
  type Option,
  type Subcommand,
  settingNamed,
  settingTurnedOff,
  shortOption,
  shortSetting,
} from './options.ts';

/** One option or operand of a Puppet command line. */
export interface Argument {
  /** Long name without dashes, in full, `_` for `-` and without `no_`; undefined for an operand. */
  readonly name: string | undefined;
  /** The value; for a flag `true`, or `false` for its `--no-` form. */
  readonly value: Bytes | boolean;
  /** Place in the list that was parsed, and how many items it takes there. */
  readonly at: number;
  readonly length: number;
  /** Puppet accepts this option and does nothing with it: a setting that is not spelled out. */
  readonly ignored?: true;
  /** A setting whose name is spelled with dashes: Puppet 8 takes it, earlier ones ignore it. Counted as given. */
  readonly dashed?: true;
  /** A guess: this option, or one before it, is none that is known, or not the same one in all releases of Puppet. */
  readonly unsure?: true;
}

/**
 * Parses what follows `puppet apply` or `puppet agent`, as Puppet does: twice.
 *
 * First, Puppet looks for settings with a parser of its own, which takes exact names alone and passes over everything else
 * (lib/puppet/settings.rb, `parse_global_options`). Then Ruby's OptionParser reads options of the subcommand and operands
 * (lib/puppet/application.rb, `parse_options`). It takes each unambiguous beginning, of settings, too, but drops what it
 * finds of those. So `--tes` is `--test`, and `--noo` is nothing.
 *
 * Where the environment has POSIXLY_CORRECT, OptionParser would stop at the first operand. That is not looked at: settings count
 * wherever they stand.
 */
export function parseArguments(list: readonly Bytes[], subcommand: Subcommand): Argument[] {
  const settings = findSettings(list);
  const parsed = findOptions(list, subcommand).map(({ isSetting, ...argument }): Argument => {
    const same = settings.findIndex(({ at, name }) => at === argument.at && name === argument.name);
    const [setting] = same < 0 ? [] : settings.splice(same, 1);
    if (!isSetting) return argument;
    return setting ? { ...argument, ...setting, length: argument.length } : { ...argument, ignored: true };
  });
  // The remaining ones are settings that OptionParser takes for something else, such as the value of an option before it.
  return settings.length === 0 ? parsed : [...parsed, ...settings].sort((a, b) => a.at - b.at);
}

/** Whether it is certain how Puppet reads this command line. */
export function isSure(parsed: readonly Argument[]): boolean {
  return !parsed.some(({ unsure }) => unsure);
}

/** The value that counts of an option: the last one. `undefined` where it is not given. */
export function lastValue(parsed: readonly Argument[], name: string): Bytes | boolean | undefined {
  return parsed.findLast((argument) => argument.name === name && !argument.ignored)?.value;
}

/** A flag's value. */
export function flag(parsed: readonly Argument[], name: string): boolean | undefined {
  const value = lastValue(parsed, name);
  return typeof value === 'boolean' ? value : undefined;
}

export function text(parsed: readonly Argument[], name: string): Bytes | undefined {
  const value = lastValue(parsed, name);
  return typeof value === 'string' ? value : undefined;
}

type Found = Argument & { readonly isSetting?: boolean };

/** The options and operands that OptionParser finds in the list (Ruby's optparse.rb, `parse_in_order`). */
function findOptions(list: readonly Bytes[], subcommand: Subcommand): Found[] {
  const found: Found[] = [];
  let unsure = false;
  const add = (argument: Found) => {
    found.push(unsure ? { ...argument, unsure: true } : argument);
  };
  /** Adds an option that is `attached` to its value, or takes the next word; returns how many words that is. */
  const addOption = (option: Option, at: number, attached: Bytes | undefined): number => {
    const next = list[at + 1];
    const takesNext =
      attached === undefined &&
      next !== undefined &&
      (option.kind === 'value' || (option.kind === 'optional' && !next.startsWith('-')));
    // A newer Ruby takes a dash alone for the value, an older one does not.
    if (option.kind === 'optional' && attached === undefined && next === '-') unsure = true;
    const value = option.kind === 'flag' ? option.on : (attached ?? (takesNext ? next : true));
    const length = takesNext ? 2 : 1;
    add({ name: option.name, value, at, length, isSetting: option.setting });
    return length;
  };

  let at = 0;
  while (at < list.length) {
    const word = list[at] as Bytes;
    if (word === '--') {
      for (at += 1; at < list.length; at += 1)
        add({ name: undefined, value: list[at] as Bytes, at, length: 1 });
    } else if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const spelled = equals < 0 ? word.slice(2) : word.slice(2, equals);
      const attached = equals < 0 ? undefined : (word.slice(equals + 1) as Bytes);
      const option = longOption(spelled, subcommand);
      if (option) {
        at += addOption(option, at, attached);
      } else {
        unsure = true;
        add({ name: spelled.replaceAll('-', '_'), value: attached ?? true, at, length: 1 });
        at += 1;
      }
    } else if (word.startsWith('-') && word.length > 1) {
      let length = 1;
      for (let rest: string = word.slice(1); rest !== ''; ) {
        const letter = rest[0] as string;
        rest = rest.slice(1);
        const option = shortOption(letter, subcommand);
        if (!option) {
          unsure = true;
          add({ name: `unknown_${letter}`, value: true, at, length: 1 });
        } else if (option.kind !== 'flag') {
          length = addOption(option, at, rest === '' ? undefined : (rest as Bytes));
          break;
        } else {
          addOption(option, at, undefined);
          while (rest.startsWith('-')) rest = rest.slice(1);
        }
      }
      at += length;
    } else {
      add({ name: undefined, value: word, at, length: 1 });
      at += 1;
    }
  }
  return found;
}

/**
 * The settings that Puppet's own parser finds (lib/puppet/util/command_line/trollop.rb, `each_arg`). Its expressions look at each line
 * of a word, and its short options are looked for in all letters of a word, so `-lconsole` of an agent holds an `-o`.
 */
function findSettings(list: readonly Bytes[]): Argument[] {
  const found: Argument[] = [];
  let at = 0;
  while (at < list.length) {
    const word = optionLine(list[at] as Bytes);
    if (word === '--') break;
    let length = 1;
    const take = (option: Option | undefined, on: boolean, attached?: string, isDashed = false) => {
      if (!option) return;
      const next = list[at + 1];
      const value = option.kind === 'flag' ? on : (attached ?? (isParameter(next) ? next : undefined));
      // Without a value Puppet fails, if none of the same name has one.
      if (value === undefined) return;
      if (typeof value === 'string' && attached === undefined) length = 2;
      const setting = { name: option.name, value: value as Bytes | boolean, at, length };
      found.push(isDashed ? { ...setting, dashed: true } : setting);
    };
    if (word?.startsWith('--')) {
      const equals = word.indexOf('=', 3);
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      const attached = equals < 0 ? undefined : word.slice(equals + 1);
      const isOff = name.startsWith('no-');
      const bare = isOff ? name.slice(3) : name;
      const option = isOff ? settingTurnedOff(bare) : settingNamed(bare);
      take(option, !isOff, attached, bare.includes('-'));
    } else if (word) {
      for (const letter of word.slice(1, -1)) {
        const option = shortSetting(letter);
        if (option?.kind === 'flag') take(option, true);
      }
      take(shortSetting(word.at(-1) as string), true);
    }
    at += length;
  }
  return found;
}

/** The line of a word for which it counts as an option: `--x=…` before `--x` before `-x`, of which the last two have no space. */
function optionLine(word: Bytes): string | undefined {
  if (!word.includes('\n')) return isOption(word) ? word : undefined;
  if (!word.startsWith('-') && !word.includes('\n-')) return undefined;
  const options = word.split('\n').filter(isOption);
  return (
    options.find((line) => line === '--') ??
    options.find((line) => line.startsWith('--') && line.includes('=')) ??
    options.find((line) => line.startsWith('--')) ??
    options[0]
  );
}

function isOption(line: string): boolean {
  if (!line.startsWith('-') || line === '-') return false;
  const space = line.search(/[\t-\r ]/);
  if (space < 0) return true;
  const equals = line.indexOf('=', 3);
  return line.startsWith('--') && equals > 0 && equals < space;
}

/** Whether a word can be the value of the option before it. */
function isParameter(word: Bytes | undefined): boolean {
  return word !== undefined && !/(?:^|\n)-(?:-|\.(?:\n|$)|[^\d.])/.test(word);
}
