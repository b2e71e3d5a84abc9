import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  AGAIN,
  amongFirst,
  type Cause,
  delta,
  gate,
  manifestOf,
  openSite,
  type Site,
  STATE,
  said,
} from './site.ts';

const onetime = '/usr/bin/puppet agent --onetime --no-daemonize --color=false';

/** The distribution's own agent, with a Puppet Server beside it. */
describe("an agent's run", () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite();
    const name = 'box.example.test';
    site.box.writeFile('/etc/puppet/puppet.conf', `[main]\nserver = ${name}\ncertname = ${name}\n`);
    site.box.writeFile('/etc/default/puppet', 'PUPPET_EXTRA_OPTS=--color=false\n');
    // For a server that serves one agent for some minutes: half the time to start, of the processor.
    await site.sh(
      `sed -i '/^JAVA_ARGS=/s/"$/ -XX:+UseSerialGC -XX:TieredStopAtLevel=1"/' /etc/default/puppetserver`,
    );
    await site.box.exec(['puppetserver', 'ca', 'setup']);
    await site.box.exec(['systemctl', 'start', 'puppetserver'], { timeoutMs: 300_000 });
  });

  afterEach(() => site.clear());

  afterAll(() => site?.box.powerOff());

  it('of the daemon is run again beside it, with no scope', async () => {
    const from = await cursor();
    serve('daemon');
    await site.sh('systemctl start puppet');
    const runs = await site.settled('daemon', 2);
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/puppet.service');
    // No grace: no script continues after a daemon's run.
    expect(logged(await site.journal('puppet.service', from))).toEqual([
      expect.stringMatching(/^Will run .* again as soon as this run \(pid \d+\) has ended; /),
    ]);
    expect(await site.sh('systemctl is-active puppet')).toBe('active\n');
    await site.sh('systemctl stop puppet');
  });

  it('of the daemon is repeated by its command also with `rerun: unit`, and the line says why', async () => {
    const from = await cursor();
    serve('of-unit', undefined, 'unit');
    await site.sh('systemctl start puppet');
    await site.settled('of-unit', 2);
    expect(logged(await site.journal('puppet.service', from))).toEqual([
      expect.stringMatching(/^Will run .*, not by its unit, since puppet\.service is the daemon's/),
    ]);
    expect(await site.sh('systemctl is-active puppet')).toBe('active\n');
    await site.sh('systemctl stop puppet');
  });

  it("of theforeman's service, started by its timer, is a start of that service with `rerun: unit`", async () => {
    const from = await cursor();
    serve('foreman', undefined, 'unit');
    const [minute, next] = [20, 50].map((later) => (new Date().getMinutes() + later) % 60);
    // As its module theforeman-puppet writes them, with RandomizedDelaySec=.
    site.box.writeFile(
      '/etc/systemd/system/puppet-run.service',
      `[Unit]
Description=Systemd Timer Service for Puppet Agent
Wants=network.target network-online.target
After=network.target network-online.target

[Service]
Type=oneshot
ExecStart=/usr/bin/puppet agent --config /etc/puppet/puppet.conf --onetime --no-daemonize --detailed-exitcode --no-usecacheonfailure
SuccessExitStatus=2
User=root
Group=root
`,
    );
    site.box.writeFile(
      '/etc/systemd/system/puppet-run.timer',
      `[Unit]
Description=Systemd Timer for Puppet Agent

[Timer]
OnCalendar=*-*-* *:${minute},${next}:00
Persistent=true
RandomizedDelaySec=1

[Install]
WantedBy=timers.target
`,
    );
    // One of its times has passed while the machine was off.
    const stamp = '/var/lib/systemd/timers/stamp-puppet-run.timer';
    await site.sh(`mkdir -p $(dirname ${stamp}) && touch -d '1 hour ago' ${stamp}`);
    await site.sh('systemctl daemon-reload && systemctl enable --now puppet-run.timer');
    const runs = await site.settled('foreman', 2);
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/puppet-run.service');
    expect(new Set(runs.map(({ invocation }) => invocation)).size).toBe(2);
    expect(logged(await site.journal('puppet-run.service', from))).toEqual([
      expect.stringMatching(
        /^Will start puppet-run\.service again as soon as this run \(pid \d+\) has ended; .*output as that unit has it$/,
      ),
    ]);
    const newest = JSON.parse(await site.sh(`${AGAIN}/again history --json -n 1`));
    // By --detailed-exitcode, which is short for --detailed-exitcodes.
    expect(newest).toEqual([
      expect.objectContaining({ unit: 'puppet-run.service', unitResult: 'success', exitCode: 2 }),
    ]);
    await site.sh('systemctl disable --now puppet-run.timer');
  });

  it('of the daemon is run again also when the daemon is stopped meanwhile', async () => {
    serve('stopped', delta('later', 5));
    await site.sh('systemctl start puppet');
    const { pid } = await site.waiter();
    await site.until("the end of the daemon's run", async () => (await site.left()).length === 2);
    expect(await site.units()).toEqual([]);
    await site.sh('systemctl stop puppet');
    expect(await site.sh('systemctl is-active puppet || :')).not.toBe('active\n');
    const [, rerun] = await site.settled('stopped', 2);
    expect(rerun?.pid).toBe(pid);
  });

  it('of the daemon that restarts its own service before it notifies is run again once, with the arguments of the new daemon', async () => {
    const from = await cursor();
    const skipped = `until journalctl --unit=puppet --output=cat --after-cursor="${from}" | grep -q "already in progress"; do sleep 0.2; done`;
    const options = (more: string) => `PUPPET_EXTRA_OPTS=--color=false${more}`;
    serve('restarted', {
      more: `exec { 'changed configuration':
  command  => 'echo "${options(' --show_diff')}" >/etc/default/puppet && systemctl restart puppet; ${skipped}',
  onlyif   => '${amongFirst(1, 'restarted')}',
  provider => 'shell',
  require  => Exec['probe'],
  before   => Exec['cause'],
}`,
    });
    await site.sh('systemctl start puppet');
    const [first, rerun] = await site.settled('restarted', 2);
    expect(rerun?.pid).not.toBe(first?.pid);
    const journal = await site.journal('puppet.service', from);
    expect(logged(journal), journal).toEqual([expect.stringMatching(/^Will run /)]);
    expect(journal).toContain('already in progress'); // the new daemon's first run, which the rerun makes up for
    expect(await site.sh(`grep -h ' runs ' $(ls -t ${STATE}/logs/*.log | head -n 1)`)).toMatch(
      / runs \S+ agent .*--show_diff .*--onetime/,
    );
    expect(await site.sh('systemctl is-active puppet')).toBe('active\n');
    await site.sh(`systemctl stop puppet; echo '${options('')}' >/etc/default/puppet`);
  });

  it('in a oneshot unit is run again in a scope', async () => {
    serve('oneshot');
    await site.timer('oneshot', [], onetime);
    const [first, rerun] = await site.settled('oneshot', 2);
    expect(first?.cgroup).toBe('/system.slice/oneshot.service');
    expect(rerun?.cgroup).toMatch(/^\/system\.slice\/again-[\w-]+\.scope$/);
  });

  it('is run again when the agent, disabled by then, is enabled', async () => {
    await dueWhileDisabled('disabled');
    await site.sh('puppet agent --enable');
    await site.settled('disabled', 2);
  });

  it.each([
    ['that leaves resources out: it waits, and runs', 'tagged', ['--tags', 'exec'], 3],
    ['in full, which satisfies it', 'satisfied', [], 2],
  ])('finds another run at work %s', async (_, name, words, count) => {
    await dueWhileDisabled(name);
    await site.sh('touch /run/gate');
    // The one way to begin a run now: for all others the agent is disabled.
    const other = site.box.exec([...onetime.split(' '), '--agent_disabled_lockfile=/run/none', ...words]);
    await site.until('the other run at the gate', () => site.runs(name).length === 2);
    await site.sh('puppet agent --enable');
    await site.holds('the waiter waits', () => site.waiters().length === 1 && site.runs(name).length === 2);
    await site.sh('rm /run/gate');
    await other;
    await site.settled(name, count);
  });

  /** Sets the manifest that the server's catalogs are made from. */
  function serve(name: string, cause?: Cause, rerun = 'command'): void {
    const path = '/etc/puppet/code/environments/production/manifests/site.pp';
    site.box.writeFile(path, `class { 'common::again': rerun => '${rerun}' }\n${manifestOf(name, cause)}`);
  }

  /** Where the journal ends now: other tests, and an earlier try of the same one, have their lines there, too. */
  async function cursor(): Promise<string> {
    return /cursor: (\S+)/.exec(await site.sh('journalctl --lines=0 --show-cursor'))?.[1] ?? '';
  }

  /** The lines of the helper, in the log of an agent that has no terminal. */
  function logged(journal: string): string[] {
    const found = journal.matchAll(/Exec\[again(?:-delta-[^\]]*)?\]\/returns\) (.*)/g);
    return [...found].map(([, line = '']) => line).filter((line) => line !== 'executed successfully');
  }

  /** A run that notifies, and ends when the agent is disabled already. */
  async function dueWhileDisabled(name: string): Promise<void> {
    serve(name, { more: gate() });
    await site.sh('touch /run/gate');
    const run = site.box.exec(['sh', '-c', `${onetime} --verbose --logdest console`]);
    await site.until('the run at the gate', () => site.runs(name).length === 1);
    await site.sh('puppet agent --disable; rm /run/gate');
    expect(said((await run).stdout)).toEqual([expect.stringMatching(/^Will run /)]);
    await site.waiter();
    await site.holds('the waiter waits', () => site.waiters().length === 1 && site.runs(name).length === 1);
  }
});
