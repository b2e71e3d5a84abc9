import { AGENT, APPLY, SETTINGS } from './option-table.ts';

export type Subcommand = 'apply' | 'agent';

/** A flag takes no value; an optional value is the next word unless that begins with a dash. */
export type OptionKind = 'flag' | 'value' | 'optional';

/** An option as OptionParser knows it. */
export interface Option {
  /** With `_` for `-`, and without `no_`. */
  readonly name: string;
  readonly kind: OptionKind;
  /** False for the `--no-` form of a flag. */
  readonly on: boolean;
  /** Whether it is a setting, and not an option of the subcommand. */
  readonly setting: boolean;
}

/** One release of Puppet or several: a bit for each, as the tables have them. */
type Releases = number;

type Entry = Option & { readonly key: string; readonly releases: Releases };

/**
 * The option that `--SPELLED` means in every Puppet that takes it; undefined where none does, or where they differ. A name that is
 * spelled out in one release counts for all: none of the table takes it for the beginning of another one that a person would shorten so.
 */
export function longOption(spelled: string, subcommand: Subcommand): Option | undefined {
  const name = spelled.replaceAll('_', '-');
  return single([...named(ownTable(subcommand), name), ...namedSetting(name)]) ?? completed(name, subcommand);
}

/** The option that `-X` means. OptionParser takes other letters for the beginning of a long option: not told here. */
export function shortOption(letter: string, subcommand: Subcommand): Option | undefined {
  return withLetter(ownTable(subcommand), letter, false) ?? shortSetting(letter);
}

/** The setting of exactly this name; undefined also where the releases differ about its kind. */
export function settingNamed(name: string): Option | undefined {
  return single(named(SETTINGS, name.replaceAll('-', '_')));
}

/** The flag that `--no-NAME` turns off. A release in which that is no flag does not start with it. */
export function settingTurnedOff(name: string): Option | undefined {
  return named(SETTINGS, name.replaceAll('-', '_')).find(({ kind }) => kind === 'flag');
}

/** The setting with this short form. */
export function shortSetting(letter: string): Option | undefined {
  return withLetter(SETTINGS, letter, true);
}

const ownTable = (subcommand: Subcommand) => (subcommand === 'apply' ? APPLY : AGENT);

// Names that are spelled out are found in the text of a table as it stands: a notification has no use for the other 250.

/** The first of some meanings of a name, if no other is read in another way. A subcommand's own option hides a setting. */
function single([first, ...others]: readonly Option[]): Option | undefined {
  return first?.setting && others.some(({ kind }) => kind !== first.kind) ? undefined : first;
}

/** A setting, or a flag among them that is turned off. */
function namedSetting(name: string): Option[] {
  const found = named(SETTINGS, name.replaceAll('-', '_'));
  if (found.length > 0 || !name.startsWith('no-')) return found;
  const turnedOff = settingTurnedOff(name.slice(3));
  return turnedOff ? [{ ...turnedOff, on: false }] : [];
}

function named(table: string, name: string): Option[] {
  const found: Option[] = [];
  if ([...MARKS].some((mark) => name.includes(mark))) return found;
  for (let at = table.indexOf(` ${name}`); at >= 0; at = table.indexOf(` ${name}`, at + 1)) {
    const end = at + 1 + name.length;
    const mark = table[end] ?? '\n';
    if (MARKS.includes(mark)) found.push(optionOf(table.slice(at + 1, end + 1), table === SETTINGS));
  }
  return found;
}

function withLetter(table: string, letter: string, setting: boolean): Option | undefined {
  const at = Math.max(table.indexOf(`:${letter} `), table.indexOf(`:${letter}\n`));
  return at < 0 ? undefined : optionOf(table.slice(table.lastIndexOf(' ', at) + 1, at), setting);
}

/** The characters that can come after a name in a table. */
const MARKS = ' \n!?:';

/** An entry of a table: `job-id`, `test!`, `disable?`, with or without what separates it from the next. */
function optionOf(entry: string, setting: boolean): Option {
  const mark = entry.at(-1) ?? '';
  const kind = mark === '!' ? 'flag' : mark === '?' ? 'optional' : 'value';
  const name = MARKS.includes(mark) ? entry.slice(0, -1) : entry;
  return { name: name.replaceAll('-', '_'), kind, on: true, setting };
}

/** The option that a name is the beginning of, in each release that has one. */
function completed(name: string, subcommand: Subcommand): Option | undefined {
  const entries = [...entriesOf(ownTable(subcommand), false), ...entriesOf(SETTINGS, true)];
  const candidates = entries.filter(({ key }) => abbreviates(name, key));
  const meanings = new Map<string, Option>();
  for (let release = 1; release <= ALL; release *= 2) {
    const meant = complete(candidates.filter(({ releases }) => releases & release));
    // The value of a shortened setting is not read, so it does not matter which one of a kind it is.
    if (meant) meanings.set(meant.setting ? meant.kind : meant.name, meant);
  }
  const [meant, another] = meanings.values();
  return another ? undefined : meant;
}

/** OptionParser takes the shortest candidate if all others begin with it (optparse.rb, `Completion#complete`). */
function complete(candidates: readonly Entry[]): Entry | undefined {
  const [shortest] = candidates.toSorted((a, b) => a.key.length - b.key.length);
  return shortest && candidates.every(({ key }) => key.startsWith(shortest.key)) ? shortest : undefined;
}

/** Each word of an option may be cut short, and words at its end may be left out; upper and lower case are one. */
function abbreviates(spelled: string, key: string): boolean {
  const words = spelled.toLowerCase().split('-');
  const full = key.split('-');
  return (
    words.length <= full.length &&
    words.every((word, i) =>
      word === '' && i < words.length - 1 ? full[i] === '' : full[i]?.startsWith(word),
    )
  );
}

/** All releases of the table: those that know `--help`. */
const ALL: Releases = Number.parseInt(APPLY.trimStart(), 16);

/** All that OptionParser knows of a table, with the key it has for each: dashes, and `no-` for a flag that is turned off. */
function entriesOf(table: string, setting: boolean): Entry[] {
  const found: Entry[] = [];
  for (const line of table.trim().split('\n')) {
    const [mask = '', ...entries] = line.split(' ');
    const releases = Number.parseInt(mask, 16);
    for (const entry of entries) {
      const [spelled = ''] = entry.split(':');
      const option = optionOf(spelled, setting);
      const key = option.name.replaceAll('_', '-');
      found.push({ ...option, key, releases });
      if (setting && option.kind === 'flag') found.push({ ...option, on: false, key: `no-${key}`, releases });
    }
  }
  return found;
}
