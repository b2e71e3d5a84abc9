import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boot, type Container } from '../support/container/container.ts';
import { leftovers, tracesOf } from '../support/container/leftovers.ts';
import { installModule } from '../support/container/modules.ts';
import { until } from '../support/wait.ts';

const SYSTEMS = [
  { system: 'host', puppet: /^\d+\./ },
  { system: 'bullseye', puppet: /^5\.5\./ },
  { system: 'trixie', puppet: /^8\./ },
] as const;

// The machine's own system by default; the others take minutes to make.
// AGAIN_SPEC_SYSTEMS=host,bullseye,trixie
const chosen = (process.env.AGAIN_SPEC_SYSTEMS ?? 'host').split(',');

describe.each(SYSTEMS.filter(({ system }) => chosen.includes(system)))(
  'a container of $system',
  ({ system, puppet }) => {
    let box: Container;

    beforeAll(async () => {
      box = await boot({ system });
    });

    afterAll(() => box?.powerOff());

    it('has the Puppet of its release', async () => {
      expect((await box.exec(['puppet', '--version'])).stdout).toMatch(puppet);
    });

    it('has pure cgroup v2, its own network and its own name', async () => {
      expect((await box.exec(['stat', '-fc', '%T', '/sys/fs/cgroup'])).stdout).toBe('cgroup2fs\n');
      expect((await box.exec(['ls', '/sys/class/net'])).stdout).toBe('lo\n');
      expect((await box.exec(['hostname', '-f'])).stdout).toBe('box.example.test\n');
    });

    it('runs commands as other users, in other folders, with other variables', async () => {
      const show = ['sh', '-c', 'id -un; pwd; echo "$HOME $COLOUR"'];
      const { stdout } = await box.exec(show, { user: 'nobody', cwd: '/var/tmp', env: { COLOUR: 'blue' } });
      expect(stdout).toBe('nobody\n/var/tmp\n/nonexistent blue\n');
    });

    it('passes on exit codes, input and output', async () => {
      const fail = ['sh', '-c', 'cat; echo no >&2; exit 3'];
      const finished = await box.exec(fail, { input: 'yes', check: false });
      expect(finished).toEqual({ code: 3, stdout: 'yes', stderr: 'no\n' });
      await expect(box.exec(fail)).rejects.toThrow(/ended with 3\n.*no/s);
      await expect(box.exec(['sleep', '60'], { timeoutMs: 300 })).rejects.toThrow('took longer');
    });

    it('follows absolute links within the container', () => {
      box.writeFile('/var/run/again-spec-link', 'inside');
      expect(box.readFile('/run/again-spec-link')).toBe('inside');
      expect(box.hostPath('/var/run/x')).toBe(`/proc/${box.init()}/root/run/x`);
    });

    it('runs Puppet in a oneshot unit that a timer starts', async () => {
      const run = '/usr/bin/env puppet apply -e "notice(1)"';
      box.writeFile('/etc/systemd/system/run.service', `[Service]\nType=oneshot\nExecStart=${run}\n`);
      box.writeFile('/etc/systemd/system/run.timer', '[Timer]\nOnActiveSec=1s\nAccuracySec=100ms\n');
      await box.exec(['systemctl', 'daemon-reload']);
      await box.exec(['systemctl', 'start', 'run.timer']);
      const log = async () => (await box.exec(['journalctl', '--unit=run.service', '--output=cat'])).stdout;
      await until('the end of the run', async () => /Applied catalog in/.test(await log()), { seconds: 60 });
      expect(await log()).toMatch(/Scope\(Class\[main\]\): 1/);
    });

    it('runs a module that is installed from a folder', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'again-spec-module-'));
      try {
        mkdirSync(join(folder, 'manifests'));
        writeFileSync(join(folder, 'manifests/init.pp'), 'class common { notice("from the module") }');
        installModule(box, folder);
        expect((await box.exec(['puppet', 'apply', '-e', 'include common'])).stdout).toContain(
          'from the module',
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it('has cron, which starts what a crontab says', async () => {
      await box.exec(['crontab', '-'], { input: '* * * * * echo $PPID > /var/tmp/cron\n' });
      await until('what cron starts', () => box.exists('/var/tmp/cron'), { seconds: 70 });
      await box.exec(['crontab', '-r']);
    });

    it('has login sessions, which logind clears', async () => {
      box.writeFile(
        '/etc/systemd/logind.conf.d/kill.conf',
        '[Login]\nKillUserProcesses=yes\nKillExcludeUsers=\n',
      );
      await box.exec(['systemctl', 'restart', 'systemd-logind']);
      await box.exec(['useradd', '--create-home', 'someone']);
      await box.exec([
        'su',
        '-l',
        'someone',
        '-c',
        'cat /proc/self/cgroup > cgroup; setsid sleep 1000 & echo $! > pid',
      ]);
      expect(box.readFile('/home/someone/cgroup')).toMatch(
        /^0::\/user\.slice\/user-\d+\.slice\/session-c?\d+\.scope$/m,
      );
      const pid = box.readFile('/home/someone/pid').trim();
      await until('its end', () => !box.exists(`/proc/${pid}`), { seconds: 30 });
    });

    it('reboots, in order and by a pulled plug, and keeps its disk', async () => {
      for (const pullPlug of [false, true]) {
        const former = box.bootId();
        box.writeFile('/var/tmp/disk', former);
        box.writeFile('/run/memory', former);
        await box.reboot({ pullPlug });
        expect(box.bootId()).not.toBe(former);
        expect(box.readFile('/var/tmp/disk')).toBe(former);
        expect(box.exists('/run/memory')).toBe(false);
      }
    });

    it('leaves nothing behind when it is powered off', async () => {
      const traces = tracesOf(box);
      expect(await leftovers(traces)).not.toEqual([]);
      await box.powerOff();
      // On a busy machine, the last process takes a moment to end.
      await until('nothing to be left', async () => (await leftovers(traces)).length === 0, { seconds: 60 });
    });
  },
);

describe('a container whose test is killed', () => {
  it('leaves nothing behind', async () => {
    // In a process of its own, which says where its container is and waits to be killed.
    const support = join(import.meta.dirname, '../support/container');
    const script = `
      import { boot } from '${support}/container.ts';
      import { tracesOf } from '${support}/leftovers.ts';
      const traces = tracesOf(await boot({ system: 'host' }));
      console.log(JSON.stringify({ ...traces, namespaces: [...traces.namespaces] }));
      setInterval(() => {}, 1000);`;
    const test = spawn('node', ['--input-type=module-typescript', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said = await new Promise<string>((resolve, reject) => {
      test.stdout.setEncoding('utf8').once('data', resolve);
      test.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
    });
    const { namespaces, ...others } = JSON.parse(said);
    const traces = { ...others, namespaces: new Set<string>(namespaces) };
    expect(await leftovers(traces)).not.toEqual([]);
    test.kill('SIGKILL');
    await until('nothing to be left', async () => (await leftovers(traces)).length === 0, { seconds: 60 });
  });
});
