import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { amongFirst, openSite, type Site, said } from './site.ts';

/** Runs in the foreground where what a run leaves behind would be cleared, or would come too late. */
describe('again run', () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite();
  });

  afterEach(() => site.clear());

  afterAll(() => site?.box.powerOff());

  /** A manifest that asks for a rerun in its first two runs, and the line of shell that has it converge. */
  const converges = (name: string) => {
    const manifest = site.manifest(name, { when: amongFirst(2, name) });
    return `again run --timeout 250 -- puppet apply --color=false --detailed-exitcodes ${manifest}`;
  };

  /** Asserts that three runs have been in one control group, in the foreground, and that nothing is left. */
  const expectThreeRuns = async (name: string, cgroup: RegExp, output: string) => {
    const runs = site.runs(name);
    expect(runs, output).toHaveLength(3);
    for (const run of runs) expect(run.cgroup).toMatch(cgroup);
    expect(said(output)).toEqual([
      expect.stringMatching(/^Will run .* as soon as it has ended, in the foreground: again run, pid \d+$/),
      expect.stringMatching(
        /^Will run .* ended \(rerun 2 in a row\), in the foreground: again run, pid \d+$/,
      ),
    ]);
    await site.until('nothing to be left', async () => (await site.left()).length === 0);
  };

  it('in a script of cloud-init: its unit has not started before the manifest has converged', async () => {
    const script = `#!/bin/sh\n${converges('cloud')}\necho "the script ends with $?"\n`;
    site.box.writeFile('/var/lib/cloud/instance/scripts/part-001', script, 0o700);
    // As in cloud-final.service, which has cloud-init run these scripts by run-parts(8).
    const service = [
      ...['Type=oneshot', 'ExecStart=/usr/bin/run-parts --verbose /var/lib/cloud/instance/scripts'],
      ...[
        'RemainAfterExit=yes',
        'TimeoutSec=0',
        'KillMode=process',
        'TasksMax=infinity',
        'StandardOutput=journal+console',
      ],
    ];
    const unit = ['[Unit]', 'After=network.target', '', '[Service]', ...service, ''];
    site.box.writeFile('/etc/systemd/system/cloud-like.service', unit.join('\n'));
    await site.sh('systemctl daemon-reload && systemctl start cloud-like');
    const journal = await site.journal('cloud-like');
    await expectThreeRuns('cloud', /^\/system\.slice\/cloud-like\.service$/, journal);
    expect(journal).toContain('the script ends with 2'); // its probe is a change in each run
    expect(await site.sh('systemctl show --property=SubState --value cloud-like')).toBe('exited\n');
  });

  it('in a oneshot unit that clears what is left: all runs are in the unit, and its result is that of the last one', async () => {
    const command = `/bin/sh -c '${converges('oneshot')}'`;
    await site.timer('oneshot', ['SuccessExitStatus=2'], command);
    const ended = async () => /Deactivated successfully/.test(await site.journal('oneshot.service'));
    await site.until('the end of the unit', ended);
    const journal = await site.journal('oneshot.service');
    await expectThreeRuns('oneshot', /^\/system\.slice\/oneshot\.service$/, journal);
  });

  it('in a login session that is cleared at its end', async () => {
    site.box.writeFile(
      '/etc/systemd/logind.conf.d/kill.conf',
      '[Login]\nKillUserProcesses=yes\nKillExcludeUsers=\n',
    );
    await site.sh('systemctl restart systemd-logind');
    const { code, stdout, stderr } = await site.box.exec(['su', '-l', 'root', '-c', converges('session')], {
      check: false,
      timeoutMs: 280_000,
    });
    expect(code, stdout + stderr).toBe(2);
    await expectThreeRuns('session', /^\/user\.slice\/user-0\.slice\/session-c?\d+\.scope$/, stdout);
  });
});
