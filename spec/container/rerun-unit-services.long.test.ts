import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openSite, type Site, said } from './site.ts';

/** The real services of Debian's packages that start Puppet among other things: none of them is started again for a rerun. */
describe('with `rerun: unit`, a run that', () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite('common::again::rerun: unit\n', ['cloud-init', 'openssh-client', 'openssh-server']);
  });

  afterEach(() => site.clear());

  afterAll(() => site?.box.powerOff());

  /** Asserts that both runs were in the control group of a service, which has been started once, and what the notification said. */
  const expectCommand = async (name: string, unit: string, output: string, why: string) => {
    const runs = await site.settled(name, 2);
    for (const { cgroup } of runs) expect(cgroup).toBe(`/system.slice/${unit}`);
    expect(said(output), output).toEqual([expect.stringContaining(`, not by its unit, since ${why}`)]);
    expect(new Set(runs.map(({ invocation }) => invocation)).size).toBeLessThanOrEqual(1);
  };

  it('cron.service starts is repeated by its command', async () => {
    const manifest = site.manifest('cron');
    const once = `mkdir /run/cron && /usr/bin/puppet apply --color=false ${manifest} > /run/cron/out 2>&1`;
    await site.box.exec(['crontab', '-'], { input: `* * * * * ${once}\n` });
    await site.until('a run that cron starts', () => site.runs('cron').length > 0);
    await site.settled('cron', 2);
    await site.sh('crontab -r');
    const output = site.box.readFile('/run/cron/out');
    await expectCommand('cron', 'cron.service', output, 'cron.service may do more than this run');
  });

  it('comes by ssh, in the control group of ssh.service, is repeated by its command', async () => {
    // With PAM, it is in a session of logind's, which is no service.
    site.box.writeFile('/etc/ssh/sshd_config.d/again.conf', 'UsePAM no\nPermitRootLogin yes\n');
    await site.sh(
      'mkdir -p -m 0700 /root/.ssh && ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id && cp /root/.ssh/id.pub /root/.ssh/authorized_keys',
    );
    await site.sh('ssh-keygen -A && systemctl restart ssh.service');
    const manifest = site.manifest('ssh');
    const output = await site.sh(
      `ssh -i /root/.ssh/id -o StrictHostKeyChecking=no root@127.0.0.1 puppet apply --color=false ${manifest}`,
    );
    await expectCommand('ssh', 'ssh.service', output, 'ssh.service may do more than this run');
  });

  it('cloud-init starts in cloud-final.service is repeated by its command', async () => {
    const manifest = site.manifest('cloud');
    const seed = '/var/lib/cloud/seed/nocloud';
    site.box.writeFile(`${seed}/meta-data`, 'instance-id: again\n');
    const line = `puppet apply --color=false ${manifest} > /root/cloud.out 2>&1`;
    site.box.writeFile(`${seed}/user-data`, `#!/bin/sh\n${line}\n`);
    site.box.writeFile('/etc/cloud/cloud.cfg.d/99-again.cfg', 'datasource_list: [NoCloud]\n');
    await site.sh('cloud-init clean && cloud-init init --local && cloud-init init');
    await site.sh('systemctl restart --no-block cloud-final.service');
    await site.until('a run that cloud-init starts', () => site.runs('cloud').length > 0);
    await site.settled('cloud', 2);
    const output = site.box.readFile('/root/cloud.out');
    await expectCommand(
      'cloud',
      'cloud-final.service',
      output,
      'cloud-final.service has RemainAfterExit=yes',
    );
  });
});
