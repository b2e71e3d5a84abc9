import type { Bytes } from '../bytes.ts';
import { join } from '../path.ts';
import { readBytes } from '../read.ts';
import type { Run } from '../run/types.ts';
import { flag, text } from './arguments.ts';

/** Those of Puppet's settings that decide when a rerun may start. */
export interface PuppetSettings {
  readonly noop: boolean;
  /** Whether `tags` or `skip_tags` of puppet.conf leave resources out. */
  readonly tagged: boolean;
  /** `agent_catalog_run_lockfile` */
  readonly lockFile: string;
  /** `agent_disabled_lockfile` */
  readonly disabledFile: string;
  /** `lastrunreport` */
  readonly reportFile: string;
  readonly server: string;
  readonly certname: string;
}

interface Layout {
  readonly confdir: string;
  readonly vardir: string;
}

/** Where Puppet looks when nothing is said (lib/puppet/util/run_mode.rb); Debian's packages patch it. */
function layouts(user: number, homeFolder: string): Layout[] {
  return user === 0
    ? [
        { confdir: '/etc/puppet', vardir: '/var/cache/puppet' },
        { confdir: '/etc/puppetlabs/puppet', vardir: '/opt/puppetlabs/puppet/cache' },
      ]
    : [
        { confdir: join(homeFolder, '.puppet/etc'), vardir: join(homeFolder, '.puppet/cache') },
        {
          confdir: join(homeFolder, '.puppetlabs/etc/puppet'),
          vardir: join(homeFolder, '.puppetlabs/opt/puppet/cache'),
        },
      ];
}

/**
 * The settings of a run, found as Puppet finds them: command line, puppet.conf, built-in defaults. `puppet config print` would take a
 * second. The defaults depend on who packaged Puppet; that an agent's run holds its own lock right now tells which ones are in force.
 */
export function findPuppetSettings(run: Run, environment: readonly Bytes[], user: number): PuppetSettings {
  const homeFolder = environment.find((entry) => entry.startsWith('HOME='))?.slice(5) ?? '/';
  const isPackaged = run.argv[run.prefix - 2]?.startsWith('/usr/bin/');
  const [likely, other] = isPackaged ? layouts(user, homeFolder) : layouts(user, homeFolder).reverse();
  const expected = resolve(run, likely as Layout);
  if (run.mode === 'apply' || holdsLock(run, expected)) return expected;
  const unexpected = resolve(run, other as Layout);
  return holdsLock(run, unexpected) ? unexpected : expected;
}

function holdsLock(run: Run, { lockFile }: PuppetSettings): boolean {
  return lockPid(lockFile) === run.process.pid;
}

function resolve(run: Run, layout: Layout): PuppetSettings {
  const given = (name: string) => text(run.arguments, name);
  const confdir = given('confdir') ?? layout.confdir;
  const sections = readConfig(given('config') ?? join(confdir, 'puppet.conf'));
  const section = run.mode === 'apply' ? 'user' : 'agent';
  const configured = (name: string) => sections.get(section)?.get(name) ?? sections.get('main')?.get(name);
  // A circle ends somewhere.
  const value = (name: string, depth = 0): string => {
    const raw = given(name) ?? configured(name) ?? defaults.get(name)?.(depth + 1) ?? '';
    if (depth > 8 || !raw.includes('$')) return raw;
    return raw.replace(/\$\{?(\w+)\}?/g, (_, inner: string) => value(inner, depth + 1));
  };
  const within = (folder: string, name: string) => (depth: number) => join(value(folder, depth), name);
  const defaults = new Map<string, (depth: number) => string>(
    Object.entries({
      confdir: () => confdir,
      vardir: () => layout.vardir,
      statedir: within('vardir', 'state'),
      agent_catalog_run_lockfile: within('statedir', 'agent_catalog_run.lock'),
      agent_disabled_lockfile: within('statedir', 'agent_disabled.lock'),
      lastrunreport: within('statedir', 'last_run_report.yaml'),
    }),
  );
  return {
    noop: flag(run.arguments, 'noop') ?? configured('noop')?.toLowerCase() === 'true',
    tagged: Boolean(configured('tags') || configured('skip_tags')),
    lockFile: value('agent_catalog_run_lockfile'),
    disabledFile: value('agent_disabled_lockfile'),
    reportFile: value('lastrunreport'),
    server: value('server'),
    certname: value('certname'),
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
 * Parses a puppet.conf: sections, `name = value`, comment lines. Settings before the first section count for `main`. No names are
 * refused: those that Puppet would not take for one are not asked for.
 */
export function parseConfig(content: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let current = 'main';
  for (const line of content.split('\n')) {
    const said = line.trim();
    if (said.startsWith('[')) {
      if (said.includes(']')) current = said.slice(1, said.indexOf(']'));
      continue;
    }
    const equals = said.indexOf('=');
    if (equals <= 0 || said.startsWith('#')) continue;
    if (!sections.has(current)) sections.set(current, new Map());
    sections.get(current)?.set(said.slice(0, equals).trimEnd(), said.slice(equals + 1).trimStart());
  }
  return sections;
}

/** The pid in a lock file of Puppet's, or undefined where there is none. */
export function lockPid(lockFile: string): number | undefined {
  try {
    const content = readBytes(lockFile).trim();
    return /^\d+$/.test(content) ? Number(content) : undefined;
  } catch {
    return undefined;
  }
}

/** Where the daemon of this user may have written its pid. */
export function pidFiles(user: number): string[] {
  return user === 0 ? ['/run/puppet/agent.pid', '/var/run/puppetlabs/agent.pid'] : [];
}
