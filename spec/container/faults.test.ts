import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { amongFirst, delta, openSite, type Site, STATE, said } from './site.ts';

/** Faults of machines: full disks, tidy administrators, kill -9, reboots. Runs from no unit, as a person's. */
// One try, on every machine: what is looked for may show itself once in a hundred times.
describe('nothing is lost or doubled', { retry: 0 }, () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite();
  });

  afterEach(() => site.clear());

  afterAll(() => site?.box.powerOff());

  it.each([
    ['full', `dd if=/dev/zero of=${STATE}/ballast bs=4k 2>&1 || :`, /no space left|ENOSPC/i],
    ['read-only', `mount -o remount,ro ${STATE}`, /read-only|EROFS/i],
  ])('when the disk is %s: the Exec fails in one line', async (name, spoil, why) => {
    site.manifest(name);
    await smallDisk();
    try {
      await site.sh(spoil);
      const { stdout, stderr } = await site.apply(name);
      expect(said(stdout), stdout + stderr).toEqual([expect.stringMatching(/^again: /)]);
      expect(said(stdout)[0]).toMatch(why);
      expect(said(stdout)[0]).toContain('/state');
      expect(stderr).toMatch(/Exec\[again\]: Failed to call refresh: .*returned 1 instead of/);
      await site.settled(name, 1);
    } finally {
      await site.sh(`umount ${STATE}`);
    }
  });

  it('when the disk fills up while a waiter waits: it runs when there is room', async () => {
    site.manifest('fills', delta('later', 3));
    await smallDisk();
    try {
      expect(said((await site.apply('fills')).stdout)).toHaveLength(1);
      await site.sh(`dd if=/dev/zero of=${STATE}/ballast bs=4k 2>&1 || :`);
      const due = performance.now() + 5000;
      await site.until('it is due', () => performance.now() > due);
      expect(site.runs('fills').length + site.waiters().length).toBe(2);
      await site.sh(`rm ${STATE}/ballast`);
      await site.settled('fills', 2);
    } finally {
      await site.sh(`umount ${STATE}`);
    }
  });

  it.each([
    ['deleted', `mv ${STATE} /var/tmp/state`],
    ['emptied', `rm -r ${STATE}/* || :`],
    [
      'rubbish',
      `find ${STATE} -type f -exec sh -c 'echo "{rubbish" > "$1"' sh {} ';'; echo x > ${STATE}/commands/stray`,
    ],
  ])('when the state folder is %s while a waiter waits', async (name, spoil) => {
    site.manifest(name, delta('later', 4));
    expect(said((await site.apply(name)).stdout)).toHaveLength(1);
    const { pid } = await site.waiter();
    await site.sh(spoil);
    const [, rerun] = await site.settled(name, 2);
    expect(rerun?.pid).toBe(pid);
  });

  it('when the waiter is killed: the next notification starts another', async () => {
    site.manifest('killed', delta('later', 600));
    await site.apply('killed');
    const { pid } = await site.waiter();
    await site.sh(`kill -9 ${pid}`);
    await site.until('its end', () => site.waiters().length === 0);

    site.manifest('killed', { when: amongFirst(2, 'killed') });
    const lines = said((await site.apply('killed')).stdout);
    expect(lines).toEqual([expect.stringMatching(/^Will run /)]);
    expect(lines[0]).not.toContain('in a row');
    await site.settled('killed', 3);
  });

  it('when a manifest schedules a reboot in ten minutes: the rerun is held, until `shutdown -c`', async () => {
    site.manifest('reboots', { more: shutdownIn('reboots', 10) });
    expect(said((await site.apply('reboots')).stdout)).toEqual([expect.stringMatching(/^Will run /)]);
    const status = () => site.sh('/usr/local/sbin/again status');
    await site.until('again status to say why', async () =>
      /the reboot that is scheduled/.test(await status()),
    );
    await site.until('the journal to say so', async () =>
      /^waiting: Exec\['again'\]: for the reboot that is scheduled for \S+, or `shutdown -c`$/m.test(
        await site.sh('journalctl -t again -o cat'),
      ),
    );
    const held = () => site.waiters().length === 1 && site.runs('reboots').length === 1;
    await site.holds('the waiter waits', held, 3);
    await site.sh('shutdown -c');
    await site.settled('reboots', 2);
  });

  it('when a manifest schedules a reboot in five hours: that holds nothing', async () => {
    site.manifest('reboots-later', { more: shutdownIn('reboots-later', 300) });
    await site.apply('reboots-later');
    await site.settled('reboots-later', 2);
    await site.sh('shutdown -c');
  });

  it.each([false, true])(
    'when the machine reboots (plug pulled: %s): nothing runs by itself',
    async (pullPlug) => {
      const name = pullPlug ? 'pulled' : 'rebooted';
      site.manifest(`${name}-other`);
      // The chain's second link is pending when the machine goes down.
      site.manifest(name, {
        when: amongFirst(1, name),
        more: `common::again::delta { 'later': delta => 600 }
exec { 'second':
  command  => 'true',
  unless   => '${amongFirst(1, name)}',
  onlyif   => '${amongFirst(2, name)}',
  provider => 'shell',
  require  => Exec['probe'],
  notify   => Common::Again::Delta['later'],
}`,
      });
      await site.apply(name);
      await site.until('the second run', () => site.runs(name).length === 2);
      const waiter = await site.waiter();
      expect(waiter.argv).toEqual(expect.arrayContaining(['--name', 'later']));
      await site.until('the line of its Exec', async () =>
        said(await site.sh(`cat ${STATE}/logs/*`))
          .at(-1)
          ?.includes('(rerun 2 in a row)'),
      );

      await site.box.reboot({ pullPlug });
      expect(site.waiters()).toEqual([]);
      expect(await site.units()).toEqual([]);
      expect(site.runs(name)).toHaveLength(2);

      // A run of another command sweeps; nothing of what it finds counts.
      const lines = said((await site.apply(`${name}-other`)).stdout);
      expect(lines).toEqual([expect.stringMatching(/^Will run /)]);
      expect(lines[0]).not.toContain('in a row');
      // It is told once, as lost.
      const history = JSON.parse(await site.sh(`${STATE}/../again history --json`)) as {
        command: string;
        result: string;
      }[];
      expect(
        history.filter((past) => past.command.includes(`/${name}.pp`) && past.result.startsWith('not run')),
      ).toEqual([
        expect.objectContaining({
          names: ['later'],
          result: 'not run: lost: the machine was rebooted',
          pid: waiter.pid,
        }),
      ]);
      await site.settled(`${name}-other`, 2);
      expect(site.runs(name)).toHaveLength(2);

      site.manifest(name, { when: amongFirst(3, name) });
      const own = said((await site.apply(name)).stdout);
      expect(own).toEqual([expect.stringMatching(/^Will run /)]);
      expect(own[0]).not.toContain('in a row');
      await site.settled(name, 4);
    },
  );

  function shutdownIn(name: string, minutes: number): string {
    return `exec { 'reboot':
  command  => 'shutdown -r +${minutes}',
  onlyif   => '${amongFirst(1, name)}',
  provider => 'shell',
  require  => Exec['probe'],
}`;
  }

  async function smallDisk(): Promise<void> {
    await site.sh(`mount -t tmpfs -o mode=700,size=256k tmpfs ${STATE}`);
  }
});
