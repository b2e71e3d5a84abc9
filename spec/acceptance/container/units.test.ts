import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { amongFirst, delta, openSite, type Site, STATE, said } from './site.ts';

/** How many sites run Puppet: a oneshot service, started by a timer, that systemd clears when the run has ended. */
describe('a run in a oneshot unit', () => {
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

  it('is the same unit started again where /tmp ends with it, as a link of the same chain', async () => {
    site.manifest('private-tmp', {
      when: amongFirst(2, 'private-tmp'),
      more: "file { '/tmp/mine': content => 'x', require => Exec['probe'], before => Exec['again'] }",
    });
    await site.timer('private-tmp', ['PrivateTmp=yes']);
    const runs = await site.settled('private-tmp', 3);
    const journal = await site.journal('private-tmp.service');

    expect(runs.map(({ cgroup }) => cgroup)).toEqual(Array(3).fill('/system.slice/private-tmp.service'));
    expect(await activations('private-tmp')).toEqual(runs.map(({ invocation }) => invocation));
    expect(journal.match(/File\[\/tmp\/mine\]\/ensure: defined content/g)).toHaveLength(3);
    expect(journal).not.toMatch(/ENOENT|No such file/);
    const lines = said(journal);
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^Will start private-tmp\.service again .*PrivateTmp=yes/);
    expect(lines[0]).not.toContain('in a row');
    expect(lines[1]).toContain('rerun 2 in a row');
  });

  it.each([
    ['runtime-directory', ['RuntimeDirectory=mine'], 'RuntimeDirectory=mine'],
    ['remains', ['PrivateTmp=yes', 'RemainAfterExit=yes'], 'PrivateTmp=yes'],
  ])('is the same unit started again: %s', async (name, service, because) => {
    site.manifest(name);
    await site.timer(name, service);
    const runs = await site.settled(name, 2);
    expect(await activations(name)).toEqual(runs.map(({ invocation }) => invocation));
    const lines = said(await site.journal(`${name}.service`));
    expect(lines).toEqual([expect.stringContaining(`Will start ${name}.service again`)]);
    expect(lines[0]).toContain(because);
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

  it('is run again also when it restarts its own unit', async () => {
    // The restart ends the run that asks for it. One of the two that follow is the restart's, the other one ours.
    site.manifest('restarts', {
      more: `exec { 'restart':
  command  => 'systemctl --no-block restart restarts.service; sleep 60',
  onlyif   => '${amongFirst(1, 'restarts')}',
  provider => 'shell',
  require  => Exec['again'],
}`,
    });
    await site.timer('restarts', []);
    const runs = await site.settled('restarts', 3);
    expect(runs.map(({ cgroup }) => cgroup).sort()).toEqual([
      expect.stringMatching(/^\/system\.slice\/again-[\w-]+\.scope$/),
      '/system.slice/restarts.service',
      '/system.slice/restarts.service',
    ]);
    expect(said(await site.journal('restarts.service'))).toHaveLength(1);
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

  it.each(['systemd-run', 'systemctl'])('has a failed Exec that says why, without %s', async (tool) => {
    const name = `no-${tool}`;
    site.manifest(name);
    await site.timer(name, [
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
  });

  /** The starts of a unit, by the names that systemd gave to them, oldest first. */
  async function activations(name: string): Promise<string[]> {
    const ids = await site.sh(
      `journalctl _SYSTEMD_UNIT=${name}.service --output=json --output-fields=_SYSTEMD_INVOCATION_ID | ` +
        `sed 's/.*"_SYSTEMD_INVOCATION_ID":"\\([0-9a-f]*\\)".*/\\1/'`,
    );
    return [...new Set(ids.split('\n').filter(Boolean))];
  }
});
