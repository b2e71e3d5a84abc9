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
  /** The releases of Puppet that know it: one bit for each. */
  readonly releases: number;
}

interface Vocabulary {
  /** By the name with dashes, as OptionParser keeps it; of several, each belongs to other releases. */
  readonly long: ReadonlyMap<string, readonly Option[]>;
  readonly short: ReadonlyMap<string, Option>;
}

/** The option that `--SPELLED` means in every Puppet that takes it; undefined where none does, or where they differ. */
export function longOption(spelled: string, subcommand: Subcommand): Option | undefined {
  const { long } = vocabularyOf(subcommand);
  const name = spelled.replaceAll('_', '-');
  const exact = long.get(name) ?? [];
  if (exact.length === 1 && exact[0]?.releases === ALL) return exact[0];
  const candidates = [...long].filter(([key]) => abbreviates(name, key));
  const meanings = new Map<string, Option>();
  for (let release = 1; release <= ALL; release *= 2) {
    const known = (options: readonly Option[]) => options.find(({ releases }) => releases & release);
    const meant = known(exact) ?? complete(candidates, known);
    // The value of a setting is not read here, so it does not matter which one of a kind it is.
    if (meant) meanings.set(meant.setting ? meant.kind : `${meant.name} ${meant.on}`, meant);
  }
  const [meant, another] = meanings.values();
  return another ? undefined : meant;
}

/** The option that `-X` means. OptionParser takes other letters for the beginning of a long option: not told here. */
export function shortOption(letter: string, subcommand: Subcommand): Option | undefined {
  return vocabularyOf(subcommand).short.get(letter);
}

/** The setting of exactly this name; undefined also where the releases differ about its kind. */
export function settingNamed(name: string): Option | undefined {
  const [option, another] = settings().long.get(name.replaceAll('_', '-')) ?? [];
  return another || option?.on === false ? undefined : option;
}

/** The setting with this short form. */
export function shortSetting(letter: string): Option | undefined {
  return settings().short.get(letter);
}

/** OptionParser takes the shortest candidate if all others begin with it (optparse.rb, `Completion#complete`). */
function complete(
  candidates: readonly (readonly [string, readonly Option[]])[],
  known: (options: readonly Option[]) => Option | undefined,
): Option | undefined {
  const possible = candidates.filter(([, options]) => known(options));
  const [shortest] = possible.sort(([a], [b]) => a.length - b.length);
  return shortest && possible.every(([key]) => key.startsWith(shortest[0])) ? known(shortest[1]) : undefined;
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

let ofSettings: Vocabulary | undefined;
function settings(): Vocabulary {
  ofSettings ??= read(SETTINGS, true, { long: new Map(), short: new Map() });
  return ofSettings;
}

const vocabularies = new Map<Subcommand, Vocabulary>();
function vocabularyOf(subcommand: Subcommand): Vocabulary {
  let vocabulary = vocabularies.get(subcommand);
  if (!vocabulary) {
    vocabulary = read(subcommand === 'apply' ? APPLY : AGENT, false, settings());
    vocabularies.set(subcommand, vocabulary);
  }
  return vocabulary;
}

/** All releases of the table: those that know `--help`. */
const ALL = Number.parseInt(APPLY.trimStart(), 16);

/** Reads a table on top of another vocabulary: what is defined last of a name counts, as in OptionParser. */
function read(table: string, setting: boolean, { long, short }: Vocabulary): Vocabulary {
  const longer = new Map(long);
  const shorter = new Map(short);
  const add = (key: string, option: Option) => {
    const others = longer
      .get(key)
      ?.map((other) => ({ ...other, releases: other.releases & ~option.releases }));
    longer.set(key, [...(others?.filter(({ releases }) => releases !== 0) ?? []), option]);
  };
  for (const line of table.trim().split('\n')) {
    const [mask = '', ...entries] = line.split(' ');
    const releases = Number.parseInt(mask, 16);
    for (const entry of entries) {
      const [spelled = '', letter] = entry.split(':');
      const kind = spelled.endsWith('!') ? 'flag' : spelled.endsWith('?') ? 'optional' : 'value';
      const key = (kind === 'value' ? spelled : spelled.slice(0, -1)).replaceAll('_', '-');
      const option: Option = { name: key.replaceAll('-', '_'), kind, on: true, setting, releases };
      add(key, option);
      if (setting && kind === 'flag') add(`no-${key}`, { ...option, on: false });
      if (letter) shorter.set(letter, option);
    }
  }
  return { long: longer, short: shorter };
}
