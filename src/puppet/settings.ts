import { type Bytes, fromBuffer } from '../os/bytes.ts';
import { join } from '../os/path.ts';
import { directoryOf } from '../os/process.ts';
import { isShortage, readBytes } from '../os/read.ts';
import { type Argument, flag, text } from './arguments.ts';
import type { Run } from './run.ts';

/** Those of Puppet's settings that decide when a rerun may start. */
export interface PuppetSettings {
  readonly noop: boolean;
  readonly onetime: boolean;
  /** Whether an agent goes into the background. */
  readonly daemonize: boolean;
  /** Whether `tags` or `skip_tags` of puppet.conf leave resources out. */
  readonly tagged: boolean;
  /** `agent_catalog_run_lockfile` */
  readonly lockFile: string;
  /** `agent_disabled_lockfile` */
  readonly disabledFile: string;
  /** `lastrunreport` */
  readonly reportFile: string;
  /** `pidfile` of an agent. */
  readonly pidFile: string;
  /** `server`, where the command line or puppet.conf says it; '' for Puppet's default. */
  readonly server: string;
  /** `certname`, as `server`. */
  readonly certname: string;
  /** `environment`, as `server`. A server may still decide on another one. */
  readonly puppetEnvironment: string;
}

interface Layout {
  readonly confdir: string;
  readonly vardir: string;
  readonly rundir: string;
}

/** Where Puppet looks when nothing is said (lib/puppet/util/run_mode.rb); Debian's packages patch it. */
function layouts(user: number, homeFolder: string): Layout[] {
  return user === 0
    ? [
        { confdir: '/etc/puppet', vardir: '/var/cache/puppet', rundir: '/run/puppet' },
        {
          confdir: '/etc/puppetlabs/puppet',
          vardir: '/opt/puppetlabs/puppet/cache',
          rundir: '/var/run/puppetlabs',
        },
      ]
    : [
        {
          confdir: join(homeFolder, '.puppet/etc'),
          vardir: join(homeFolder, '.puppet/cache'),
          rundir: join(homeFolder, '.puppet/var/run'),
        },
        {
          confdir: join(homeFolder, '.puppetlabs/etc/puppet'),
          vardir: join(homeFolder, '.puppetlabs/opt/puppet/cache'),
          rundir: join(homeFolder, '.puppetlabs/var/run'),
        },
      ];
}

/**
 * The settings of a run, found as Puppet finds them: command line, puppet.conf, built-in defaults. `puppet config print` would take a
 * second. The defaults depend on who packaged Puppet; that an agent's run holds its own lock right now tells which ones are in force.
 */
export function findPuppetSettings(run: Run, environment: readonly Bytes[], user: number): PuppetSettings {
  const homeFolder = homeOf(environment, user);
  const isPackaged = run.argv[run.prefix - 2]?.startsWith('/usr/bin/');
  const [likely, other] = isPackaged ? layouts(user, homeFolder) : layouts(user, homeFolder).reverse();
  const expected = resolve(run, likely as Layout, homeFolder);
  if (run.mode === 'apply' || holdsLock(run, expected)) return expected;
  const unexpected = resolve(run, other as Layout, homeFolder);
  return holdsLock(run, unexpected) ? unexpected : expected;
}

/**
 * Whether an agent with these arguments does one run, and stays in the foreground for it. Which packages the agent comes from is not known before it runs, so the puppet.conf of
 * either may say that.
 */
export function isOneRunInFront(
  given: readonly Argument[],
  environment: readonly Bytes[],
  user: number,
): boolean {
  const homeFolder = homeOf(environment, user);
  return layouts(user, homeFolder).some((layout) => {
    const { onetime, daemonize } = resolve({ mode: 'agent', arguments: given }, layout, homeFolder);
    return onetime && !daemonize;
  });
}

function holdsLock(run: Run, { lockFile }: PuppetSettings): boolean {
  return lockPid(lockFile) === run.process.pid;
}

function resolve(
  run: Pick<Run, 'mode' | 'arguments'> & Partial<Pick<Run, 'process'>>,
  layout: Layout,
  homeFolder: string,
): PuppetSettings {
  const given = (name: string) => text(run.arguments, name);
  /** As Puppet takes a path: `~` is the home folder, and one that is not absolute begins in the folder of the run. */
  const absolute = (said: string) => {
    if (said === '~' || said.startsWith('~/')) return homeFolder + said.slice(1);
    const directory = said !== '' && !said.startsWith('/') && run.process && directoryOf(run.process.pid);
    return directory ? join(directory, said.replace(/^(?:\.\/+)+/, '')) : said;
  };
  const confdir = absolute(given('confdir') ?? layout.confdir);
  const sections = readConfig(absolute(given('config') ?? join(confdir, 'puppet.conf')));
  const section = run.mode === 'apply' ? 'user' : 'agent';
  const configured = (name: string) => sections.get(section)?.get(name) ?? sections.get('main')?.get(name);
  const isOn = (name: string, byDefault = false) =>
    flag(run.arguments, name) ?? (configured(name) ?? String(byDefault)).toLowerCase() === 'true';
  const path = (name: string, depth = 0) => absolute(value(name, depth));
  // A circle ends somewhere.
  const value = (name: string, depth = 0): string => {
    const raw = given(name) ?? configured(name) ?? defaults.get(name)?.(depth + 1) ?? '';
    if (depth > 8 || !raw.includes('$')) return raw;
    return raw.replace(/\$\{?(\w+)\}?/g, (_, inner: string) => value(inner, depth + 1));
  };
  // Puppet's own defaults are texts such as `$statedir/agent_catalog_run.lock`.
  const within = (folder: string, name: string) => (depth: number) => `${path(folder, depth)}/${name}`;
  const defaults = new Map<string, (depth: number) => string>(
    Object.entries({
      confdir: () => confdir,
      vardir: () => layout.vardir,
      rundir: () => layout.rundir,
      run_mode: () => section,
      statedir: within('vardir', 'state'),
      agent_catalog_run_lockfile: within('statedir', 'agent_catalog_run.lock'),
      agent_disabled_lockfile: within('statedir', 'agent_disabled.lock'),
      lastrunreport: within('statedir', 'last_run_report.yaml'),
      pidfile: within('rundir', `${section}.pid`),
    }),
  );
  return {
    noop: isOn('noop'),
    onetime: isOn('onetime'),
    daemonize: isOn('daemonize', true),
    tagged: Boolean(configured('tags') || configured('skip_tags')),
    lockFile: path('agent_catalog_run_lockfile'),
    disabledFile: path('agent_disabled_lockfile'),
    reportFile: path('lastrunreport'),
    pidFile: path('pidfile'),
    server: value('server'),
    certname: value('certname'),
    puppetEnvironment: value('environment'),
  };
}

function readConfig(path: string): Map<string, Map<string, string>> {
  try {
    return parseConfig(readBytes(path));
  } catch {
    return new Map();
  }
}

/**
 * Parses a puppet.conf (lib/puppet/settings/ini_file.rb, config_file.rb): sections, `name = value`, comment lines. Settings before the
 * first section count for `main`. Of a setting that a section has twice the first one counts. A value may be in quotes, and may carry
 * `{ owner = …, group = …, mode = … }`. A comment is a line of its own: after a value, `#` is part of the value.
 *
 * A file with a line, a section or a value that Puppet can't parse is empty: Puppet logs an error and continues without all of it.
 */
export function parseConfig(content: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let current = 'main';
  for (const line of content.split('\n')) {
    const section = SECTION.exec(line)?.[1];
    const [, name, said] = (section === undefined && SETTING.exec(line)) || [];
    if (section !== undefined) {
      if (!SECTIONS.includes(section)) return new Map();
      current = section;
    } else if (name !== undefined && said !== undefined) {
      const value = configuredValue(said);
      if (value === undefined) return new Map();
      const settings = sections.get(current) ?? new Map<string, string>();
      if (!settings.has(name)) sections.set(current, settings.set(name, value));
    } else if (!NOTHING.test(line)) {
      return new Map();
    }
  }
  return sections;
}

/** The sections that Puppet takes. */
const SECTIONS = ['main', 'agent', 'server', 'master', 'user'];

// Space is Ruby's `\s`: JavaScript's has bytes that may end a letter in UTF-8.
const SECTION = /^[\t-\r ]*\[([\w\x80-\xff]+)\][\t-\r ]*$/;
const SETTING = /^[\t-\r ]*([\w\x80-\xff]+)[\t-\r ]*=[\t-\r ]*(.*?)[\t-\r ]*$/s;
const NOTHING = /^[\t-\r ]*(?:#|$)/;

/** A value without quotes, and without owner, group and mode; undefined where it has braces around anything else. */
function configuredValue(said: string): string | undefined {
  let value = QUOTES.includes(said[0]) ? said.slice(1) : said;
  if (QUOTES.includes(value.at(-1))) value = value.slice(0, -1);
  const open = value.indexOf('{');
  const close = value.indexOf('}', open + 2);
  if (open < 0 || close < 0) return withoutSpace(value);
  const areMarks = value
    .slice(open + 1, close)
    .split(',')
    .every((mark) =>
      /^[\t-\r ]*(?:(?:owner|group)[\t-\r ]*=[\t-\r ]*\w+|mode[\t-\r ]*=[\t-\r ]*\d+)[\t-\r ]*$/.test(mark),
    );
  return areMarks ? withoutSpace(value.slice(0, open) + value.slice(close + 1)) : undefined;
}

const QUOTES: readonly (string | undefined)[] = ['"', "'"];

function withoutSpace(value: string): string {
  return value.replace(/[\t-\r ]+$/, '');
}

/** The pid in a lock file of Puppet's, or undefined where there is none. */
export function lockPid(lockFile: string): number | undefined {
  try {
    const content = readBytes(lockFile).trim();
    return /^\d+$/.test(content) ? Number(content) : undefined;
  } catch (error) {
    if (isShortage(error)) throw error;
    return undefined;
  }
}

/** Where a daemon without arguments has written its pid (`pidfile`), by each layout. */
export function pidFiles(user: number, environment: readonly Bytes[]): string[] {
  const homeFolder = homeOf(environment, user);
  const bare = { mode: 'daemon', arguments: [] } as const;
  return layouts(user, homeFolder).map((layout) => resolve(bare, layout, homeFolder).pidFile);
}

/**
 * The home folder of a run. Where its environment has none, can't be read or is covered by a title (os/handed-on.ts), it is that of the user of this process, whose run it is, by
 * the list of users; root's Puppet looks elsewhere.
 */
function homeOf(environment: readonly Bytes[], user: number): string {
  const said = environment.find((entry) => entry.startsWith('HOME='))?.slice(5);
  if (said !== undefined || user === 0) return said ?? '/';
  try {
    return fromBuffer(process.getBuiltinModule('node:os').userInfo({ encoding: 'buffer' }).homedir);
  } catch {
    return '/'; // a user without an entry
  }
}
