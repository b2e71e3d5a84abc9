import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { until } from '../support/wait.ts';
import { people } from './people.ts';

const { place } = people();
const example = new URL('../../examples/state_machine.pp', import.meta.url);

test('the finite state machine of examples/ is where it wants to be after four runs, and then quiet', async (context) => {
  const here = await place(context);
  const { world } = here;
  const facts = world.path('facts.d');
  const argv = world.apply(
    ...['--pluginfactdest', facts, await world.write('state_machine.pp', await readFile(example))],
  );
  const env = { FACTER_again_example_folder: world.dir, FACTER_puppet_vardirtmp: world.path('base') };
  const first = await world.run({ argv, env });
  expect(first.code, first.output).toBe(0);

  await until('the last state', async () => (await world.clock()).ends.length >= 4, {
    seconds: 300,
    seen: () => first.output,
  });
  await world.settled(0);
  const { starts, ends } = await world.clock();
  expect(starts).toHaveLength(4);
  expect(ends).toHaveLength(4);
  // After the second run, the peers had their time.
  expect((starts[2]?.at ?? 0) - (ends[1]?.at ?? 0)).toBeGreaterThanOrEqual(5);

  const names = await world.node.files.list(`${world.state}/logs`);
  const logs = await Promise.all(names.map((name) => world.node.files.read(`${world.state}/logs/${name}`)));
  const stories = [first.output, ...logs.map(String)];
  expect(stories.map((story) => /state '.*/.exec(story)?.[0])).toEqual([
    "state 'absent', reruns that led here: 0",
    "state 'installed', reruns that led here: 1",
    "state 'announced', reruns that led here: 2",
    "state 'joined', reruns that led here: 3",
  ]);
  // Facter can't read everything on some machines, and says so.
  for (const story of stories) expect(story).not.toMatch(/Warning|Error(?!: Facter: Permission denied)/);
  expect((await world.node.files.read(`${facts}/cluster_member.yaml`)).toString()).toBe(
    'cluster_member: joined\n',
  );

  // Quiet for good: another run changes nothing and leaves nothing behind.
  const after = await world.run({ argv, env });
  expect(after.output).toContain("state 'joined', reruns that led here: 0");
  expect(after.output).not.toContain('/Stage[main]/');
  await world.settled(0);
});
