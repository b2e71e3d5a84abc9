// The cost of the fact `again` for a run of Puppet, with an empty and with a full history, in the Facter of each kind.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/project.mjs';
import { median, uncertainty } from '../statistics.mjs';

const rounds = 50;
const reruns = 200;

/** Each has a GEM_HOME of its own, as their executables and libraries have the same names. */
const facters = { 'Facter 4': ['facter', '4.10.0'], 'OpenFact 6': ['openfact', '6.2.1'] };

/** Evaluates the fact, in a rerun, as often as it is told; the first time is not counted, for Ruby loads what it needs then. */
const script = `
require 'facter'
facts, link, rounds = ARGV
Facter.search(facts)
Facter.value('again')
AgainFact.define_singleton_method(:link) { link }
boot = File.read('/proc/sys/kernel/random/boot_id').chomp
ENV.update('AGAIN_PROCESS' => "#{Process.pid}:#{AgainFact.start_of(Process.pid)}:#{boot}", 'AGAIN_LINK' => '3')
times = Array.new(Integer(rounds) + 1) do
  before = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  AgainFact.value
  (Process.clock_gettime(Process::CLOCK_MONOTONIC) - before) * 1000
end
puts times.drop(1)
`;

export async function measureFact() {
  const folder = mkdtempSync(join(tmpdir(), 'again-bench-fact-'));
  try {
    return Object.entries(facters).flatMap(([name, [gem, version]]) => {
      const gems = join(root, 'vendor', `${gem}-${version}`);
      if (!existsSync(join(gems, 'gems', `${gem}-${version}`)))
        execFileSync(
          'gem',
          ['install', '--no-document', '--install-dir', gems, `${gem}:${version}`, 'hocon:1.4.0'],
          {
            stdio: 'inherit',
          },
        );
      const empty = timesOf(gems, makeState(join(folder, `${gem}-empty`), 0));
      const full = timesOf(gems, makeState(join(folder, `${gem}-full`), reruns));
      const row = (what, times, budget) => ({
        figure: `the fact \`again\`, in a rerun, ${name}`,
        what,
        value: `${median(times).toFixed(2)} ms`,
        ratio: median(times) / median(empty),
        uncertainty: uncertainty(times),
        budget,
      });
      return [row('an empty history', empty, ''), row(`a history of ${reruns} reruns`, full, '<= 2 ms more')];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A state folder with so many past reruns, each the next link of one chain; returns root's link to the executable beside it. */
function makeState(folder, count) {
  const history = join(folder, 'again/state/history');
  mkdirSync(history, { recursive: true });
  const start = Date.UTC(2026, 0, 1);
  for (let n = 0; n < count; n += 1) {
    const startedAt = new Date(start + n * 60_000).toISOString();
    const id = `${startedAt.replace(/[-:]|\.\d+/g, '')}-${n.toString(16).padStart(6, '0')}`;
    const outcome = { status: 'changed', seconds: 12.3 };
    const names = [null, 'peers'];
    const rerun = {
      version: 1,
      id,
      boot: '',
      startedAt,
      pid: 1,
      start: 1,
      names,
      chain: 'ab',
      link: n + 1,
      outcome,
    };
    writeFileSync(join(history, `${id}.json`), JSON.stringify(rerun));
  }
  symlinkSync(join(folder, 'again/again'), join(folder, 'link'));
  return join(folder, 'link');
}

function timesOf(gems, link) {
  const output = execFileSync('ruby', ['-e', script, join(root, 'lib/facter'), link, String(rounds)], {
    env: { PATH: process.env.PATH, GEM_HOME: gems, GEM_PATH: gems },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return output.trim().split('\n').map(Number);
}
