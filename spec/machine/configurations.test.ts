// Files like those of the field, read by the real Puppet and by us.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bytes, fromText, toText } from '../../src/os/bytes.ts';
import { parseArguments } from '../../src/puppet/arguments.ts';
import type { Run } from '../../src/puppet/run.ts';
import { findPuppetSettings } from '../../src/puppet/settings.ts';
import { puppets } from '../support/puppet/puppets.ts';

/** The settings that we ask for, as Puppet names them. */
const NAMES = {
  agent_catalog_run_lockfile: 'lockFile',
  agent_disabled_lockfile: 'disabledFile',
  lastrunreport: 'reportFile',
  pidfile: 'pidFile',
  server: 'server',
  certname: 'certname',
  environment: 'puppetEnvironment',
  noop: 'noop',
} as const;

/** The settings that are '' for us where they are not set, and have a default of Puppet's own. */
const DEFAULTED = ['server', 'certname', 'environment'];

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: Puppet's own way to write it
const files: [string, 'apply' | 'agent', string, string[]][] = [
  ['nothing', 'agent', '', []],
  ['nothing, for apply', 'apply', '', []],
  ['owner and mode', 'agent', 'statedir = /srv/x { mode = 0750 }\n', []],
  ['owner, group and mode', 'agent', 'statedir = /srv/x { owner = root, group = root, mode = 0750 }\n', []],
  ['mode of a file', 'agent', 'agent_catalog_run_lockfile=/srv/x.lock {mode=0640}\n', []],
  ['double quotes', 'agent', 'statedir = "/srv/a b"\n', []],
  ['single quotes', 'agent', "vardir = '/srv/v'\n", []],
  ['quotes around owner and mode', 'agent', 'vardir = "/srv/v { mode = 0750 }"\n', []],
  ['spaces at the end', 'agent', 'vardir = /srv/v  \t \n', []],
  ['Windows line ends', 'agent', 'vardir = /srv/v\r\n[agent]\r\nnoop = true\r\n', []],
  ['a comment after a value', 'agent', 'vardir = /srv/v # here\n', []],
  ['another setting in the value', 'agent', 'vardir = /srv/v\nstatedir = $vardir/s\n', []],
  ['a line that is nothing: the whole file counts for nothing', 'agent', 'vardir = /srv/v\nrubbish\n', []],
  ['braces around a name: the same', 'agent', 'statedir = ${vardir}/s\n', []],
  ['a mark that is none: the same', 'agent', 'statedir = /srv/v { color = red }\n', []],
  ['a mode that is no number: the same', 'agent', 'statedir = /srv/v { mode = rw }\n', []],
  ['a section that is none: the same', 'agent', 'vardir = /srv/v\n[production]\n', []],
  ['a comment after a section: the same', 'agent', 'vardir = /srv/v\n[agent] # x\n', []],
  ['empty braces', 'agent', 'vardir = /srv/v{}\n', []],
  ['a value that ends like a space in another encoding', 'agent', 'vardir = /srv/à\n', []],
  ['an empty line and comments', 'agent', '\n  # x = {y}\n#\n \t\nvardir = /srv/v\n', []],
  ['the run mode in the value', 'agent', 'statedir = /srv/$run_mode\n', []],
  ['the run mode of apply', 'apply', 'statedir = /srv/$run_mode\n', []],
  ['rundir', 'agent', 'rundir = /srv/run\n', []],
  ['pidfile', 'agent', 'rundir = /srv/run\npidfile = $rundir/my.pid\n', []],
  ['the home folder', 'agent', 'vardir = ~/v\n', []],
  ['a slash at the end', 'agent', 'vardir = /srv/v/\n', []],
  ['the first of two', 'agent', 'vardir = /srv/first\nvardir = /srv/second\n', []],
  [
    'the first of two in one section that is written twice',
    'agent',
    '[agent]\nvardir = /a/v\n[main]\n[agent]\nvardir = /b/v\n',
    [],
  ],
  ['the section of the agent', 'agent', 'vardir = /srv/m\n[agent]\nvardir = /srv/a\n', []],
  ['another section', 'agent', 'vardir = /srv/m\n[user]\nvardir = /srv/u\n[server]\nvardir = /srv/s\n', []],
  [
    'the section of apply',
    'apply',
    'vardir = /srv/m\n[user]\nvardir = /srv/u\n[agent]\nvardir = /srv/a\n',
    [],
  ],
  ['no-op in capitals', 'agent', '[agent]\nnoop = TRUE\n', []],
  ['no-op in quotes', 'agent', '[agent]\nnoop = "true"\n', []],
  ['the command line first', 'agent', 'vardir = /srv/m\n', ['--vardir', '/srv/c', '--noop']],
  ['no-op turned off by the command line', 'agent', '[agent]\nnoop = true\n', ['--no-noop']],
  ['a shortened setting', 'agent', 'vardir = /srv/m\n', ['--vardi', '/srv/c', '--noo', '--certnam', 'x']],
  ['names', 'agent', 'server = a\ncertname = b\nenvironment = c\n', []],
  ['names in a section', 'agent', '[agent]\nserver = a\n[main]\nserver = b\n', []],
  ['names on the command line', 'agent', '', ['--server=a', '--certname', 'b', '--environment', 'c']],
  ['-E', 'agent', '', ['-E', 'c']],
  ['another setting on the command line', 'agent', 'vardir = /srv/m\n', ['--statedir', '$vardir/c']],
  ['braces on the command line', 'agent', 'vardir = /srv/m\n', ['--statedir', '${vardir}/c']],
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: up to here

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'again-conf-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function ours(subcommand: 'apply' | 'agent', content: string, words: string[], script: string) {
  const config = join(dir, 'puppet.conf');
  writeFileSync(config, content);
  const args = ['--config', config, ...words].map(fromText);
  const process = { pid: 4711, start: 1 };
  const argv = [...['/usr/bin/ruby', script, subcommand].map(fromText), ...args];
  const base = { process, source: process, executable: fromText('/usr/bin/ruby'), argv, prefix: 3 };
  const parsed = { ...base, arguments: parseArguments(args, subcommand) };
  const run: Run =
    subcommand === 'apply'
      ? { ...parsed, mode: subcommand, manifest: undefined }
      : { ...parsed, mode: subcommand };
  const home = fromText(`HOME=${globalThis.process.env.HOME ?? '/'}`);
  const settings = findPuppetSettings(run, [home], globalThis.process.getuid?.() ?? 0);
  return Object.fromEntries(
    Object.entries(NAMES).map(([name, key]) => {
      const value = toText(String(settings[key]) as Bytes) ?? '';
      return [name, value.startsWith('/') ? resolve(value) : value];
    }),
  );
}

describe.each(puppets)('$name and we read the same from a puppet.conf', (puppet) => {
  let answers: Record<string, string>[];
  beforeAll(() => {
    const given = files.map(([, ...one]) => [...one, Object.keys(NAMES)]);
    answers = puppet.run('configurations.rb', given) as Record<string, string>[];
  });

  test.each(files.map((file, index) => [...file, index] as const))(
    '%s',
    (_, subcommand, content, words, index) => {
      const read = ours(subcommand, content, words, puppet.script);
      const expected = { ...answers[index] };
      for (const name of DEFAULTED)
        if (read[name] === '') {
          delete read[name];
          delete expected[name];
        }
      expect(read).toEqual(expected);
    },
  );
});
