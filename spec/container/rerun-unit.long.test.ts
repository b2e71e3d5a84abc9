import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Past } from '../../src/cli/history.ts';
import { AGAIN, amongFirst, delta, gate, gated, openSite, type Site, said } from './site.ts';

const HIERA = 'common::again::rerun: unit\n';

/** A site that has its services themselves started again. */
describe('with `rerun: unit`, a run', { retry: 0 }, () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite(HIERA);
    expect(JSON.parse(site.box.readFile(`${AGAIN}/again.json`))).toMatchObject({ rerun: 'unit' });
  });

  afterEach(() => site.clear());

  afterAll(() => site?.box.powerOff());

  const history = async () =>
    JSON.parse(await site.sh(`${AGAIN}/again history --json -n 3`)) as readonly Past[];
  const path = (name: string) => `/etc/again-spec/${name}.pp`;
  const apply = (name: string) => `/usr/bin/puppet apply --color=false ${path(name)}`;

  it('of a oneshot service on a timer is a start of that service, with its limits, its hooks and its log', async () => {
    site.manifest('whole', { when: amongFirst(2, 'whole') });
    await site.timer('whole', [
      'CPUQuota=150%',
      'StandardOutput=append:/root/whole.log',
      'ExecStartPre=/bin/sh -c "echo before >> /root/hooks"',
      'ExecStartPost=/bin/sh -c "echo after >> /root/hooks"',
    ]);
    const runs = await site.settled('whole', 3);
    expect(runs.map(({ cgroup }) => cgroup)).toEqual(Array(3).fill('/system.slice/whole.service'));
    expect(new Set(runs.map(({ invocation }) => invocation)).size).toBe(3);
    await site.until('the last hook', () => hooks().length === 6);
    expect(hooks()).toEqual(['before', 'after', 'before', 'after', 'before', 'after']);
    const log = site.box.readFile('/root/whole.log');
    expect(log.match(/Applied catalog/g)).toHaveLength(3);
    const lines = said(log);
    expect(lines).toEqual([
      expect.stringMatching(
        /^Will start whole\.service again as soon as this run \(pid \d+\) has ended; waiter pid \d+, output as that unit has it$/,
      ),
      expect.stringMatching(/^Will start whole\.service again .*rerun 2 in a row/),
    ]);
    const [before, newest] = (await history()).slice(-2);
    expect(newest).toMatchObject({
      link: 2,
      unit: 'whole.service',
      result: 'changed',
      unitResult: 'success',
      exitCode: 0,
    });
    expect(before).toMatchObject({ link: 1, unit: 'whole.service', chain: newest?.chain });
  });

  const hooks = () => site.box.readFile('/root/hooks').trim().split('\n');

  it('that fails calls OnFailure=, the history has its exit code, and `again wait` tells', async () => {
    site.manifest('fails', {
      more: `exec { 'fail': command => 'false', provider => 'shell', unless => '${amongFirst(1, 'fails')}', require => Exec['probe'] }`,
    });
    site.box.writeFile(
      '/etc/systemd/system/mail.service',
      '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo failed >> /root/mail"\n',
    );
    await site.timer(
      'fails',
      ['SuccessExitStatus=2', '[Unit]', 'OnFailure=mail.service'],
      `/usr/bin/puppet apply --color=false --detailed-exitcodes ${path('fails')}`,
    );
    await site.waiter();
    const waited = site.sh(`${AGAIN}/again wait --timeout 100; echo $?`);
    await site.settled('fails', 2);
    expect(await waited).toMatch(
      /has started \(.*\), pid \d+, output as fails\.service has it\n[\s\S]*has ended: failed\n[\s\S]*\n4\n$/,
    );
    await site.until('the mail', async () => (await site.sh('cat /root/mail 2>&1 || :')) === 'failed\n');
    const newest = (await history()).at(-1);
    expect(newest).toMatchObject({
      unit: 'fails.service',
      result: 'failed',
      unitResult: 'exit-code',
      exitCode: 6,
    });
    expect(await site.sh('journalctl -t again -p err -o cat')).toMatch(
      /^rerun failed: Exec\['again'\]: .*: see `journalctl -u fails\.service`; output as fails\.service has it$/m,
    );
    await site.sh('systemctl reset-failed');
  });

  it('has its place in the chain also where it does not get the name of its start, as below sudo', async () => {
    site.manifest('nameless', { when: amongFirst(2, 'nameless') });
    await site.timer('nameless', [], `/usr/bin/env -u INVOCATION_ID ${apply('nameless')}`);
    const runs = await site.settled('nameless', 3);
    expect(runs.map(({ invocation }) => invocation)).toEqual(['', '', '']);
    const links = (await history()).slice(-2).map(({ link, unit }) => [link, unit]);
    expect(links).toEqual([
      [1, 'nameless.service'],
      [2, 'nameless.service'],
    ]);
  });

  it('of an instance of a template is a start of that instance', async () => {
    site.manifest('instance');
    site.box.writeFile(
      '/etc/systemd/system/run@.service',
      `[Service]\nType=oneshot\nExecStart=/usr/bin/puppet apply --color=false /etc/again-spec/%i.pp\n`,
    );
    await site.sh('systemctl daemon-reload && systemctl start --no-block run@instance.service');
    const runs = await site.settled('instance', 2);
    for (const { cgroup } of runs) expect(cgroup).toMatch(/\/run@instance\.service$/);
    expect(new Set(runs.map(({ invocation }) => invocation)).size).toBe(2);
  });

  it('below flock and timeout is a start of the service', async () => {
    site.manifest('wrapped');
    await site.timer(
      'wrapped',
      [],
      `/usr/bin/flock /run/wrapped.lock /usr/bin/timeout 600 ${apply('wrapped')}`,
    );
    const runs = await site.settled('wrapped', 2);
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/wrapped.service');
  });

  it('that timeout(1) has ended in its middle is started again by itself, and is `running` then', async () => {
    site.manifest('over', { more: gate("require => Exec['again']") });
    await site.sh('touch /run/gate');
    await site.timer('over', [], `/usr/bin/timeout 40 ${apply('over')}`);
    await site.until('the rerun', () => site.runs('over').length === 2, 200);
    expect((await history()).at(-1)).toMatchObject({ unit: 'over.service', result: 'running' });
    await site.sh('rm /run/gate');
    const runs = await site.settled('over', 2);
    expect(runs[1]?.cgroup).toBe('/system.slice/over.service');
    expect((await history()).at(-1)).toMatchObject({ unit: 'over.service', unitResult: 'success' });
    expect(await site.journal('over.service')).toMatch(/status=124/);
  });

  it.each<[string, string, readonly string[], (name: string) => string, string]>([
    [
      'that does more',
      'more',
      [],
      (name) => `/bin/sh -c "${apply(name)}; true"`,
      'more.service may do more than this run',
    ],
    ['that stays active', 'stays', ['RemainAfterExit=yes'], apply, 'stays.service has RemainAfterExit=yes'],
    [
      'that nobody may start by hand',
      'manual',
      ['[Unit]', 'RefuseManualStart=yes'],
      apply,
      'manual.service has RefuseManualStart=yes',
    ],
    [
      'whose start limit reboots',
      'reboots',
      ['[Unit]', 'StartLimitAction=reboot', 'StartLimitBurst=100'],
      apply,
      'reboots.service has StartLimitAction=reboot',
    ],
    [
      'in ExecStartPre=',
      'pre',
      [],
      () => `/bin/true\nExecStartPre=${apply('pre')}`,
      'this run is not the main process of pre.service',
    ],
  ])(
    'of a service %s is repeated by its command, and the line says why',
    async (_, name, service, command, why) => {
      site.manifest(name);
      await site.timer(name, service, command(name));
      const [, rerun] = await site.settled(name, 2);
      expect(rerun?.cgroup).toMatch(/\/again-[\w-]+\.scope$/);
      expect(said(await site.journal(`${name}.service`))).toEqual([
        expect.stringContaining(`, not by its unit, since ${why}`),
      ]);
      await site.sh(`systemctl stop ${name}.timer ${name}.service`);
    },
  );

  it('of a service that systemd starts again by itself after its end is repeated by its command', async () => {
    site.manifest('restarts');
    await site.timer('restarts', ['Type=simple', 'Restart=always', 'RestartSec=1h']);
    await site.until('the rerun', () => site.runs('restarts').length === 2);
    await site.sh('systemctl stop restarts.timer restarts.service');
    const [, rerun] = await site.settled('restarts', 2);
    expect(rerun?.cgroup).toMatch(/\/again-[\w-]+\.scope$/);
    expect(said(await site.journal('restarts.service'))).toEqual([
      expect.stringContaining(', not by its unit, since restarts.service has Restart=always'),
    ]);
  });

  it('of a transient service, and one at a shell, are repeated by their commands', async () => {
    site.manifest('gone');
    const { stdout } = await site.box.exec([
      ...['systemd-run', '--wait', '--pipe', '--unit=gone'],
      ...apply('gone').split(' '),
    ]);
    expect(said(stdout)).toEqual([
      expect.stringContaining(', not by its unit, since gone.service is transient'),
    ]);
    await site.settled('gone', 2);
    site.manifest('shell');
    expect(said((await site.apply('shell')).stdout)).toEqual([
      expect.stringMatching(/, not by its unit, since this run is in no service of systemd|may do more/),
    ]);
    await site.settled('shell', 2);
  });

  it('of a service that is stopped waits until somebody starts that', async () => {
    site.manifest('stopped', { more: gate("require => Exec['again']") });
    await site.sh('touch /run/gate');
    await site.timer('stopped', []);
    await site.waiter();
    await site.sh('systemctl stop stopped.service');
    await says('stopped.service was stopped: the rerun waits until it is started');
    await site.holds('nothing starts', () => site.runs('stopped').length === 1, 5);
    await site.sh(
      'rm /run/gate; systemctl reset-failed stopped.service 2>&1; systemctl start stopped.service',
    );
    const runs = await site.settled('stopped', 2);
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/stopped.service');
  });

  it('is held while the service is disabled, and while it is masked', async () => {
    site.manifest('away', delta('later', 20));
    const unit = '/etc/systemd/system/away.service';
    // As `systemctl enable` does it, which needs the unit to be there.
    const wants = '/etc/systemd/system/multi-user.target.wants';
    await site.sh(`mkdir -p ${wants} && ln -s ${unit} ${wants}/away.service`);
    await site.timer('away', ['[Install]', 'WantedBy=multi-user.target'], apply('away'));
    await site.waiter();
    expect(await site.sh('systemctl is-enabled away.service')).toBe('enabled\n');
    await site.sh('systemctl disable away.service');
    await says('away.service has been disabled');
    await site.sh(`mv ${unit} /root/ && systemctl mask away.service`);
    await says('away.service is masked');
    expect(site.runs('away')).toHaveLength(1);
    await site.sh(
      `systemctl unmask away.service && mv /root/away.service ${unit} && systemctl enable away.service`,
    );
    const [, rerun] = await site.settled('away', 2);
    expect(rerun?.cgroup).toBe('/system.slice/away.service');
  });

  it('is so long after the start before that the service never reaches its start limit', async () => {
    site.manifest('limited');
    await site.timer('limited', ['[Unit]', 'StartLimitIntervalSec=90', 'StartLimitBurst=2']);
    await says('one more start of limited.service could reach its start limit (StartLimitBurst=2)');
    const runs = await site.settled('limited', 2);
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/limited.service');
    expect(await site.journal('limited.service')).not.toMatch(/start-limit-hit|repeated too quickly/);
  });

  it('counts the starts of others, too, so that the service never reaches its start limit', async () => {
    site.manifest('often', { when: amongFirst(3, 'often') });
    await site.timer('often', ['[Unit]', 'StartLimitIntervalSec=60', 'StartLimitBurst=3']);
    await site.until('its end', async () => /Deactivated/.test(await site.journal('often.service')));
    await site.sh('systemctl start often.service');
    const runs = await site.settled('often', 4, 240);
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/often.service');
    expect(await site.journal('often.service')).not.toMatch(/start-limit-hit|repeated too quickly/);
  });

  it('never ends a run of the service that its timer has started meanwhile', async () => {
    site.manifest('meanwhile', gated(delta('later', 20), 'meanwhile'));
    await site.sh('touch /run/gate');
    await site.timer('meanwhile', []);
    await site.until('its end', async () => /Deactivated/.test(await site.journal('meanwhile.service')));
    await site.sh('systemctl restart meanwhile.timer');
    await site.until('the run of the timer', () => site.runs('meanwhile').length === 2);
    await says(/due +now\n +waits for +(another run, pid|.*which was started meanwhile)/);
    expect(site.runs('meanwhile')).toHaveLength(2);
    await site.sh('rm /run/gate');
    const runs = await site.settled('meanwhile', 3);
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/meanwhile.service');
    expect(new Set(runs.map(({ invocation }) => invocation)).size).toBe(3);
    const journal = await site.journal('meanwhile.service');
    expect(journal.match(/Applied catalog/g)).toHaveLength(3);
    expect(journal).not.toMatch(/Stopping|Failed with result/);
  });

  it('has one start for all that is due together, and none for what is cancelled', async () => {
    site.manifest('together', {
      target: "Common::Again::Delta['one', 'two', 'third']",
      more: `common::again::delta { ['one', 'two']: delta => 8 }
common::again::delta { 'third': delta => 600 }`,
    });
    await site.timer('together', []);
    await site.until('the start', () => site.runs('together').length === 2);
    await site.waiter(); // for the third one
    expect(await site.sh(`${AGAIN}/again cancel third`)).toBe('Cancelled: third\n');
    const runs = await site.settled('together', 2);
    for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/together.service');
    expect(new Set(runs.map(({ invocation }) => invocation)).size).toBe(2);

    const journal = await site.journal('together.service');
    expect(journal.match(/Applied catalog/g)).toHaveLength(2);
    expect(journal).not.toMatch(/Stopping|Failed with result/);
    const lines = said(journal).map((line) =>
      /^Will start together\.service .*; waiter pid (\d+),/.exec(line),
    );
    expect(lines).toHaveLength(3);
    expect(new Set(lines.map((line) => line?.[1])).size, journal).toBe(1);
    const newest = (await history()).at(-1);
    expect(newest).toMatchObject({ link: 1, unit: 'together.service', unitResult: 'success', exitCode: 0 });
    expect([...(newest?.names ?? [])].sort()).toEqual(['one', 'two']);
  });

  it('backs off, and waits for a run of another manifest that is going when it is due', async () => {
    const hiera = '/etc/again-spec/site.yaml';
    site.box.writeFile(hiera, `${HIERA}common::again::burst: 0\n`);
    try {
      site.manifest('slow');
      site.manifest('other', { when: 'false', more: gate() });
      await site.sh('touch /run/gate');
      await site.timer('slow', []);
      await site.until('its end', async () => /Deactivated/.test(await site.journal('slow.service')));
      expect(said(await site.journal('slow.service'))).toEqual([
        expect.stringMatching(
          /^Will start slow\.service again 30 s after this run \(pid \d+\) has ended \(backing off: burst is 0\); /,
        ),
      ]);
      const other = site.sh(`${apply('other')} > /root/other.log && date +%s.%N`);
      await site.until('the other run at the gate', () => site.runs('other').length === 1);
      await says(/due +now\n +waits for +another run, pid \d+/);
      await site.holds('nothing starts', () => site.runs('slow').length === 1);
      await site.sh('rm /run/gate');
      const otherEnded = Number(await other);

      const runs = await site.settled('slow', 2);
      for (const { cgroup } of runs) expect(cgroup).toBe('/system.slice/slow.service');
      const [ended = Number.NaN] = await times('slow.service: Deactivated');
      const [, started = Number.NaN] = await times('Starting slow.service');
      expect(started - ended).toBeGreaterThanOrEqual(30);
      expect(started).toBeGreaterThan(otherEnded);
    } finally {
      site.box.writeFile(hiera, HIERA);
    }
  });

  /** When systemd has said something of slow.service, in seconds since 1970. */
  async function times(words: string): Promise<number[]> {
    const lines = (await site.sh('journalctl --unit=slow.service --output=short-unix')).split('\n');
    return lines.filter((line) => line.includes(`: ${words}`)).map(Number.parseFloat);
  }

  /** Waits until `again status` has these words. */
  async function says(words: string | RegExp): Promise<void> {
    await site.until(`the status to say: ${words}`, async () => {
      const status = await site.sh(`${AGAIN}/again status`);
      return typeof words === 'string' ? status.includes(words) : words.test(status);
    });
  }
});
