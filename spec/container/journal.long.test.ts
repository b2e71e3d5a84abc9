import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Past } from '../../src/cli/history.ts';
import { AGAIN, delta, openSite, type Site, STATE, said } from './site.ts';

const CAT = '/usr/bin/systemd-cat';

/** A site whose reruns write to the journal of a booted system. */
describe('with `logdest: journal`, the output of a rerun', () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite('common::again::logdest: journal\n');
    expect(JSON.parse(site.box.readFile(`${AGAIN}/again.json`))).toMatchObject({ logdest: 'journal' });
  });

  afterEach(async () => {
    await site.sh(`test -e ${CAT} || mv ${CAT}.away ${CAT}`);
    await site.clear();
  });

  afterAll(() => site?.box.powerOff());

  const again = (...words: string[]) => site.sh(`${AGAIN}/again ${words.join(' ')}`);
  const newest = async () => (JSON.parse(await again('history', '--json', '-n', '1')) as Past[])[0];

  it('is there under its identifier, and `again log` shows it', async () => {
    site.manifest('shown', delta('later', 600));
    const [line] = said((await site.apply('shown')).stdout);
    const { pid } = await site.waiter();
    const command = `journalctl -t puppet-again _PID=${pid}`;
    expect(line).toMatch(new RegExp(`waiter pid ${pid}, output to the journal \\(${command}\\)$`));
    expect(await again('status')).toContain(`log        ${command}\n`);
    await again('now', 'later');
    const [, rerun] = await site.settled('shown', 2);
    expect(rerun?.pid).toBe(pid);

    await site.sh('journalctl --sync');
    const output = await site.sh(`${command} -o cat`);
    expect(output).toMatch(/Compiled catalog for /);
    expect(output).toMatch(/Applied catalog in /);
    const past = await newest();
    expect(past).toMatchObject({ pid, result: 'changed', journal: command, duration: expect.any(Number) });
    const shown = await again('log');
    expect(shown).toMatch(/^again: \S+ runs puppet apply .*, output to the journal \(/);
    expect(shown.split('\n').slice(1).join('\n')).toBe(output);
    expect(await again('log', past?.id ?? '')).toBe(shown);
    // The file has how it was started, and nothing of Puppet's.
    expect((await site.sh(`cat ${STATE}/logs/${past?.id}.log`)).split('\n')).toHaveLength(2);
    expect(await site.sh('journalctl -t again -o cat')).toContain(`output to the journal (${command})`);
  });

  it('is there from a unit on a timer, too, and nothing of the way there is left', async () => {
    site.manifest('unit', {
      more: `exec { 'look': command => 'ls -l /proc/$PPID/fd > /root/fd', provider => 'shell', path => '/usr/bin:/bin', require => Exec['probe'] }`,
    });
    await site.timer('unit', []);
    const [, rerun] = await site.settled('unit', 2);
    expect(rerun?.cgroup).toMatch(/\/again-[\w-]+\.scope$/);
    await site.sh('journalctl --sync');
    expect(await site.sh(`journalctl -t puppet-again _PID=${rerun?.pid} -o cat`)).toMatch(
      /Applied catalog in /,
    );
    const descriptors = await site.sh('cat /root/fd');
    expect(descriptors).toMatch(/ 1 -> socket:/);
    expect(descriptors).toMatch(/ 2 -> socket:/);
    expect(descriptors).not.toMatch(new RegExp(STATE));
  });

  it('is followed until the rerun has ended', async () => {
    site.manifest('followed', {
      ...delta('later', 0),
      more: `${delta('later', 0).more}
exec { '/bin/sh -c "while test -e /root/wait; do sleep 0.1; done"': provider => 'posix', require => Exec['cause'] }`,
    });
    await site.apply('followed');
    await site.sh('touch /root/wait');
    await site.until('the rerun', () => site.runs('followed').length === 2);
    const following = again('log', '--follow');
    await site.holds('it goes on', () => site.box.exists('/root/wait'), 3);
    await site.sh('rm /root/wait');
    expect(await following).toMatch(/Compiled catalog for [\s\S]*Applied catalog in /);
    await site.settled('followed', 2);
  });

  it('goes to a file where there is no systemd-cat, and the line says so', async () => {
    await site.sh(`mv ${CAT} ${CAT}.away`);
    site.manifest('without');
    const [line] = said((await site.apply('without')).stdout);
    expect(line).toMatch(/output to \S+\/logs\/\S+\.log, since there is no journal here$/);
    await site.settled('without', 2);
    const past = await newest();
    expect(past).not.toHaveProperty('journal');
    expect(await site.sh(`cat ${past?.log}`)).toMatch(/Applied catalog in /);
  });

  it('goes to a file where it has gone since the notification, and the journal says so', {
    retry: 0,
  }, async () => {
    site.manifest('gone', delta('later', 8));
    const [line] = said((await site.apply('gone')).stdout);
    expect(line).toContain('output to the journal');
    await site.sh(`mv ${CAT} ${CAT}.away`);
    await site.settled('gone', 2);
    const past = await newest();
    expect(await again('log')).toMatch(/Applied catalog in /);
    expect(await site.sh('journalctl -t again -o cat')).toContain(
      `output to ${past?.log}, since the journal cannot be written`,
    );
  });

  it('tells why Puppet did not take the rerun', async () => {
    site.manifest('refused', delta('later', 8));
    await site.apply('refused', ['--trace']);
    // As after an upgrade that took an option away.
    const puppet = await site.sh('command -v puppet');
    await site.sh(
      `cp ${puppet.trim()} /root/puppet.whole; sed '1a ARGV << "--gone"' /root/puppet.whole > ${puppet.trim()}`,
    );
    try {
      await site.until('its end', async () => (await site.left()).length === 0);
    } finally {
      await site.sh(`cp /root/puppet.whole ${puppet.trim()}`);
    }
    await site.sh('journalctl --sync');
    await site.until('the reason', async () =>
      /^not run: refused by Puppet: /.test((await newest())?.result ?? ''),
    );
  });
});
