import { expect, test } from 'vitest';
import type { PastRerun } from '../../src/state/history.ts';
import type { World } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';
import { foreground } from './foreground.ts';

const { place } = foreground();

/**
 * Runs of some milliseconds, so that notifications meet every instant of an end; a real Puppet would miss them all. It is a Ruby script called `puppet`, which is what
 * the executable looks for, and it calls the real launcher.
 */
const quickPuppet = (world: World, body: string) => `#!/usr/bin/ruby
note = ->(what) { File.open('${world.path('events')}', 'a') { |file| file.syswrite("#{what}\\n") } }
notify = -> { IO.popen(['/bin/sh', '${world.again}/notify', '--name', ENV.fetch('RACE', 'race'), '--delta', '0'], err: %i[child out], &:read) }
${body}
`;

const events = async ({ node, path }: World): Promise<string[]> =>
  (await node.files.exists(path('events')))
    ? (await node.files.read(path('events'))).toString().split('\n').filter(Boolean)
    : [];

/** Reruns of a chain that follow each other as fast as they can: at each hand-over there is a moment in which nearly nothing is pending. */
const LINKS = 40;
const WAITERS = 8;

test('`again wait` never ends while a run that is over has asked for another one', {
  retry: 0,
}, async (context) => {
  const here = await place(context);
  const { world } = here;
  const prepared = await world.run({
    argv: world.apply('-e', "class { 'common::again': burst => 1000 }"),
    env: { FACTER_puppet_vardirtmp: world.path('base') },
  });
  expect(prepared.code, prepared.output).toBe(0);
  // It ends at some moment after its notification: in its own middle, or as soon as that is said.
  const chain = `note.('run')
sleep rand(0.05)
if File.readlines('${world.path('events')}').count("run\\n") < ${LINKS}
  said = notify.()
  note.(said.start_with?('Will run') ? 'notified' : said)
  sleep rand(0.03) if rand < 0.5
end
`;
  const puppet = await world.write('bin/puppet', quickPuppet(world, chain), 0o755);
  const site = await world.write('quick.pp', '# read by nobody\n');
  const first = await world.start({ argv: [puppet, 'apply', site] });
  await until('the first notification', async () => (await events(world)).includes('notified'), {
    seen: first.output,
  });
  const seenAtTheirEnd = await Promise.all(
    Array.from({ length: WAITERS }, async () => {
      const { code, output } = await here.wait('--timeout', '280');
      return { code, runs: (await events(world)).filter((event) => event === 'run').length, output };
    }),
  );
  await first.ended;
  // Such a run writes no report, so its result can't be told.
  for (const { code, runs, output } of seenAtTheirEnd)
    expect({ code, runs }, output).toEqual({ code: 5, runs: LINKS });
  expect(await events(world)).toEqual([
    ...Array.from({ length: LINKS - 1 }, () => ['run', 'notified']).flat(),
    'run',
  ]);
});

/** Notifications around the end of an `again run`. */
const ROUNDS = 40;

test('each notification that comes as `again run` ends has one rerun: its own, or one in the background', {
  retry: 0,
}, async (context) => {
  const here = await place(context);
  const { world } = here;
  const asks = `if ENV['AGAIN_LINK']
  note.("rerun #{ENV.fetch('RACE')}")
  exit
end
File.write('${world.path('asks')}', '')
said = notify.()
note.("foreground #{ENV.fetch('RACE')}") if said.include?('in the foreground')
note.("background #{ENV.fetch('RACE')}") if said.match?(/waiter pid \\d+/)
`;
  const puppet = await world.write('bin/puppet', quickPuppet(world, asks), 0o755);
  const site = await world.write('quick.pp', '# read by nobody\n');
  // The command of `again run` leaves Puppet behind, which has `again run` above it until that ends: a little later in each round.
  const command = await world.write(
    'command.sh',
    `[ -z "\${AGAIN_LINK-}" ] || exec ${puppet} apply ${site}
rm -f ${world.path('asks')}
${puppet} apply ${site} >/dev/null 2>&1 &
until test -e ${world.path('asks')}; do sleep 0.005; done
[ "$1" = answer ] && wait || sleep "$1"
`,
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    // The last round waits for the answer.
    const seconds = round === ROUNDS - 1 ? 'answer' : ((round * 0.1) / ROUNDS).toFixed(4);
    const env = { RACE: `round${round}` };
    const { code, output } = await here.run([], ['/bin/sh', command, seconds], { env });
    expect(code, output).toBe(0);
  }
  const quiet = await here.wait('--timeout', '100');
  expect([0, 5], quiet.output).toContain(quiet.code);
  const seen = await events(world);
  const of = (what: string) =>
    seen.filter((event) => event.startsWith(`${what} `)).map((event) => event.slice(what.length + 1));
  const rounds = Array.from({ length: ROUNDS }, (_, round) => `round${round}`);
  expect([...of('foreground'), ...of('background')].sort()).toEqual(rounds.toSorted());
  // Both happen: the first rounds end before Puppet can have asked, and the last ones after it.
  for (const where of ['foreground', 'background']) expect(of(where), where).not.toEqual([]);
  // Those of the background share a rerun where they fall due together: history has the names of each.
  expect(
    of('rerun')
      .filter((name) => of('foreground').includes(name))
      .toSorted(),
  ).toEqual(of('foreground').toSorted());
  const history = await world.node.files.list(`${world.state}/history`);
  const past = await Promise.all(
    history.map(
      async (name) =>
        JSON.parse((await world.node.files.read(`${world.state}/history/${name}`)).toString()) as PastRerun,
    ),
  );
  expect(past.flatMap(({ names }) => names).toSorted()).toEqual(of('background').toSorted());
});
