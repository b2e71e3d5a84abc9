import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { amongFirst, type Cause, delta, manifestOf, openSite, type Site, STATE, said } from './site.ts';

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
    serve('daemon');
    await site.sh('systemctl start puppet');
    const runs = await site.settled('daemon', 2);
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/puppet.service');
    expect(await site.sh('systemctl is-active puppet')).toBe('active\n');
    await site.sh('systemctl stop puppet');
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
    // Other tests, and an earlier try of this one, have their lines there, too.
    const [, cursor = ''] = /cursor: (\S+)/.exec(await site.sh('journalctl --lines=0 --show-cursor')) ?? [];
    const skipped = `until journalctl --unit=puppet --output=cat --after-cursor="${cursor}" | grep -q "already in progress"; do sleep 0.2; done`;
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
    const journal = await site.journal('puppet.service', cursor);
    expect(journal.match(/Exec\[again\]\/returns\) Will run /g), journal).toHaveLength(1);
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

  /** What the server's catalogs are made from. */
  function serve(name: string, cause?: Cause): void {
    const path = '/etc/puppet/code/environments/production/manifests/site.pp';
    site.box.writeFile(path, manifestOf(name, cause));
  }

  /** A run that notifies, and ends when the agent is disabled already. */
  async function dueWhileDisabled(name: string): Promise<void> {
    serve(name, {
      more: `exec { 'gate':
  command  => 'while test -e /run/gate; do sleep 0.1; done',
  provider => 'shell',
  require  => Exec['probe'],
}`,
    });
    await site.sh('touch /run/gate');
    const run = site.box.exec(['sh', '-c', `${onetime} --verbose --logdest console`]);
    await site.until('the run at the gate', () => site.runs(name).length === 1);
    await site.sh('puppet agent --disable; rm /run/gate');
    expect(said((await run).stdout)).toEqual([expect.stringMatching(/^Will run /)]);
    await site.waiter();
    await site.holds('the waiter waits', () => site.waiters().length === 1 && site.runs(name).length === 1);
  }
});
