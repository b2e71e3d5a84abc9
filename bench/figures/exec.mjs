// Time inside the Exec: whole processes, one after the other in turn, so that a disturbance of one disturbs all.

import { runStub } from '../place.mjs';
import { median, uncertainty } from '../statistics.mjs';

const rounds = 40;

/** The longest time of a notification, in times of an empty program. */
export const budgetOfOne = 1.15;

const budgets = {
  'first notification of a run': `<= ${budgetOfOne}`,
  'one more notification of the run': '<= 1.3',
};

export async function measureExec(place) {
  const commands = {
    'an empty program': [place.empty],
    'first notification of a run': [...place.notify, '--name', 'bench'],
    'one more notification of the run': [...place.notify, '--name', 'more'],
    'Python script': place.python,
  };
  const times = timesOf(runStub(place, 'exec', scriptOf(place, commands)).output);
  const base = median(times.get('an empty program'));
  return Object.keys(commands).map((what) => ({
    figure: 'time inside the Exec',
    what,
    value: `${median(times.get(what)).toFixed(1)} ms`,
    ratio: median(times.get(what)) / base,
    uncertainty: uncertainty(times.get(what)),
    budget: budgets[what] ?? '',
  }));
}

/** Ruby that runs each command so many times, in a session of its own as Puppet does, and prints `NAME;MILLISECONDS`. */
export function scriptOf(place, commands, count = rounds) {
  const list = Object.entries(commands).map(([name, words]) => `'${name}' => ${JSON.stringify(words)}`);
  return `
now = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) }
commands = { ${list.join(', ')} }
${count}.times do
  commands.each do |name, words|
    from = now.()
    Process.wait(fork { Process.setsid; exec(*words, in: File::NULL, out: File::NULL) })
    $?.success? or abort(name)
    puts [name, (now.() - from) * 1000].join(';')
  end
  system('${place.again}', 'cancel', '--all', out: File::NULL)
  system('pkill', '-f', '${place.python.at(-1)}')
end`;
}

/** The times that such a script has printed, by name. */
export function timesOf(output) {
  const lines = output.trim().split('\n');
  const times = Map.groupBy(
    lines.map((line) => line.split(';')),
    ([name]) => name,
  );
  return new Map([...times].map(([name, found]) => [name, found.map(([, time]) => Number(time))]));
}
