// Writes src/puppet/option-table.ts: the options of `puppet apply` and `puppet agent`, and the settings, of several releases.
//
//   node scripts/options.mjs FOLDER…     FOLDER: an unpacked gem (`gem fetch puppet -v 5.5.22`, `gem unpack puppet-5.5.22.gem`)
//
// Reads `option(…)` in lib/puppet/application*.rb and `define_settings` in lib/puppet/defaults.rb. Only names and kinds are taken.
// spec/machine/command-lines.test.ts compares the result with OptionParser itself.

import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Failure, root, run } from './project.mjs';

await run('options', (folders) => {
  if (folders.length === 0) throw new Failure('give the folders of unpacked gems of puppet or openvox', 64);
  if (folders.length > 31) throw new Failure('31 releases are the most that fit into a number', 64);
  const tables = { settings: new Map(), apply: new Map(), agent: new Map() };
  for (const [index, folder] of folders.entries()) {
    const read = (path) => readFileSync(join(folder, 'lib/puppet', path), 'utf8');
    const common = optionsIn(read('application.rb'));
    const found = {
      settings: settingsIn(read('defaults.rb')),
      apply: [...common, ...optionsIn(read('application/apply.rb'))],
      agent: [...common, ...optionsIn(read('application/agent.rb'))],
    };
    for (const [table, entries] of Object.entries(found)) {
      if (entries.length < 10) throw new Failure(`${folder}: only ${entries.length} ${table} were found`);
      for (const entry of new Set(entries)) {
        tables[table].set(entry, (tables[table].get(entry) ?? 0) | (1 << index));
      }
    }
  }
  const constants = Object.entries(tables).map(
    ([table, entries]) => `export const ${table.toUpperCase()} = \`\n${draw(entries)}\`;\n`,
  );
  writeFileSync(
    join(root, 'src/puppet/option-table.ts'),
    [
      '// Written by scripts/options.mjs. The options that these releases know:',
      `// ${folders.map((folder) => basename(folder)).join(', ')}.`,
      '//',
      '// Each line begins with the releases that know the names after it: a hexadecimal number whose bit N stands for release N of that',
      '// list. A name is followed by `!` for a flag, `?` for an optional value and nothing for a value, then by its short form.',
      '',
      ...constants,
    ].join('\n'),
  );
});

/** One line for each set of releases. */
function draw(entries) {
  const lines = new Map();
  for (const [entry, releases] of entries)
    lines.set(releases, [...(lines.get(releases) ?? []), entry].sort());
  return [...lines]
    .sort(([a], [b]) => b - a)
    .map(([releases, names]) => `${releases.toString(16)} ${names.join(' ')}\n`)
    .join('');
}

/** `option("--job-id ID")`, `option("--test", "-t")`, `option("--disable [MESSAGE]")`. */
function optionsIn(source) {
  return [...source.matchAll(/^ {2}option\(([^)]*)\)/gm)].map(([, given]) => {
    const [, name, value] = /"--([a-z_-]+)(?:[ =]([^"]+))?"/.exec(given);
    const short = /"-(\w)/.exec(given)?.[1] ?? '';
    return `${name}${value === undefined ? '!' : value.startsWith('[') ? '?' : ''}${short && `:${short}`}`;
  });
}

/** `:onetime => { :type => :boolean, …, :short => 'o' }`, one key of such a hash to a line. */
function settingsIn(source) {
  const entries = [];
  let depth; // of the key of the setting that is being read
  for (const line of source.split('\n')) {
    const key = /^( +):?([a-z][a-z0-9_]*)(?: *=>|:) *\{/.exec(line);
    if (key && (depth === undefined || key[1].length <= depth)) {
      depth = key[1].length;
      entries.push({ name: key[2], flag: false, short: '' });
    } else if (/^ *(settings\.|Puppet\.)?define_settings/.test(line)) {
      depth = undefined;
    }
    const entry = entries.at(-1);
    if (entry && /(:type *=>|\btype:) *:boolean\b/.test(line)) entry.flag = true;
    const short = entry && /(?::short *=>|\bshort:) *["'](\w)["']/.exec(line);
    if (short) entry.short = `:${short[1]}`;
  }
  return entries.map(({ name, flag, short }) => `${name}${flag ? '!' : ''}${short}`);
}
