import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { delta, gate, openSite, type Site, said } from './site.ts';

/** Where else people's runs come from: cron, a shell that ends, a container's main process, two at once. */
describe('a run that', () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite();
  });

  afterEach(() => site.clear());

  afterAll(() => site?.box.powerOff());

  it('cron starts is run again, with no scope', async () => {
    const manifest = site.manifest('cron');
    const once = `mkdir /run/cron && /usr/bin/puppet apply --color=false ${manifest} > /run/cron/out 2>&1`;
    await site.box.exec(['crontab', '-'], { input: `* * * * * ${once}\n` });
    await site.until('a run that cron starts', () => site.runs('cron').length > 0);
    const runs = await site.settled('cron', 2);
    await site.sh('crontab -r');
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/cron.service');
    expect(said(site.box.readFile('/run/cron/out'))).toEqual([expect.stringMatching(/^Will run /)]);
  });

  it('a login shell starts is run again in its session, where logind leaves that alone', async () => {
    const manifest = site.manifest('session');
    await site.box.exec(['su', '-l', 'root', '-c', `puppet apply --color=false ${manifest}`]);
    const [first, rerun] = await site.settled('session', 2);
    expect(first?.cgroup).toMatch(/^\/user\.slice\/user-0\.slice\/session-c?\d+\.scope$/);
    expect(rerun?.cgroup).toBe(first?.cgroup);
  });

  it('a login shell starts is run again in a scope, where logind clears the session', async () => {
    await clearSessions();
    const manifest = site.manifest('cleared');
    await site.box.exec(['su', '-l', 'root', '-c', `puppet apply --color=false ${manifest}`]);
    const [first, rerun] = await site.settled('cleared', 2);
    expect(first?.cgroup).toMatch(/\/session-c?\d+\.scope$/);
    expect(rerun?.cgroup).toMatch(/\/again-[\w-]+\.scope$/);
  });

  it('a login shell starts is run again in a scope, where logind stops a session that is idle', async () => {
    await setLogind('StopIdleSessionSec=1h\nKillUserProcesses=no\nKillExcludeUsers=root');
    const manifest = site.manifest('idle');
    await site.box.exec(['su', '-l', 'root', '-c', `puppet apply --color=false ${manifest}`]);
    const [first, rerun] = await site.settled('idle', 2);
    expect(first?.cgroup).toMatch(/\/session-c?\d+\.scope$/);
    expect(rerun?.cgroup).toMatch(/\/again-[\w-]+\.scope$/);
  });

  it.each([['KillUserProcesses=yes\nKillExcludeUsers=root'], ['KillUserProcesses=no\nKillOnlyUsers=alice']])(
    "root starts in another user's session is run again in a scope, where logind clears that: %j",
    async (settings) => {
      await alice();
      await setLogind(settings);
      const manifest = site.manifest('by-sudo');
      await site.box.exec(['su', '-l', 'alice', '-c', `sudo puppet apply --color=false ${manifest}`]);
      const [first, rerun] = await site.settled('by-sudo', 2);
      expect(first?.cgroup).toMatch(/^\/user\.slice\/user-\d+\.slice\/session-c?\d+\.scope$/);
      expect(rerun?.cgroup).toMatch(/^\/system\.slice\/again-[\w-]+\.scope$/);
    },
  );

  it("root starts below a user's manager outlives that", async () => {
    const user = await alice();
    await setLogind('');
    const manifest = site.manifest('desktop', delta('later', 8));
    const unit = ['[Service]', 'Type=oneshot', `ExecStart=sudo puppet apply --color=false ${manifest}`, ''];
    site.box.writeFile('/etc/systemd/user/desktop.service', unit.join('\n'));
    await site.sh(`systemctl start user@${user}.service`);
    await site.box.exec(['systemctl', '--user', 'start', 'desktop.service'], {
      user: 'alice',
      env: { XDG_RUNTIME_DIR: `/run/user/${user}` },
    });
    await site.waiter();
    await site.sh(`systemctl stop user@${user}.service`);
    const [first, rerun] = await site.settled('desktop', 2);
    expect(first?.cgroup).toMatch(/\/user@\d+\.service\/.*desktop\.service$/);
    expect(rerun?.cgroup).toMatch(/^\/system\.slice\/again-[\w-]+\.scope$/);
  });

  it('an ordinary user starts below his manager, which does not linger, says so', async () => {
    const user = await alice();
    await setLogind('');
    const manifest = site.manifest('own');
    const unit = ['[Service]', 'Type=oneshot', ...OWN, `ExecStart=${ownCommand(manifest)}`, ''];
    site.box.writeFile('/etc/systemd/user/own.service', unit.join('\n'));
    await site.sh(`systemctl start user@${user}.service`);
    const env = { XDG_RUNTIME_DIR: `/run/user/${user}` };
    await site.box.exec(['systemctl', '--user', 'start', 'own.service'], { user: 'alice', env });
    await site.until('both runs', () => site.runs('own').length === 2 && site.waiters().length === 0);
    const lines = said(await site.journal(`user@${user}.service`)).filter((line) => line.includes('/own.pp'));
    expect(lines).toEqual([
      expect.stringContaining(`, unless user ${user} has logged out by then (\`loginctl enable-linger\``),
    ]);
    await site.sh(`systemctl stop user@${user}.service`);
  });

  it('an ordinary user starts in a session that is cleared is run again below his manager, if that lingers', async () => {
    const user = await alice();
    await clearSessions();
    await site.sh('mkdir -p /var/lib/systemd/linger && touch /var/lib/systemd/linger/alice');
    try {
      await site.sh(`systemctl start user@${user}.service`);
      const manifest = site.manifest('lingers');
      const { stdout } = await site.box.exec([
        'su',
        '-l',
        'alice',
        '-c',
        `${OWN_BASE} ${ownCommand(manifest)}`,
      ]);
      expect(said(stdout)).toEqual([expect.stringMatching(/^Will run /)]);
      await site.until('both runs', () => site.runs('lingers').length === 2 && site.waiters().length === 0);
      expect(site.runs('lingers')[1]?.cgroup).toMatch(/\/user@\d+\.service\/.*again-[\w-]+\.scope$/);
    } finally {
      await site.sh(`rm /var/lib/systemd/linger/alice; systemctl stop user@${user}.service`);
    }
  });

  it('an ordinary user starts in a session that is cleared has a failed Exec that says why', async () => {
    await clearSessions();
    const manifest = site.manifest('ordinary');
    await site.box.exec(['useradd', '--create-home', 'someone']);
    const modules = '--modulepath=/etc/puppet/code/environments/production/modules';
    const command = `FACTER_puppet_vardirtmp=/home/someone/tmp puppet apply ${modules} --color=false ${manifest}`;
    const { stdout, stderr } = await site.box.exec(['su', '-l', 'someone', '-c', command], { check: false });
    const lines = said(stdout);
    expect(lines, stdout + stderr).toEqual([expect.stringMatching(/^again: .*session-c?\d+\.scope/)]);
    expect(stderr).toMatch(/Exec\[again\]: Failed to call refresh: .*returned 1 instead of/);
    await site.settled('ordinary', 1);
  });

  it('asks for a rerun has a line in the journal for every event', async () => {
    site.manifest('told', {
      target: "[Common::Again::Delta['a'], Common::Again::Delta['b']]",
      more: "common::again::delta { ['a', 'b']: delta => 600 }",
    });
    await site.apply('told');
    await site.sh('/usr/local/sbin/again cancel a');
    await site.sh('/usr/local/sbin/again cancel --all');
    site.manifest('told-now');
    await site.apply('told-now');
    await site.settled('told-now', 2);

    const expected = [
      /^scheduled: a: Will run `puppet apply .*` again 600 s after this run/,
      /^coalesced: b: Will run `puppet apply .*` again 600 s after this run/,
      /^cancelled: a$/,
      /^cancelled: b$/,
      /^scheduled: Exec\['again'\]: Will run `puppet apply .*told-now\.pp` again 3 s after this run/,
      /^started: Exec\['again'\]: runs puppet apply .*told-now\.pp, rerun 1 in a row, output to /,
    ];
    const told = async () =>
      (await site.sh('journalctl --identifier=again --output=cat'))
        .split('\n')
        .filter((line) => /: [ab](:|$)|told-now/.test(line));
    let lines: string[] = [];
    await site.until('a line for each event', async () => {
      lines = await told();
      return lines.length >= expected.length;
    });
    expect(lines).toEqual(expected.map((line) => expect.stringMatching(line)));
  });

  it('is the main process of a container is refused in one line', async () => {
    const manifest = site.manifest('main');
    const isolated = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const { stdout, stderr } = await site.box.exec(
      [...isolated, 'puppet', 'apply', '--color=false', manifest],
      { check: false },
    );
    expect(said(stdout), stdout + stderr).toEqual([expect.stringMatching(/^again: .*main process.*pid 1/)]);
    expect(stderr).toMatch(/Exec\[again\]: Failed to call refresh: .*returned 1 instead of/);
    await site.settled('main', 1);
  });

  it('ends while another one of the same command goes on is run again after that one', async () => {
    const manifest = site.manifest('two', {
      when: 'test ! -e /run/notified && touch /run/notified',
      more: gate(`onlyif => 'test -n "$HELD_UP"', require => Exec['probe'], before => Exec['cause']`),
    });
    await site.sh('touch /run/gate');
    // The same command: what differs is the environment alone.
    const other = site.box.exec(['puppet', 'apply', '--color=false', manifest], { env: { HELD_UP: '1' } });
    await site.until('the other run at the gate', () => site.runs('two').length === 1);
    expect(said((await site.apply('two')).stdout)).toEqual([expect.stringMatching(/^Will run /)]);

    const { pid } = await site.waiter();
    await site.holds(
      'the waiter waits',
      () => site.waiters()[0]?.pid === pid && site.runs('two').length === 2,
    );
    await site.sh('rm /run/gate');
    await other;
    const runs = await site.settled('two', 3);
    expect(runs[2]?.pid).toBe(pid);
  });

  const clearSessions = () => setLogind('KillUserProcesses=yes\nKillExcludeUsers=');

  async function setLogind(settings: string): Promise<void> {
    site.box.writeFile('/etc/systemd/logind.conf.d/kill.conf', `[Login]\n${settings}\n`);
    await site.sh('systemctl restart systemd-logind');
  }

  const OWN_BASE = 'FACTER_puppet_vardirtmp=/home/alice/tmp';
  const OWN = [`Environment=HOME=/home/alice ${OWN_BASE}`];
  const ownCommand = (path: string) =>
    `puppet apply --modulepath=/etc/puppet/code/environments/production/modules --color=false ${path}`;

  /** Makes the account `alice`, once, who may become root, and returns its number. */
  async function alice(): Promise<string> {
    site.box.writeFile('/etc/sudoers.d/alice', 'alice ALL=(ALL) NOPASSWD: ALL\n', 0o440);
    return (
      await site.sh(
        'id -u alice 2>/dev/null || { useradd --create-home --shell /bin/sh alice; id -u alice; }',
      )
    ).trim();
  }
});
