import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CommandRecord } from '../../src/state/records.ts';
import { fieldsAfterName } from '../support/stat.ts';
import { AGAIN, amongFirst, delta, gate, gated, openSite, type Site, STATE, said } from './site.ts';

/** How many sites run Puppet: a oneshot service, started by a timer, that systemd clears when the run has ended. */
describe('a run in a oneshot unit', { retry: 0 }, () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite();
  });

  afterEach(() => site.clear());

  afterAll(() => site?.box.powerOff());

  it('is run again, once, in a scope of its own in the slice of the unit', async () => {
    site.manifest('plain', delta('later', 8));
    await site.timer('plain', ['Slice=nightly.slice']);
    const waiter = await site.waiter();
    await site.until('the end of the unit', async () =>
      /Deactivated/.test(await site.journal('plain.service')),
    );

    expect(await site.units()).toEqual([expect.stringMatching(/^again-[\w-]+\.scope$/)]);
    const listed = await site.sh("systemctl list-units 'again-*'");
    expect(listed).toMatch(/again-[\w-]+\.scope +loaded active running +\S/);
    expect(await site.sh("systemctl show --property=Slice --value 'again-*'")).toBe('nightly.slice\n');
    expect(site.waiters()).toEqual([waiter]);
    // In the session that Puppet made for its Exec: no other process was started for it, which would have a session of its own.
    const [, , , session] = fieldsAfterName(site.box.readFile(`/proc/${waiter.pid}/stat`));
    expect(Number(session)).not.toBe(waiter.pid);
    expect(waiter.argv).toEqual(expect.arrayContaining(['--name', 'later', '--delta', '8']));
    expect(said(await site.journal('plain.service'))).toEqual([
      expect.stringMatching(
        new RegExp(`^Will run .* again 8 s after .*pid ${waiter.pid}, output to ${STATE}/logs/.*\\.log$`),
      ),
    ]);

    const [first, rerun] = await site.settled('plain', 2);
    expect(first?.cgroup).toBe('/nightly.slice/plain.service');
    expect(rerun?.cgroup).toMatch(/^\/nightly\.slice\/again-[\w-]+\.scope$/);
    expect(rerun?.pid).toBe(waiter.pid);
  });

  it('is not run again when its scope is stopped', async () => {
    site.manifest('stopped', delta('later', 600));
    await site.timer('stopped', []);
    await site.waiter();
    const [scope] = await site.units();
    await site.sh(`systemctl stop ${scope}`);
    await site.settled('stopped', 1);
  });

  it('is run again after a run that is going, also where its unit has no CAP_SYS_PTRACE, so that this is hidden from it', async () => {
    site.manifest('going', { when: 'false', more: gate() });
    await site.sh('touch /run/gate');
    const other = site.apply('going');
    await site.until('the other run at the gate', () => site.runs('going').length === 1);
    site.manifest('bounded');
    await site.timer('bounded', ['CapabilityBoundingSet=~CAP_SYS_PTRACE']);
    const { pid } = await site.waiter();
    await site.until('the end of the unit', async () =>
      /Deactivated/.test(await site.journal('bounded.service')),
    );
    // CAP_SYS_PTRACE is the bit 19.
    const [, capabilities] = /^CapEff:\t(\w+)$/m.exec(site.box.readFile(`/proc/${pid}/status`)) ?? [];
    expect(BigInt(`0x${capabilities}`) & (1n << 19n)).toBe(0n);
    await site.holds(
      'it waits',
      () => site.waiters()[0]?.pid === pid && site.runs('bounded').length === 1,
      4,
    );
    await site.sh('rm /run/gate');
    await other;
    const runs = await site.settled('bounded', 2);
    expect(runs[1]?.pid).toBe(pid);
  });

  it('is the same unit started again where /tmp ends with it, as a link of the same chain', async () => {
    site.manifest('private-tmp', {
      when: amongFirst(2, 'private-tmp'),
      more: "file { '/tmp/mine': content => 'x', require => Exec['probe'], before => Exec['again'] }",
    });
    await site.timer('private-tmp', ['PrivateTmp=yes']);
    const runs = await site.settled('private-tmp', 3);
    const journal = await site.journal('private-tmp.service');

    expect(runs.map(({ cgroup }) => cgroup)).toEqual(Array(3).fill('/system.slice/private-tmp.service'));
    expect(await site.activations('private-tmp')).toEqual(runs.map(({ invocation }) => invocation));
    expect(journal.match(/File\[\/tmp\/mine\]\/ensure: defined content/g)).toHaveLength(3);
    expect(journal).not.toMatch(/ENOENT|No such file/);
    const lines = said(journal);
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^Will start private-tmp\.service again .*PrivateTmp=yes/);
    expect(lines[0]).not.toContain('in a row');
    expect(lines[1]).toContain('rerun 2 in a row');
  });

  it('is the same unit started again where a runtime directory ends with it', async () => {
    site.manifest('runtime');
    await site.timer('runtime', ['RuntimeDirectory=mine']);
    const runs = await site.settled('runtime', 2);
    expect(await site.activations('runtime')).toEqual(runs.map(({ invocation }) => invocation));
    const lines = said(await site.journal('runtime.service'));
    expect(lines).toEqual([
      expect.stringMatching(/^Will start runtime\.service again as soon as this run .*RuntimeDirectory=mine/),
    ]);
  });

  it('is run again in place where the unit stays active, and keeps its /tmp', async () => {
    site.manifest('remains', {
      more: "file { '/tmp/mine': ensure => file, require => Exec['probe'], before => Exec['again'] }",
    });
    await site.timer('remains', ['PrivateTmp=yes', 'RemainAfterExit=yes']);
    const [first, rerun] = await site.settled('remains', 2);
    expect(rerun?.invocation).toBe(first?.invocation);
    expect(rerun?.cgroup).toMatch(/\/again-[\w-]+\.scope$/);
    expect(await site.sh('systemctl is-active remains.service')).toBe('active\n');
    expect(await site.sh('ls -d /tmp/systemd-private-*-remains.service-*/tmp/mine')).toMatch(/mine\n$/);
    expect(said(await site.journal('remains.service'))).toEqual([
      expect.stringMatching(
        /^Will run .* again as soon as this run \(pid \d+\) has ended, or start remains\.service if that has ended by then/,
      ),
    ]);
    await site.sh('systemctl stop remains.service');
  });

  it('is held while its unit is masked', async () => {
    site.manifest('masked', delta('later', 8));
    await site.timer('masked', ['PrivateTmp=yes']);
    await site.waiter();
    await site.until('its end', async () => /Deactivated/.test(await site.journal('masked.service')));
    const unit = '/etc/systemd/system/masked.service';
    await site.sh(`mv ${unit} /root/ && systemctl mask masked.service`);
    await site.until('the status to say so', async () =>
      /masked\.service is masked/.test(await site.sh(`${AGAIN}/again status`)),
    );
    expect(site.runs('masked')).toHaveLength(1);
    await site.sh(
      `systemctl unmask masked.service && mv /root/masked.service ${unit} && systemctl daemon-reload`,
    );
    await site.settled('masked', 2);
  });

  it('is never ended by a rerun, where its timer has started the unit meanwhile', async () => {
    site.manifest('meanwhile', gated(delta('later', 6), 'meanwhile'));
    await site.sh('touch /run/gate');
    await site.timer('meanwhile', ['PrivateTmp=yes']);
    await site.until('its end', async () => /Deactivated/.test(await site.journal('meanwhile.service')));
    await site.sh('systemctl start --no-block meanwhile.service');
    await site.until('the run of the timer', () => site.runs('meanwhile').length === 2);
    await site.holds('the waiter waits', () => site.runs('meanwhile').length === 2, 8);
    await site.sh('rm /run/gate');
    const runs = await site.settled('meanwhile', 3);
    expect(await site.activations('meanwhile')).toEqual(runs.map(({ invocation }) => invocation));
    const journal = await site.journal('meanwhile.service');
    expect(journal.match(/Applied catalog/g)).toHaveLength(3);
    expect(journal).not.toMatch(/Stopping|Failed with result/);
  });

  it.each([
    ['PrivateTmp=yes', 'PrivateTmp=yes'],
    ['RuntimeDirectory=mine', 'RuntimeDirectory=mine'],
  ])('is refused where it is transient, and can not be started again: %s', async (setting, because) => {
    const path = site.manifest('transient');
    const command = ['systemd-run', '--wait', '--pipe', '--unit=transient', '-p', setting];
    const { stdout, stderr } = await site.box.exec(
      [...command, '/usr/bin/puppet', 'apply', '--color=false', path],
      { check: false },
    );
    const lines = said(stdout);
    expect(lines, stdout + stderr).toEqual([expect.stringMatching(/^again: .* since it is transient: /)]);
    expect(lines[0]).toContain(`the ${because} of transient.service ends with this run`);
    await site.settled('transient', 1);
    await site.sh('systemctl reset-failed transient.service 2>&1 || :');
  });

  it.each([
    ['RefuseManualStart=yes', 'not-by-hand'],
    ['StartLimitAction=reboot', 'reboots'],
  ])(
    'is refused where its /tmp ends with it, and it must not be started again: %s',
    async (setting, name) => {
      site.manifest(name);
      await site.timer(name, ['PrivateTmp=yes', '[Unit]', setting]);
      await site.settled(name, 1);
      expect(said(await site.journal(`${name}.service`))).toEqual([
        `again: the PrivateTmp=yes of ${name}.service ends with this run, and the unit cannot be started again, since it has ${setting}: leave one of the two settings out`,
      ]);
    },
  );

  it('is run again in a scope where it is transient and has nothing of its own', async () => {
    const path = site.manifest('plain-transient');
    await site.sh(`systemd-run --wait --unit=plain-transient /usr/bin/puppet apply ${path}`);
    const [, rerun] = await site.settled('plain-transient', 2);
    expect(rerun?.cgroup).toMatch(/\/again-[\w-]+\.scope$/);
  });

  // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of a shell
  const NAMES = ['$HOME', '${PATH}', '$$', '%i', '%%', 'a b', "it's"];
  it.each([
    ['socket', [], '--name'],
    ['tools', ['InaccessiblePaths=/run/systemd/private'], '--name-hex'],
  ])('has names of deltas that are data, by its %s', async (way, service, option) => {
    const quoted = NAMES.map((name) => `'${name.replace("'", "\\'")}'`);
    site.manifest(way, {
      target: `[${quoted.map((name) => `Common::Again::Delta[${name}]`).join(', ')}]`,
      more: `common::again::delta { [${quoted.join(', ')}]: delta => 600 }`,
    });
    await site.timer(way, service);
    const recorded = () =>
      site.records().flatMap((file) => {
        if (!file.endsWith('.json')) return []; // being written
        const { entries } = JSON.parse(site.box.readFile(`${STATE}/commands/${file}`)) as CommandRecord;
        return entries.map(({ name }) => name);
      });
    await site.until('all names', () => recorded().length === NAMES.length);
    expect(recorded().sort()).toEqual([...NAMES].sort());
    const waiter = await site.waiter();
    expect(await site.units()).toHaveLength(1);
    const first = waiter.argv[waiter.argv.findIndex((word) => word.startsWith('--name')) + 1] ?? '';
    const isPlain = waiter.argv.includes('--name');
    expect(NAMES).toContain(isPlain ? first : Buffer.from(first, 'hex').toString());
    expect(isPlain && /[$%]/.test(first)).toBe(option === '--name' && /[$%]/.test(first));
    await site.sh(`${AGAIN}/again cancel --all`);
    await site.settled(way, 1);
  });

  it('is run again where it can not see its cgroup', async () => {
    const path = site.manifest('hidden');
    await site.timer('hidden', [], `unshare --cgroup /usr/bin/puppet apply --color=false ${path}`);
    await site.settled('hidden', 2);
    expect(await site.journal('again-*.scope')).toMatch(/Started again-[\w-]+\.scope/);
  });

  it('is refused where it can neither see its cgroup nor ask systemd', async () => {
    const path = site.manifest('untold');
    await site.timer(
      'untold',
      ['InaccessiblePaths=/run/systemd/private'],
      `unshare --cgroup /usr/bin/puppet apply --color=false ${path}`,
    );
    await site.settled('untold', 1);
    expect(said(await site.journal('untold.service'))).toEqual([
      expect.stringMatching(
        /^again: it cannot be told which unit of systemd this run is in, .* leaves behind: /,
      ),
    ]);
  });

  it("of an ordinary user's in a service of the system is refused, as nobody may move it", async () => {
    await ordinaryUser();
    const path = site.manifest('of-someone');
    await site.timer('of-someone', ['User=someone', OWN_BASE], ownCommand(path));
    await site.settled('of-someone', 1);
    const lines = said(await site.journal('of-someone.service'));
    expect(lines).toEqual([expect.stringMatching(/^again: of-someone\.service has KillMode=control-group/)]);
    expect(lines[0]).toMatch(/no scope can be made for it: .*(denied|authentication required)/i);
  });

  it("of an ordinary user's in a service whose folder for temporary files goes with it is refused, as only root may start that again", async () => {
    await ordinaryUser();
    const path = site.manifest('tmp-of-someone');
    const service = ['User=someone', OWN_BASE, 'KillMode=process', 'PrivateTmp=yes'];
    await site.timer('tmp-of-someone', service, ownCommand(path));
    await site.settled('tmp-of-someone', 1);
    expect(said(await site.journal('tmp-of-someone.service'))).toEqual([
      expect.stringMatching(
        /^again: the PrivateTmp=yes of tmp-of-someone\.service ends .*, since it may be started by root alone: leave that setting out$/,
      ),
    ]);
  });

  it("in a unit of a user's own manager that lingers is run again there", async () => {
    const user = await ordinaryUser();
    const path = site.manifest('own');
    await userUnit('own', ownCommand(path));
    await site.sh(`mkdir -p /var/lib/systemd/linger && touch /var/lib/systemd/linger/someone`);
    try {
      await site.sh(`systemctl start user@${user}.service`);
      await asUser(user, 'systemctl --user daemon-reload');
      await asUser(user, 'systemctl --user start own.service');
      const [first, rerun] = await settledOf(user, 'own', 2);
      expect(first?.cgroup).toMatch(/\/user@\d+\.service\/.*own\.service$/);
      expect(rerun?.cgroup).toMatch(/\/user@\d+\.service\/.*again-[\w-]+\.scope$/);
      expect(said(await site.sh('journalctl -o cat'))).not.toContain('unless user');
    } finally {
      await site.sh(`rm /var/lib/systemd/linger/someone; systemctl stop user@${user}.service`);
    }
  });

  it('is run again as it is, where the unit goes on', async () => {
    const path = site.manifest('goes-on');
    const service = [
      '[Service]',
      'PrivateTmp=yes',
      `ExecStart=sh -c "puppet apply ${path}; exec sleep 1000"`,
    ];
    site.box.writeFile('/etc/systemd/system/goes-on.service', `${service.join('\n')}\n`);
    await site.sh('systemctl daemon-reload && systemctl start goes-on.service');
    const [first, rerun] = await site.settled('goes-on', 2);
    expect(rerun?.invocation).toBe(first?.invocation);
    expect(await site.sh('systemctl is-active goes-on.service')).toBe('active\n');
    await site.sh('systemctl stop goes-on.service');
  });

  it('is run again also when it restarts its own unit: the run that follows the restart satisfies what is due', async () => {
    // The restart ends the run that asks for it.
    site.manifest('restarts', {
      more: `exec { 'restart':
  command  => 'systemctl --no-block restart restarts.service; sleep 60',
  onlyif   => '${amongFirst(1, 'restarts')}',
  provider => 'shell',
  require  => Exec['again'],
}`,
    });
    // A busy machine may see the end of a run a moment late, and a run that begins in that moment satisfies nothing.
    await site.timer('restarts', ['ExecStartPre=sleep 2']);
    const runs = await site.settled('restarts', 2);
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/restarts.service');
    expect(said(await site.journal('restarts.service'))).toHaveLength(1);
    expect(await site.sh('journalctl -t again -o cat')).toMatch(
      /^satisfied: Exec\['again'\]: by an ordinary run/m,
    );
  });

  it('is run again without D-Bus', async () => {
    site.manifest('no-dbus');
    await site.sh('systemctl stop dbus.socket dbus.service');
    try {
      await site.timer('no-dbus', []);
      const [, rerun] = await site.settled('no-dbus', 2);
      expect(rerun?.cgroup).toMatch(/again-[\w-]+\.scope$/);
    } finally {
      await site.sh('systemctl start dbus.socket dbus.service');
    }
  });

  it('is run again without the tools of systemd', async () => {
    site.manifest('no-tools');
    const tools = ['systemctl', 'systemd-run', 'busctl'];
    await site.timer('no-tools', [
      `ExecStartPre=mv ${tools.map((tool) => `/usr/bin/${tool}`).join(' ')} /root/`,
      `ExecStopPost=mv ${tools.map((tool) => `/root/${tool}`).join(' ')} /usr/bin/`,
    ]);
    const [, rerun] = await site.settled('no-tools', 2);
    expect(rerun?.cgroup).toMatch(/again-[\w-]+\.scope$/);
  });

  it('is not run again when its waiter is ended, also without the tools of systemd', async () => {
    site.manifest('ended', delta('ended', 600));
    await site.timer('ended', []);
    await site.waiter();
    await site.sh('mv /usr/bin/systemctl /root/');
    try {
      await site.sh('killall again');
      const journal = () => site.sh('journalctl -t again -o cat');
      await site.until('its last word', async () => /^cancelled: ended$/m.test(await journal()));
    } finally {
      await site.sh('mv /root/systemctl /usr/bin/');
    }
    await site.settled('ended', 1);
  });

  it.each(['systemd-run', 'systemctl'])(
    'has a failed Exec that says why, without the socket of systemd and without %s',
    async (tool) => {
      const name = `no-${tool}`;
      site.manifest(name);
      await site.timer(name, [
        'InaccessiblePaths=/run/systemd/private',
        `ExecStartPre=mv /usr/bin/${tool} /root/`,
        `ExecStopPost=mv /root/${tool} /usr/bin/`,
      ]);
      await site.settled(name, 1);
      const journal = await site.journal(`${name}.service`);
      const lines = said(journal);
      expect(lines).toEqual([expect.stringMatching(/^again: /)]);
      expect(lines[0]).toContain(`${name}.service`);
      expect(lines[0]).toContain(tool);
      expect(journal).toMatch(/Exec\[again\]: Failed to call refresh: .*returned 1 instead of/);
    },
  );

  const OWN_BASE = 'Environment=FACTER_puppet_vardirtmp=/home/someone/tmp HOME=/home/someone';
  const ownCommand = (path: string) =>
    `/usr/bin/puppet apply --modulepath=/etc/puppet/code/environments/production/modules --color=false ${path}`;

  /** Makes the account `someone`, once, and returns its number. */
  async function ordinaryUser(): Promise<string> {
    return (
      await site.sh('id -u someone 2>/dev/null || { useradd --create-home someone; id -u someone; }')
    ).trim();
  }

  async function userUnit(name: string, command: string): Promise<void> {
    const unit = ['[Service]', 'Type=oneshot', OWN_BASE, `ExecStart=${command}`, ''];
    site.box.writeFile(`/etc/systemd/user/${name}.service`, unit.join('\n'));
  }

  async function asUser(user: string, command: string): Promise<string> {
    const { stdout } = await site.box.exec(['sh', '-c', command], {
      user: 'someone',
      env: { XDG_RUNTIME_DIR: `/run/user/${user}` },
    });
    return stdout;
  }

  /** Like {@link Site.settled}, of a user's own base folder and units. */
  async function settledOf(user: string, name: string, count: number) {
    const units = () => asUser(user, "systemctl --user list-units --all --plain --no-legend 'again-*'");
    const quiet = async () =>
      site.runs(name).length >= count && site.waiters().length === 0 && (await units()).trim() === '';
    await site.until(`${count} runs of ${name}, and then quiet`, quiet);
    expect(site.runs(name)).toHaveLength(count);
    return site.runs(name);
  }
});
