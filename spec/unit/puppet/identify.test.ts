import { describe, expect, test } from 'vitest';
import { type Bytes, fromText } from '../../../src/os/bytes.ts';
import type { ProcessSnapshot } from '../../../src/os/process.ts';
import { describeRunOf, findOuterRun, identifyRun, OrphanedRun } from '../../../src/puppet/identify.ts';
import { refusalOf, thrown } from '../thrown.ts';
import { recorded } from './recorded.ts';

const CONF = ['--confdir', '/srv/site/conf'];
const PUPPET = ['/usr/bin/ruby', '/usr/bin/puppet'];
const APPLY = [...PUPPET, 'apply'];
const AGENT = [...PUPPET, 'agent'];
const NOT_PUPPET =
  'not started by Puppet: no `puppet apply` or `puppet agent` run among the ancestors of this process; ' +
  "notify Exec['again'] in a manifest, or see `again --help`";

const idOf = (ancestry: readonly ProcessSnapshot[], pid: number) =>
  ancestry.find(({ id }) => id.pid === pid)?.id;

interface Expected {
  /** The process whose end is the run's end. */
  readonly pid: number;
  /** The process that has the real arguments; the same one unless it says so. */
  readonly source?: number;
  readonly mode: 'apply' | 'agent' | 'daemon';
  readonly argv: readonly string[];
  readonly executable?: string;
  readonly manifest?: string;
}

describe('recorded runs that can be repeated', () => {
  test.each<[string, string, Expected]>([
    [
      '`puppet apply FILE`',
      'apply-file',
      {
        pid: 1001,
        mode: 'apply',
        argv: [...APPLY, ...CONF, '/srv/site/site.pp'],
        manifest: '/srv/site/site.pp',
      },
    ],
    [
      '`puppet apply` with a relative path',
      'apply-relative-path',
      { pid: 1001, mode: 'apply', argv: [...APPLY, 'site.pp', ...CONF], manifest: 'site.pp' },
    ],
    [
      '`puppet apply --modulepath`, and an option after the manifest',
      'apply-modulepath',
      {
        pid: 1001,
        mode: 'apply',
        argv: [...APPLY, '--modulepath', '/srv/site/modules', ...CONF, 'site.pp', '--detailed-exitcodes'],
        manifest: 'site.pp',
      },
    ],
    [
      '`puppet apply -e`',
      'apply-execute',
      {
        pid: 1001,
        mode: 'apply',
        argv: [
          ...APPLY,
          ...CONF,
          '-e',
          "exec { 'probe': command => '/srv/site/probe', path => '/usr/sbin:/usr/bin:/sbin:/bin' }",
        ],
      },
    ],
    [
      'sudo, env, timeout and shells between Puppet and the helper',
      'apply-wrapped',
      { pid: 1001, mode: 'apply', argv: [...APPLY, ...CONF, 'site.pp'], manifest: 'site.pp' },
    ],
    [
      "the vendor's packages below /opt/puppetlabs",
      'apply-vendor-layout',
      {
        pid: 1001,
        mode: 'apply',
        executable: '/opt/puppetlabs/puppet/bin/ruby',
        argv: [
          '/opt/puppetlabs/puppet/bin/ruby',
          '/opt/puppetlabs/puppet/bin/puppet',
          'apply',
          ...CONF,
          '/srv/site/site.pp',
        ],
        manifest: '/srv/site/site.pp',
      },
    ],
    [
      'a Ruby that the run has replaced: `/usr/bin/ruby3.1 (deleted)`',
      'apply-ruby-replaced',
      {
        pid: 1001,
        mode: 'apply',
        argv: ['/usr/bin/ruby3.1', '/usr/bin/puppet', 'apply', ...CONF, 'site.pp'],
        manifest: 'site.pp',
      },
    ],
    [
      'a `puppet apply` that an agent has started: the nearest one',
      'apply-inside-agent',
      {
        pid: 1002,
        mode: 'apply',
        argv: [...APPLY, '--confdir', '/srv/site/inner/conf', '/srv/site/inner/site.pp'],
        manifest: '/srv/site/inner/site.pp',
      },
    ],
    [
      "`bundle exec` of a distribution's Puppet, which it starts as a process of its own",
      'apply-bundle-exec-of-a-package',
      { pid: 1001, mode: 'apply', argv: [...APPLY, ...CONF, 'site.pp'], manifest: 'site.pp' },
    ],
    [
      '`puppet agent --test`',
      'agent-test',
      { pid: 1001, mode: 'agent', argv: [...AGENT, '--test', ...CONF] },
    ],
    ['`puppet agent -t`', 'agent-t', { pid: 1001, mode: 'agent', argv: [...AGENT, '-t', ...CONF] }],
    ['`puppet agent -tv`', 'agent-tv', { pid: 1001, mode: 'agent', argv: [...AGENT, '-tv', ...CONF] }],
    [
      '`puppet agent --onetime --no-daemonize`',
      'agent-onetime',
      { pid: 1001, mode: 'agent', argv: [...AGENT, '--onetime', '--no-daemonize', ...CONF] },
    ],
    [
      '`puppet agent --onetime`, which goes into the background',
      'agent-onetime-background',
      { pid: 1001, mode: 'agent', argv: [...AGENT, '--onetime', ...CONF] },
    ],
    [
      "a daemon's run in the foreground: the child is the run, its parent has the arguments",
      'daemon-foreground',
      {
        pid: 1002,
        source: 1001,
        mode: 'daemon',
        argv: [...AGENT, '--no-daemonize', '--server', 'puppet.example.com', ...CONF],
      },
    ],
    [
      "a daemon's run in the background",
      'daemon-background',
      {
        pid: 1002,
        source: 1001,
        mode: 'daemon',
        argv: [...AGENT, '--server', 'puppet.example.com', ...CONF],
      },
    ],
    [
      "a daemon's run whose translated title is longer than its arguments",
      'daemon-long-translated-title',
      { pid: 1002, source: 1001, mode: 'daemon', argv: [...AGENT, '--no-daemonize', ...CONF] },
    ],
  ])('%s', (_, name, { pid, source = pid, mode, argv, executable = '/usr/bin/ruby3.1', manifest }) => {
    const ancestry = recorded(name);
    const run = identifyRun(ancestry, 0);
    const { arguments: parsed, ...rest } = run;
    expect(rest).toEqual({
      process: idOf(ancestry, pid),
      source: idOf(ancestry, source),
      executable,
      argv,
      prefix: 3,
      mode,
      ...(mode === 'apply' ? { manifest } : {}),
    });
    const confdir = argv[argv.indexOf('--confdir') + 1];
    expect(parsed).toContainEqual(expect.objectContaining({ name: 'confdir', value: confdir }));
  });

  test("an ordinary user's own run", () => {
    expect(identifyRun(recorded('apply-as-ordinary-user'), 65534)).toMatchObject({
      mode: 'apply',
      manifest: 'site.pp',
    });
  });
});

describe('recorded runs that are refused, each in one sentence', () => {
  test.each<[string, string, string]>([
    [
      'a manifest from standard input',
      'apply-standard-input',
      'the manifest of this run (pid 1001) was read from standard input and cannot be read again: put it into a file, or start it by `again run -- COMMAND`',
    ],
    [
      '/dev/stdin',
      'apply-dev-stdin',
      'the manifest of this run (pid 1002) was read from /dev/stdin and cannot be read again: put it into a file, or start it by `again run -- COMMAND`',
    ],
    [
      "bash's <(…): /dev/fd/63",
      'apply-dev-fd-63',
      'the manifest of this run (pid 1002) was read from /dev/fd/63 and cannot be read again: put it into a file, or start it by `again run -- COMMAND`',
    ],
    [
      "another user's run",
      'apply-as-ordinary-user',
      'the Puppet run (pid 1001) belongs to user 65534, this process to user 0: only the user of a run can have it repeated',
    ],
    [
      '`bundle exec puppet apply`',
      'apply-bundle-exec',
      'the command line of Puppet (pid 1001, "/usr/local/bin/puppet apply --confdir /srv/site/conf site.pp") was rewritten, as `bundle exec` does, ' +
        'so it cannot be repeated: start Puppet without it, or start it by `again run -- COMMAND`',
    ],
    [
      '`puppet resource`',
      'resource-exec',
      '`puppet resource` (pid 1001) cannot be repeated: only `puppet apply` and `puppet agent` can',
    ],
    [
      "Bolt's apply helper",
      'bolt-apply',
      'this run (pid 1002) is one of `bolt apply`, which brings its catalog along and cannot be repeated from here: run Bolt again',
    ],
    ['a Ruby script with puppet and apply as its arguments', 'ruby-script-with-puppet-arguments', NOT_PUPPET],
    ['a Ruby one-liner with them', 'ruby-one-liner-with-puppet-arguments', NOT_PUPPET],
    ['an editor that edits the files `puppet` and `apply`', 'vim-with-puppet-arguments', NOT_PUPPET],
  ])('%s', (_, name, sentence) => {
    expect(refusalOf(() => identifyRun(recorded(name), 0))).toBe(sentence);
  });

  test("root's run, from an ordinary user's process", () => {
    expect(refusalOf(() => identifyRun(recorded('agent-test'), 1000))).toBe(
      'the Puppet run (pid 1001) belongs to user 0, this process to user 1000: only the user of a run can have it repeated',
    );
    expect(refusalOf(() => identifyRun(recorded('daemon-background'), 1000))).toBe(
      'the Puppet run (pid 1002) belongs to user 0, this process to user 1000: only the user of a run can have it repeated',
    );
  });

  test('no ancestors at all', () => {
    expect(refusalOf(() => identifyRun([], 0))).toBe(NOT_PUPPET);
  });
});

/** A process made by hand from a recorded one. */
function variant(
  name: string,
  changes: (process: ProcessSnapshot) => Partial<ProcessSnapshot>,
): ProcessSnapshot[] {
  const [first, ...others] = recorded(name);
  return first ? [{ ...first, ...changes(first) }, ...others] : [];
}

const words = (...argv: string[]) => ({ argv: argv.map(fromText) });

describe('variants of recorded runs', () => {
  test('a run that has only the effective user of this process (setuid) is not its run', () => {
    const ancestry = variant('agent-test', ({ status }) => ({ status: { ...status, realUser: 1000 } }));
    expect(() => identifyRun(ancestry, 0)).toThrow('belongs to user 0');
  });

  test.each<[string, string[], string | undefined]>([
    ['the first of two operands', ['a.pp', 'b.pp'], 'a.pp'],
    ['-e before an operand', ['-e', 'x', 'a.pp'], undefined],
    ['a catalog before all else', ['--catalog', 'c.json', '-e', 'x', 'a.pp'], 'c.json'],
    ['a manifest after `--`', ['--', '--odd.pp'], '--odd.pp'],
    ['a file whose name is a dash: Puppet looks for it', ['-'], '-'],
    ['a manifest after a shortened option', ['--detailed-exitcode', 'a.pp'], 'a.pp'],
    ['a manifest before a shortened option', ['a.pp', '--verb'], 'a.pp'],
    ['a manifest beside a setting that is ignored', ['--confdi', '/x', 'a.pp'], 'a.pp'],
    ['a shortened --catalog', ['--catal', 'c.json'], 'c.json'],
    ['a shortened -e', ['--exec', 'x', 'a.pp'], undefined],
    ['a catalog after an operand, which depends on POSIXLY_CORRECT', ['a.pp', '--catalog', '-'], undefined],
    ['an option that is not known', ['--newer', 'a.pp'], undefined],
    ['an option that is not known, and nothing else', ['--newer'], undefined],
    ['a shortened option that is not the same in all releases', ['--d', 'a.pp'], undefined],
    ['a manifest beside flags', ['--noop', 'a.pp'], 'a.pp'],
    ['a manifest whose name is nearly a device', ['/dev/stdin.pp'], '/dev/stdin.pp'],
  ])('what `puppet apply` reads: %s', (_, args, manifest) => {
    const ancestry = variant('apply-file', () => words(...APPLY, ...args));
    expect(identifyRun(ancestry, 0)).toMatchObject({ mode: 'apply', manifest });
  });

  test.each<[string, string[], string]>([
    ['no operand', ['--noop'], 'the manifest of this run (pid 1001) was read from standard input'],
    [
      'no operand after a shortened option',
      ['--detailed-exitcode', '--loadc'],
      'the manifest of this run (pid 1001) was read from standard input',
    ],
    [
      '/proc/self/fd/0',
      ['/proc/self/fd/0'],
      'the manifest of this run (pid 1001) was read from /proc/self/fd/0',
    ],
    [
      'a catalog from standard input',
      ['--catalog', '-'],
      'the catalog of this run (pid 1001) was read from standard input',
    ],
    [
      'a catalog from /dev/fd/9',
      ['--catalog=/dev/fd/9'],
      'the catalog of this run (pid 1001) was read from /dev/fd/9',
    ],
  ])('%s cannot be read again', (_, args, sentence) => {
    const ancestry = variant('apply-file', () => words(...APPLY, ...args));
    expect(refusalOf(() => identifyRun(ancestry, 0))).toBe(
      `${sentence} and cannot be read again: put it into a file, or start it by \`again run -- COMMAND\``,
    );
  });

  test.each([
    [['--detailed-exitcode', '--onetime', '--no-daemonize']],
    [['--tes']],
    [[]], // `onetime = true` in puppet.conf
  ])('a `puppet agent` with its own arguments %j is a single run', (args) => {
    const ancestry = variant('agent-onetime', () => words(...AGENT, ...args));
    expect(identifyRun(ancestry, 0).mode).toBe('agent');
  });

  test('arguments of odd bytes are kept as they are', () => {
    const odd = 'caf\xe9\n.pp' as Bytes;
    const ancestry = variant('apply-file', ({ argv }) => ({ argv: [...argv.slice(0, 3), odd] }));
    expect(identifyRun(ancestry, 0)).toMatchObject({ manifest: odd, argv: [...APPLY, odd] });
  });

  test('a title that fills the arguments to the last byte', () => {
    const ancestry = variant('daemon-background', () => words('x'.repeat(200)));
    expect(identifyRun(ancestry, 0)).toMatchObject({ mode: 'daemon' });
  });

  test('a title of a Ruby whose parent is no daemon, but a `puppet agent` of another interpreter', () => {
    const [child, daemon] = recorded('daemon-background') as [ProcessSnapshot, ProcessSnapshot];
    const other = { ...daemon, image: fromText('/opt/puppetlabs/puppet/bin/ruby') };
    expect(refusalOf(() => identifyRun([child, other], 0))).toMatch(
      /^the daemon of this Puppet run \(pid 1002\) has ended/,
    );
  });

  test('a title of a Ruby that a single run has started, as `bundle exec` in an exec of it: that run forks none', () => {
    const [child, daemon] = recorded('daemon-background') as [ProcessSnapshot, ProcessSnapshot];
    const title = { ...child, argv: [fromText('/usr/bin/puppet apply x.pp')] };
    const single = { ...daemon, argv: [...AGENT, '-t'].map(fromText) };
    expect(refusalOf(() => identifyRun([title, single], 0))).toMatch(
      /^the command line of Puppet \(pid 1002, "\/usr\/bin\/puppet apply x.pp"\) was rewritten, as `bundle exec` does/,
    );
  });

  test('a run whose daemon has ended is one of the daemon that has taken its place, with the arguments of that', () => {
    const [child, daemon] = recorded('daemon-background') as [ProcessSnapshot, ProcessSnapshot];
    const init = {
      ...daemon,
      id: { pid: 1, start: 1 },
      parent: 0,
      argv: [fromText('/sbin/init')],
      image: fromText('/usr/lib/systemd/systemd'),
    };
    const orphaned = thrown(() => identifyRun([child, init], 0));
    expect(orphaned).toBeInstanceOf(OrphanedRun);
    const argv = [...daemon.argv, fromText('--server=other')];
    const image = fromText('/usr/bin/ruby3.3'); // upgraded
    const run = describeRunOf((orphaned as OrphanedRun).run, {
      ...daemon,
      id: { pid: 5000, start: 9 },
      argv,
      image,
    });
    expect(run).toMatchObject({
      mode: 'daemon',
      process: child.id,
      source: { pid: 5000, start: 9 },
      argv,
      executable: image,
    });
    expect(describeRunOf(child, init)).toBeUndefined();
    expect(
      describeRunOf(child, { ...daemon, argv: [...daemon.argv, fromText('--onetime')] }),
    ).toBeUndefined();
  });

  test('a run nested in others: the outermost one; a daemon is none, its child is', () => {
    const [child, daemon] = recorded('daemon-background') as [ProcessSnapshot, ProcessSnapshot];
    const apply = (pid: number) => ({ ...daemon, id: { pid, start: pid }, ...words(...APPLY, 'x.pp') });
    const inner = identifyRun([apply(30)], 0);
    expect(findOuterRun([apply(30)], inner)).toBeUndefined();
    expect(findOuterRun([apply(30), apply(20), apply(10)], inner)).toEqual({ pid: 10, start: 10 });
    expect(findOuterRun([apply(30), child, daemon], inner)).toEqual(child.id);
    expect(findOuterRun([child, daemon], identifyRun([child, daemon], 0))).toBeUndefined();
  });

  test('a very long rewritten command line is shown shortened', () => {
    const ancestry = variant('apply-bundle-exec', () => words(`puppet apply ${'x'.repeat(100)}`));
    expect(refusalOf(() => identifyRun(ancestry, 0))).toContain(`"puppet apply ${'x'.repeat(44)}..."`);
  });

  test('a kernel thread or zombie among the ancestors, without arguments, is passed over', () => {
    const [run] = recorded('apply-file') as [ProcessSnapshot];
    const zombie = { ...run, id: { pid: 1002, start: 1 }, argv: [] };
    expect(identifyRun([zombie, run], 0)).toMatchObject({ process: run.id });
  });
});
