import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { thisMachine } from '../support/machine/local.ts';
import { notifyOnce, probe } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';
import { type AgentMachine, openAgentMachine } from './agent-machine.ts';
import { type Bolt, openBolt } from './bolt.ts';
import { held, hold, holdScript, people } from './people.ts';

const { session, place } = people();
const later = "Common::Again::Delta['later']";
const failure = (text: RegExp | string) => ({
  status: 'failure',
  value: { _error: { kind: 'common/again', msg: expect.stringMatching(text) } },
});

let bolt: Bolt;
beforeAll(async () => {
  bolt = await openBolt(thisMachine, `${session().root}/bolt`);
});

describe('the task, by Bolt on localhost', () => {
  test('status and cancel', async (context) => {
    const { world, apply } = await place(context);
    const name = `it's "a" \\ name`;
    const named = `Common::Again::Delta["it's \\"a\\" \\\\ name"]`;
    const deltas = `common::again::delta { ['later', "it's \\"a\\" \\\\ name"]: delta => 3600 }`;
    const run = await apply(notifyOnce(world, `[${later}, ${named}]`, deltas));
    expect(run.code, run.output).toBe(0);
    const folder = world.again;

    const status = await bolt.task(thisMachine, { folder });
    expect(status).toMatchObject({ status: 'success' });
    expect((status.value.pending as { name: string }[]).map((one) => one.name).sort()).toEqual([
      name,
      'later',
    ]);

    expect(await bolt.task(thisMachine, { action: 'cancel', name, folder })).toMatchObject({
      status: 'success',
      value: { _output: `Cancelled: ${name}`, pending: [{ name: 'later' }] },
    });
    expect(await bolt.task(thisMachine, { action: 'cancel', name, folder })).toMatchObject(
      failure(/^nothing is pending under the name .*: see `again status`$/),
    );
    expect(await bolt.task(thisMachine, { action: 'cancel', folder })).toMatchObject(
      failure('cancel needs either a name or all=true'),
    );
    expect(await bolt.task(thisMachine, { action: 'cancel', all: 'true', folder })).toMatchObject({
      status: 'success',
      value: { _output: 'Cancelled: later', pending: [] },
    });
    expect(await world.helpers()).toEqual([]);
    await world.settled(1);
  });

  test('status and cancel by tasks that can do nothing else', async (context) => {
    const { world, apply } = await place(context);
    const deltas = "common::again::delta { ['later', 'peers']: delta => 3600 }";
    const run = await apply(notifyOnce(world, `[${later}, Common::Again::Delta['peers']]`, deltas));
    expect(run.code, run.output).toBe(0);
    const folder = world.again;
    const task = (name: string, parameters: Record<string, string> = {}) =>
      bolt.task(thisMachine, { folder, ...parameters }, {}, `common::again_${name}`);

    expect(await task('status')).toMatchObject({
      status: 'success',
      value: { version: expect.stringMatching(/^\d+\.\d+\.\d+/), node: process.versions.node },
    });
    expect(await task('cancel', { name: 'peers' })).toMatchObject({
      status: 'success',
      value: { _output: 'Cancelled: peers', pending: [{ name: 'later' }] },
    });
    expect(await task('cancel')).toMatchObject(failure('cancel needs either a name or all=true'));

    // Bolt takes no other parameter; whatever else asks, the script looks at the task's name first.
    const asked = await world.node.exec({
      argv: [fileURLToPath(new URL('../../tasks/again.sh', import.meta.url))],
      env: { PT__task: 'common::again_status', PT_action: 'cancel', PT_all: 'true', PT_folder: folder },
    });
    expect(JSON.parse(asked.stdout).pending).toMatchObject([{ name: 'later' }]);

    expect(await task('cancel', { all: 'true' })).toMatchObject({ value: { pending: [] } });
    await world.settled(1);
  });

  test('hold, release and now: words of a shell stay data, and a waiter obeys', async (context) => {
    const { world, apply } = await place(context);
    const deltas = "common::again::delta { 'later': delta => 3600 }";
    const run = await apply(notifyOnce(world, later, deltas));
    expect(run.code, run.output).toBe(0);
    const folder = world.again;
    const task = (name: string, parameters: Record<string, string> = {}) =>
      bolt.task(thisMachine, { folder, ...parameters }, {}, `common::again_${name}`);

    const reason = 'kernel "update" $(id)';
    const held = await task('hold', { for: '1h30m', reason });
    expect(held).toMatchObject({
      status: 'success',
      value: { _output: expect.stringMatching(/^Held until .*kernel/), hold: { reason } },
    });
    const { since, until: end } = (held.value as { hold: { since: string; until: string } }).hold;
    expect(Date.parse(end) - Date.parse(since)).toBe(5_400_000);
    expect(await task('now', { name: 'later' })).toMatchObject({
      value: {
        _output: expect.stringMatching(/^Due now: later /),
        pending: [{ name: 'later', dueIn: 0, waitsFor: { kind: 'hold', reason } }],
      },
    });
    expect(await task('now', { name: 'nobody' })).toMatchObject(failure('nothing is pending under the name'));
    expect(await bolt.task(thisMachine, { folder })).toMatchObject({ value: { hold: { reason } } });

    const released = await task('release');
    expect(released.value._output).toMatch(/^Released: /);
    expect(released.value).not.toHaveProperty('hold');
    await world.settled(2);
    expect(await bolt.task(thisMachine, { folder })).toEqual({ status: 'success', value: { pending: [] } });
  });

  test('with --noop they say what they would do and do nothing, and no result has a command line', async (context) => {
    const { world, apply } = await place(context);
    const condition = `common::again::when { 'peers': succeeds => ['/bin/test', '-e', '${world.path('secret')}'] }`;
    const run = await apply(
      notifyOnce(
        world,
        `[${later}, Common::Again::When['peers']]`,
        `common::again::delta { 'later': delta => 3600 } ${condition}`,
      ),
    );
    expect(run.code, run.output).toBe(0);
    const folder = world.again;
    const would = async (name: string, parameters: Record<string, string> = {}) => {
      const found = await bolt.task(thisMachine, { folder, ...parameters }, {}, `common::${name}`, '--noop');
      expect(found).toMatchObject({ status: 'success' });
      return found.value;
    };
    const both = { pending: [{ name: 'later' }, { name: 'peers' }] };
    expect(await would('again', { action: 'cancel', all: 'true' })).toMatchObject({
      _output: expect.stringMatching(/^Would cancel: (later, peers|peers, later)$/),
      ...both,
    });
    expect(await would('again_now', { name: 'peers' })).toMatchObject({
      _output: 'Would be due now: peers',
    });
    expect(await would('again_hold', { for: '45m' })).toMatchObject({
      _output: 'Would keep every rerun from starting, for 45m',
    });
    expect(await would('again_release')).toMatchObject({ _output: 'Nothing is held.' });
    const { value } = await bolt.task(thisMachine, { folder }, {}, 'common::again_status');
    expect(value).not.toHaveProperty('hold');
    expect(value).toMatchObject({
      pending: [
        { name: 'later', waitsFor: { kind: 'timer' } },
        { name: 'peers', waitsFor: { kind: 'condition' }, condition: { what: 'its command succeeds' } },
      ],
    });
    expect(JSON.stringify(value)).not.toMatch(/site\.pp|secret|bin\/test/);
    // People on the host see all of it.
    const onHost = await world.node.exec({ argv: [`${folder}/again`, 'status'] });
    expect(onHost.stdout).toMatch(/site\.pp/);
    expect(onHost.stdout).toContain(`\`/bin/test -e ${world.path('secret')}\` succeeds`);

    expect(await bolt.task(thisMachine, { folder, action: 'cancel', all: 'true' })).toMatchObject({
      value: { pending: [] },
    });
    await world.settled(1);
  });

  test('what the plan is told of a rerun that was not run has no word of its command', async (context) => {
    const { world, apply } = await place(context);
    const run = await apply(notifyOnce(world, later, "common::again::delta { 'later': delta => 3 }"));
    expect(run.code, run.output).toBe(0);
    await world.node.files.remove(world.path('site.pp'));
    await world.settled(1);
    const folder = world.again;
    const onHost = await world.node.exec({ argv: [`${folder}/again`, 'history'] });
    expect(onHost.stdout).toContain(`not run: the manifest ${world.path('site.pp')} is gone`);

    const { status, value } = await bolt.task(thisMachine, { folder }, {}, 'common::again_progress');
    expect({ status, value }).toMatchObject({
      status: 'success',
      value: { pending: [], history: [{ result: 'not run', link: 1 }] },
    });
    expect(JSON.stringify(value)).not.toMatch(/site\.pp/);
  });

  test("a folder of another user's is refused, and nothing in it is run", async (context) => {
    const { world } = await place(context);
    const folder = world.path('his');
    const ran = world.path('ran');
    await world.node.files.makeFolder(folder);
    await world.node.files.write(`${folder}/again`, `#!/bin/sh\ntouch ${ran}\necho '[]'\n`, 0o755);
    expect(await bolt.task(thisMachine, { folder })).toMatchObject({ status: 'success' });
    expect(await world.node.files.exists(ran)).toBe(true);
    await world.node.files.remove(ran);

    const { code } = await world.run({ argv: ['chown', '-R', '65534', folder] });
    expect(code).toBe(0);
    for (const action of ['status', 'cancel', 'hold', 'release', 'due', 'run', 'now']) {
      expect(await bolt.task(thisMachine, { action, folder }), action).toMatchObject(
        failure(`^${folder}/again is not run as root: ${folder} can be changed by user 65534 \\(\\S+\\), `),
      );
    }
    expect(await world.node.files.exists(ran)).toBe(false);
  });

  test('Bolt knows its parameters, and refuses what is none of them', async () => {
    const modules = ['--modulepath', `${session().root}/bolt/modules`];
    const { stdout } = await bolt.command(thisMachine, ['task', 'show', 'common::again', ...modules]);
    expect(stdout).toMatch(/action +Enum\[status, cancel, hold, release, due, run, now\]/);
    // The task for the plan alone is not offered to people.
    const { stdout: tasks } = await bolt.command(thisMachine, ['task', 'show', ...modules]);
    expect(tasks).toContain('common::again_status');
    expect(tasks).not.toContain('common::again_progress');
    for (const [task, wrong, refusal] of [
      [
        'again',
        'action=explode',
        "parameter 'action' expects a match for Enum['cancel', 'due', 'hold', 'now', 'release', 'run', 'status']",
      ],
      ['again', 'for=soon', "parameter 'for' expects"],
      ['again_hold', 'for=2h;id', "parameter 'for' expects"],
      ['again_hold', 'reason=', "parameter 'reason' expects"],
      ['again_hold', `reason=${'x'.repeat(256)}`, "parameter 'reason' expects"],
      ['again_cancel', 'name=', "parameter 'name' expects"],
      ['again_cancel', `name=${'x'.repeat(256)}`, "parameter 'name' expects"],
      ['again_cancel', 'all=perhaps', "parameter 'all' expects"],
      ['again_now', 'name=', "parameter 'name' expects"],
      ['again_status', 'folder=relative/again', "parameter 'folder' expects"],
    ] as const) {
      const words = ['task', 'run', `common::${task}`, wrong, '--targets', 'localhost', ...modules];
      const { code, output } = await bolt.command(thisMachine, words);
      expect(code, wrong).not.toBe(0);
      expect(output).toContain(refusal);
    }
  });
});

describe('the action `run`, on a machine with an agent', () => {
  let machine: AgentMachine;
  const settings = '/var/lib/puppet/tmp/common/again/again.json';

  beforeAll(async () => {
    machine = await openAgentMachine(session(), 'again_now');
    const { world } = machine;
    await world.write('hold.sh', holdScript(world));
  });
  afterAll(() => machine?.close());

  test('starts the Puppet that ran last, and none beside another', async () => {
    const { node, world, compiles } = machine;
    const now = (env?: Record<string, string>) => bolt.task(node, { action: 'run' }, env);
    expect(await now(), 'Puppet was never here').toMatchObject(
      failure(/^there is no \/var\/lib\/puppet\/tmp/),
    );

    await compiles(`include common::again\n${probe(world)}\n${hold(world)}\n`);
    const first = await world.run({ argv: [world.puppet.command, 'agent', '--test'], env: { RUBYOPT: '' } });
    expect(first.code, first.output).toBe(2);
    expect(JSON.parse((await node.files.read(settings)).toString()).puppet).toEqual([
      expect.stringMatching(/^\/usr\/bin\/ruby/),
      '/usr/bin/puppet',
    ]);

    // Another `puppet` comes first in PATH: it is not asked.
    await world.write('bin/puppet', `#!/bin/sh\ntouch ${world.path('wrong')}\n`, 0o755);
    await world.write('hold', '');
    await node.files.remove(world.path('held'));
    const started = await now({ PATH: `${world.path('bin')}:/usr/sbin:/usr/bin:/sbin:/bin` });
    expect(started).toMatchObject({
      status: 'success',
      value: { pid: expect.any(Number), log: expect.any(String) },
    });
    const log = String(started.value.log);
    expect(log).toMatch(/^\/var\/lib\/puppet\/tmp\/common\/again\/state\/logs\/\S+\.log$/);
    expect((await node.files.stat(log)).mode & 0o777).toBe(0o600);
    await held(world);
    const [, run] = await world.runs();
    expect(run?.run.argv.slice(1)).toEqual([
      ...[
        '/usr/bin/puppet',
        'agent',
        '--onetime',
        '--no-daemonize',
        '--no-splay',
        '--verbose',
        '--color=false',
      ],
    ]);
    expect(run?.run.status.get('Umask')).toBe('0022');
    expect(run?.run.environ.toString('latin1')).not.toMatch(/PT_|BUNDLE|GEM_|RUBYOPT/);
    expect(await node.files.exists(world.path('wrong'))).toBe(false);

    const joined = await bolt.task(node, {}, {}, 'common::again_run');
    expect(joined, 'that run is still going').toEqual({
      status: 'success',
      value: { pid: started.value.pid, time: expect.any(Number), joined: true },
    });
    expect(Number(joined.value.time)).toBeGreaterThanOrEqual(Number(started.value.time));
    await node.files.remove(world.path('hold'));
    const text = async () => (await node.files.read(log)).toString();
    await until('the end of that run', async () => (await text()).includes('Applied catalog'), {
      seconds: 100,
      seen: text,
    });

    await until(
      'its lock to be gone',
      async () => !(await node.files.exists('/var/cache/puppet/state/agent_catalog_run.lock')),
    );
    const disabled = await world.run({ argv: [world.puppet.command, 'agent', '--disable', 'for a "test"'] });
    expect(disabled.code, disabled.output).toBe(0);
    expect(await now()).toMatchObject(failure(/^the agent is disabled: .*for a .*test/));
    await world.run({ argv: [world.puppet.command, 'agent', '--enable'] });

    // A file that another user could have written is not run.
    const evil = world.path('bin/puppet');
    await node.files.write(settings, `{\n  "puppet": ["/usr/bin/ruby", "${evil}"],\n}\n`);
    for (const change of [
      `chmod 0757 ${evil}`,
      `chown 1000 ${evil}`,
      `chmod 0755 ${evil}; chown 0 ${evil}; chmod 0777 ${world.path('bin')}`,
    ]) {
      await node.exec({ argv: ['sh', '-c', change] });
      expect(await now(), change).toMatchObject(
        failure(/\/bin\/puppet, of the last run, is not started: .* can be changed by/),
      );
    }
    await node.exec({ argv: ['chmod', '0666', settings] });
    expect(await now()).toMatchObject(failure(/again\.json can be changed by every user/));
    await node.files.write(settings, '{\n  "puppet": null,\n}\n', 0o644);
    expect(await now()).toMatchObject(failure(/doesn't say which Puppet the last run was/));
    expect(await node.files.exists(world.path('wrong'))).toBe(false);
    expect(await world.runs()).toHaveLength(2);
  });
});
