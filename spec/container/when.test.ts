import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Past } from '../../src/cli/history.ts';
import { AGAIN, type Cause, openSite, type Site, said } from './site.ts';

/** Conditions of a whole system. */
describe('a run is repeated as soon as', () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite();
  });

  afterEach(() => site.clear());

  afterAll(() => site?.box.powerOff());

  /** A condition that is looked at once a minute, unless something tells of it before. */
  const when = (words: string): Cause => ({
    target: "Common::Again::When['ready']",
    more: `common::again::when { 'ready': ${words} }`,
  });
  const path = (name: string) => `/etc/again-spec/${name}.pp`;
  const looked = (times: number) =>
    site.until(`${times} looks`, async () => {
      const [pending] = JSON.parse(await site.sh(`${AGAIN}/again status --json`));
      return pending?.condition?.looks >= times;
    });

  it('a device is there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'again-loop-'));
    const image = join(folder, 'image');
    writeFileSync(image, '');
    truncateSync(image, 1024 * 1024);
    const device = '/dev/again-brick';
    site.manifest('device', when(`exists => '${device}', interval => 60`));
    const { stdout } = await site.apply('device');
    expect(said(stdout)).toEqual([expect.stringContaining(`${device} exists, at the latest after 1800 s`)]);
    await site.waiter();
    await looked(1);
    const seen = async () =>
      /^ready: ready: \/dev\/again-brick exists$/m.test(await site.sh('journalctl -t again -o cat'));
    // A device of this machine's, under a name in the container's /dev, as udev would make it.
    const loop = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
    try {
      const number = /\d+$/.exec(loop)?.[0] ?? '';
      execFileSync('mknod', [site.box.hostPath(device), 'b', '7', number]);
      // Long before the next look.
      await site.until('the waiter to see it', seen, 40);
      await site.settled('device', 2);
    } finally {
      execFileSync('losetup', ['--detach', loop]);
      rmSync(folder, { recursive: true });
    }
    const [newest] = JSON.parse(await site.sh(`${AGAIN}/again history --json -n 1`)) as Past[];
    expect(newest).toMatchObject({ names: ['ready'], result: 'changed' });
  });

  it('a socket unit listens', async () => {
    site.box.writeFile(
      '/etc/systemd/system/late.socket',
      '[Socket]\nListenStream=127.0.0.1:7777\nAccept=yes\n',
    );
    site.box.writeFile(
      '/etc/systemd/system/late@.service',
      '[Service]\nExecStart=/bin/true\nStandardInput=socket\n',
    );
    site.manifest('socket', when(`connects => 'localhost:7777', interval => 1`));
    await site.apply('socket');
    await looked(2);
    expect(site.runs('socket')).toHaveLength(1);
    await site.sh('systemctl daemon-reload && systemctl start late.socket');
    await site.settled('socket', 2);
    await site.sh('systemctl stop late.socket');
  });

  it('a slow service is active, in a unit on a timer, too', async () => {
    site.box.writeFile(
      '/etc/systemd/system/slow.service',
      `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'while test -e /root/gate; do sleep 0.1; done'
`,
    );
    const { target = '', more = '' } = when(
      `succeeds => '/bin/systemctl is-active --quiet slow.service', interval => 1`,
    );
    site.manifest('slow', {
      target,
      more: `${more}
exec { '/bin/systemctl start --no-block slow.service': before => Exec['probe'] }`,
    });
    await site.sh('touch /root/gate && systemctl daemon-reload');
    await site.timer('slow-run', [], `/usr/bin/puppet apply --color=false ${path('slow')}`);
    await site.waiter();
    await looked(3);
    expect(site.runs('slow')).toHaveLength(1);
    await site.sh('rm /root/gate');
    const [, rerun] = await site.settled('slow', 2);
    expect(rerun?.cgroup).toMatch(/\/again-[\w-]+\.scope$/);
    await site.sh('systemctl stop slow.service');
  });
});
