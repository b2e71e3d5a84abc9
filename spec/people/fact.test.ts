import { describe, expect, test } from 'vitest';
import type { Pending } from '../../src/cli/pending.ts';
import { notifyOnce } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';
import { type Place, people } from './people.ts';

const { place } = people();
const later = "Common::Again::Delta['later']";

/** A time in UTC, to the second. */
const SECOND = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

interface Again {
  readonly pending: readonly { readonly name: string; readonly due?: string }[];
  readonly chain: number;
  readonly last_rerun?: { readonly link: number; readonly result: string; readonly names: readonly string[] };
  readonly internal: { readonly puppet: readonly string[]; readonly executable?: { readonly path: string } };
}

/** `puppet facts show again`, which is what `facter -p again` was. */
async function shownFact({ world }: Place, env: Readonly<Record<string, string>> = {}): Promise<Again> {
  const { code, stdout, output } = await world.run({
    argv: [
      ...[world.puppet.command, 'facts', 'show', 'again', '--render-as', 'json'],
      ...['--confdir', world.path('conf')],
    ],
    env: { FACTER_puppet_vardirtmp: world.path('base'), ...env },
  });
  expect(code, output).toBe(0);
  return JSON.parse(stdout).again;
}

/** The value of the fact when a run began, from its output. */
function noticed(output: string): string {
  return /Scope\(Class\[main\]\): (.*)/.exec(output)?.[1] ?? output;
}

const notice = `$fact = $facts['again']
notice("chain \${fact['chain']}, last \${fact.dig('last_rerun', 'result')}, pending \${fact['pending'].map |$one| { "\${one['name']} \${one['due']}" }}")
`;

describe('the fact `again`', () => {
  test('in a run, in its rerun, while a delta waits, and in `puppet facts show`', async (context) => {
    const here = await place(context);
    const { world } = here;
    const immediately = `${notice}common::again::delta { 'later': }\n`;
    const first = await here.apply(notifyOnce(world, later, immediately));
    expect(first.code, first.output).toBe(0);
    expect(noticed(first.output)).toBe('chain 0, last , pending []');
    await world.settled(2);
    const [log = ''] = await world.node.files.list(`${world.state}/logs`);
    const rerun = (await world.node.files.read(`${world.state}/logs/${log}`)).toString();
    expect(noticed(rerun)).toBe('chain 1, last running, pending []');

    // Its result is known once a process has looked while Puppet's report was still its own.
    expect(await here.json('history')).toMatchObject([{ result: 'changed' }]);

    // The next run is an ordinary one.
    await world.node.files.remove(world.trigger);
    const waits = `${notice}common::again::delta { 'later': delta => 3600 }\n`;
    const ordinary = await here.apply(notifyOnce(world, later, waits));
    expect(noticed(ordinary.output)).toMatch(/^chain 0, last changed, pending \[\]$/);

    const shown = await shownFact(here);
    expect(shown).toMatchObject({
      chain: 0,
      pending: [{ name: 'later', due: expect.stringMatching(SECOND) }],
      last_rerun: { link: 1, names: ['later'], result: 'changed' },
      internal: {
        puppet: [expect.stringMatching(/^\/usr\/bin\/ruby/), '/usr/bin/puppet'],
        executable: { path: `${world.again}/again` },
      },
    });
    const left = Date.parse(shown.pending[0]?.due ?? '') - Date.now();
    expect(left).toBeGreaterThan(3400e3);
    expect(left).toBeLessThan(3600e3);

    // Root's own files say nothing to another user, and that is no error.
    const other = await world.run({
      argv: [
        ...[
          'setpriv',
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          world.puppet.command,
          'facts',
          'show',
          'again',
        ],
        ...['--render-as', 'json', '--confdir', '/tmp/nowhere', '--modulepath', world.path('code/modules')],
      ],
      env: { FACTER_puppet_vardirtmp: world.path('base'), HOME: world.path('nobody'), RUBYOPT: '' },
      wrap: ['sh', '-c', 'mkdir -m 0777 -p "$HOME" && exec "$@"', 'sh'],
    });
    expect(other.code, other.output).toBe(0);
    expect(JSON.parse(other.stdout).again).toMatchObject({ pending: [], chain: 0 });

    // The class wrote these down for the task, and for people.
    const settings = JSON.parse((await world.node.files.read(`${world.again}/again.json`)).toString());
    expect(settings.puppet).toEqual(shown.internal.puppet);
    expect((await here.again(['status'])).stdout).toContain('later\n');
    await here.again(['cancel', '--all']);
    await world.settled(3);
    expect((await shownFact(here)).pending).toEqual([]);
  });

  test('has a when that waits without a time, and with one while its splay passes', async (context) => {
    const here = await place(context);
    const { world } = here;
    const data = await world.node.files.read(world.path('conf/data/world.yaml'));
    await world.write('conf/data/world.yaml', `${data}common::again::splay: 86400\n`);
    const goal = world.path('goal');
    const when = `common::again::when { 'ready': exists => '${goal}' }\n`;
    const run = await here.apply(notifyOnce(world, "Common::Again::When['ready']", when));
    expect(run.code, run.output).toBe(0);
    expect((await shownFact(here)).pending).toEqual([{ name: 'ready', kind: 'condition' }]);

    await world.write('goal', '');
    const shown = await until(
      'the condition to be met',
      async () => {
        const [one] = await here.json<Pending[]>('status');
        return one?.condition?.met && one;
      },
      { seen: () => here.json('status') },
    );
    const due = Date.now() + (shown.dueIn ?? 0) * 1000;
    const [pending, ...others] = (await shownFact(here)).pending;
    expect(others).toEqual([]);
    expect(pending).toEqual({ name: 'ready', kind: 'condition', due: expect.stringMatching(SECOND) });
    expect(Math.abs(Date.parse(pending?.due ?? '') - due)).toBeLessThan(3000);
    await here.again(['cancel', '--all']);
    await world.settled(1);
  });
});
