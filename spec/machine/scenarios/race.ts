import { expect, test } from 'vitest';
import type { Bench } from '../../support/machine/bench.ts';
import { until } from '../../support/wait.ts';

/**
 * Runs of some milliseconds, so that notifications and waiters meet in every instant; a real Puppet takes a second to start and would miss
 * them all. It is a Ruby script called `puppet`, which is what the executable looks for, and it calls the real launcher.
 */
const quickPuppet = (launcher: string, journal: string) => `#!/usr/bin/ruby
now = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) }
note = ->(what) { File.open('${journal}', 'a') { |file| file.syswrite("#{what} #{now.()} #{$$}\\n") } }
note.(ENV['AGAIN_LINK'] ? 'rerun' : 'run')
unless ENV['AGAIN_LINK']
  note.('notified') if system('/bin/sh', '${launcher}', '--name', ENV['RACE'], '--delta', '0', out: File::NULL)
end
note.('end')
`;

/** Notifies, and then has it cancelled and notifies again, each time some more milliseconds after the record was emptied. */
const cancellingPuppet = (again: string, journal: string) => `#!/usr/bin/ruby
require 'json'
note = ->(what) { File.open('${journal}', 'a') { |file| file.syswrite("#{what}\\n") } }
if ENV['AGAIN_LINK']
  note.('rerun')
  exit
end
notify = -> { system('/bin/sh', '${again}/notify', out: File::NULL) or note.('not notified') }
record = lambda do
  path = Dir['${again}/state/commands/*.json'].first
  path && JSON.parse(File.read(path))
rescue Errno::ENOENT
  nil
end
notify.()
${CANCELLATIONS}.times do |milliseconds|
  cancel = spawn('${again}/again', 'cancel', '--all', out: File::NULL)
  sleep 0.001 while record.()&.fetch('entries')&.any?
  sleep milliseconds / 1000.0
  notify.()
  Process.wait(cancel)
  pending = record.()
  stands = pending && pending['entries'].one? && File.exist?("/proc/#{pending['waiter']['pid']}/stat")
  note.(stands ? 'stands' : "gone after #{milliseconds} ms: #{pending}")
end
`;
const CANCELLATIONS = 20;

/** Notifications that meet each other, and waiters in the instant in which they become Puppet. */
export function raceScenarios(bench: Bench): void {
  test('40 runs that notify while waiters of others become Puppet: each notification has one rerun, none is lost, none doubled', async (context) => {
    const world = await bench.world(context);
    const prepared = await world.run({ argv: world.apply('-e', 'include common::again') });
    expect(prepared.code, prepared.output).toBe(0);
    const puppet = await world.write(
      'bin/puppet',
      quickPuppet(`${world.again}/notify`, world.path('races')),
      0o755,
    );
    const site = await world.write('quick.pp', '# read by nobody\n');

    const runs: Promise<unknown>[] = [];
    for (let n = 0; n < 40; n += 1) {
      const run = await world.start({ argv: [puppet, 'apply', site], env: { RACE: `race ${n}` } });
      runs.push(run.ended);
      // Some side by side, some one after the other, some in the instant of an end.
      if (n % 4 !== 0) await run.ended;
    }
    await Promise.all(runs);
    await until(
      'the end of all waiters and reruns',
      async () =>
        (await world.processes()).length === 0 && (await world.pending()).length === 0 && (await allEnded()),
      { seconds: 60, seen: events },
    );

    const seen = await events();
    const at = (what: string) => seen.filter((event) => event.what === what);
    expect(at('notified')).toHaveLength(40);
    // Each has a name of its own, so that one rerun at the end can't stand for all of them: history says which rerun each one got.
    const past = await history();
    for (let n = 0; n < 40; n += 1)
      expect(
        past.filter(({ names }) => names.includes(`race ${n}`)),
        `the reruns of race ${n}`,
      ).toEqual([expect.objectContaining({ failure: null })]);
    expect(past.map(({ pid }) => pid).sort((a, b) => a - b)).toEqual(
      at('rerun')
        .map(({ pid }) => pid)
        .sort((a, b) => a - b),
    );
    expect(at('rerun').length).toBeLessThanOrEqual(40);
    // Never two at once: a rerun starts only when no run of the same command is going.
    for (const rerun of at('rerun')) {
      const going = seen.filter(
        (event) => event.what !== 'end' && event.time < rerun.time && event.pid !== rerun.pid,
      );
      const ends = new Map(at('end').map((event) => [event.pid, event.time]));
      const reruns = going.filter(
        (event) => event.what === 'rerun' && (ends.get(event.pid) ?? 0) > rerun.time,
      );
      expect(reruns, `reruns beside ${rerun.pid}`).toEqual([]);
    }

    async function events() {
      const lines = (await world.node.files.read(world.path('races'))).toString().trim().split('\n');
      return lines.map((line) => {
        const [what = '', time, pid] = line.split(' ');
        return { what, time: Number(time), pid: Number(pid) };
      });
    }
    async function history(): Promise<{ names: string[]; pid: number; failure: string | null }[]> {
      const { files } = world.node;
      const names = await files.list(`${world.state}/history`);
      return Promise.all(
        names
          .filter((name) => name.endsWith('.json'))
          .map(async (name) => JSON.parse((await files.read(`${world.state}/history/${name}`)).toString())),
      );
    }
    async function allEnded() {
      const all = await events();
      // A process in the middle of its execve is not known as one of this world.
      const reruns = all.filter(({ what }) => what === 'rerun').map(({ pid }) => pid);
      if (!(await history()).every(({ pid }) => reruns.includes(pid))) return false;
      const began = all.filter(({ what }) => what === 'run' || what === 'rerun').length;
      return all.filter(({ what }) => what === 'end').length === began;
    }
  }, 180_000);
}

/** The ones that take long. */
export function slowRaceScenarios(bench: Bench): void {
  test('`again cancel`, and a new notification of the same run some milliseconds later: it stands', async (context) => {
    const world = await bench.world(context);
    const prepared = await world.run({ argv: world.apply('-e', 'include common::again') });
    expect(prepared.code, prepared.output).toBe(0);
    const journal = world.path('cancellations');
    const puppet = await world.write('bin/puppet', cancellingPuppet(world.again, journal), 0o755);
    const site = await world.write('quick.pp', '# read by nobody\n');
    const run = await world.run({ argv: [puppet, 'apply', site] });
    expect(run.code, run.output).toBe(0);
    const lines = async () => (await world.node.files.read(journal)).toString().trim().split('\n');
    await until('the rerun, and its end', async () => {
      const quiet = (await world.processes()).length === 0 && (await world.pending()).length === 0;
      return quiet && (await lines()).includes('rerun');
    });
    expect(await lines()).toEqual([...Array(CANCELLATIONS).fill('stands'), 'rerun']);
  });
}
