import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ShownHold } from '../../src/cli/hold.ts';
import { filesBelow } from '../support/howto.ts';
import { openSite, type Site, said } from './site.ts';

const AGAIN = '/usr/local/sbin/again';

/** The units of docs/HOWTO.md for a maintenance window and for a reboot, on a booted system. */
describe('a site', () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite();
  });

  afterEach(async () => {
    await site.sh(`${AGAIN} release; shutdown -c`);
    await site.clear();
  });

  afterAll(() => site?.box.powerOff());

  /** Writes the units of a section, with the changes that a test needs so that it need not wait for a time of the day. */
  async function install(heading: string, change = (content: string) => content): Promise<string[]> {
    const units = filesBelow(heading, 'ini');
    for (const [path, content] of units) site.box.writeFile(path, change(content));
    await site.sh('systemctl daemon-reload');
    return [...units.keys()];
  }

  it('holds and releases its reruns by two timers', async () => {
    const paths = await install('A maintenance window');
    expect(paths).toHaveLength(4);
    // Lines about other units are none of ours.
    for (const path of paths)
      expect(await site.sh(`systemd-analyze verify ${path} 2>&1 | grep again- || :`)).toBe('');
    await site.sh('systemctl enable --now hold-reruns.timer release-reruns.timer');
    expect(await site.sh('systemctl list-timers --all --no-legend hold-reruns.timer')).toMatch(/22:00:00/);
    expect(await site.sh('systemctl list-timers --all --no-legend release-reruns.timer')).toMatch(/02:30:00/);

    // The services of the timers, at a time that a test can wait for.
    await site.sh('systemctl start hold-reruns.service');
    const held = JSON.parse(await site.sh(`${AGAIN} status --hold --json`)) as ShownHold;
    expect(held.reason).toBe('nightly backup');
    expect(Date.parse(held.until) - Date.parse(held.since)).toBe(6 * 3_600_000);
    site.manifest('window');
    expect(said((await site.apply('window')).stdout)).toHaveLength(1);
    await site.until('the waiter to say why it waits', async () =>
      /^waiting: Exec\['again'\]: for the end of the hold at .* \(nightly backup\), or `again release`$/m.test(
        await site.sh('journalctl -t again -o cat'),
      ),
    );
    await site.holds('the waiter waits', () => site.runs('window').length === 1, 3);
    await site.sh('systemctl start release-reruns.service');
    await site.settled('window', 2);
    const told = await site.sh('journalctl -t again -o cat');
    expect(told).toMatch(/^held: no rerun starts before the end of the hold at .* \(nightly backup\)/m);
    expect(told).toMatch(/^released: /m);
  });

  const STAMP = '/var/lib/systemd/timers/stamp-puppet-run.timer';
  const run = '/usr/bin/puppet apply --color=false /etc/again-spec/reboots.pp';

  // Each time, the other one of the two settings starts nothing.
  it.each([
    ['OnBootSec=', 'OnBootSec=5s', `rm -f ${STAMP}`],
    ['Persistent=', '', `mkdir -p $(dirname ${STAMP}) && touch -d '2 years ago' ${STAMP}`],
  ])('goes on by %s after a reboot, and is still held if it was', async (_, onBoot, lastTime) => {
    await install('Reboot, and go on', (content) =>
      content
        .replace(/^ExecStart=.*$/m, `ExecStart=${run}`)
        .replace(/^OnBootSec=.*$/m, onBoot)
        .replace(/^OnCalendar=.*$/m, 'OnCalendar=yearly'),
    );
    site.manifest('reboots', {
      more: `exec { 'reboot':
  command  => 'shutdown -r +10',
  unless   => 'test -e /var/lib/again-spec/rebooted',
  provider => 'shell',
  require  => Exec['probe'],
}
file { '/var/lib/again-spec/rebooted': content => '', require => Exec['reboot'] }`,
    });
    await site.sh('systemctl enable puppet-run.timer');
    expect(said((await site.apply('reboots')).stdout)).toHaveLength(1);
    await site.until('the rerun to be held', async () =>
      /the reboot that is scheduled/.test(await site.sh(`${AGAIN} status`)),
    );
    await site.sh(`${AGAIN} hold --for 1h`);
    await site.sh(lastTime);
    await site.box.reboot();

    // The run after the boot is no rerun: nothing holds it.
    await site.until('the run after the boot', () => site.runs('reboots').length === 2);
    expect(site.runs('reboots')[1]?.cgroup).toBe('/system.slice/puppet-run.service');
    expect(JSON.parse(await site.sh(`${AGAIN} status --hold --json`))).toMatchObject({
      until: expect.any(String),
    });
    expect(JSON.parse(await site.sh(`${AGAIN} history --json -n 1`))).toMatchObject([
      { result: 'not run: lost: the machine was rebooted' },
    ]);
    await site.until('the journal to say so', async () =>
      /^lost: Exec\['again'\]: the machine was rebooted/m.test(
        await site.sh('journalctl --boot -t again -o cat'),
      ),
    );
    await site.sh('systemctl disable --now puppet-run.timer; rm /var/lib/again-spec/rebooted');
    await site.settled('reboots', 2);
  });
});
