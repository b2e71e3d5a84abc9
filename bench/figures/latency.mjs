// End of a run to start of its rerun: from the end of one process until the other one has executed Ruby.

import { readFileSync } from 'node:fs';
import { makeWorld, must, start, startStub } from '../place.mjs';
import { gapBetween } from '../processes.mjs';
import { median, percentile, uncertainty } from '../statistics.mjs';
import { until } from '../until.mjs';

const figure = 'end of run to start of rerun';

export async function measureLatency(place) {
  const stub = await stubGaps(place, 'again', place.notify, 100);
  const real = await realGaps(place, 10);
  const python = await stubGaps(place, 'python', place.python, 10);
  const empty = Array.from({ length: 30 }, () => timeOf([place.empty]));
  const budget = 'median <= 25 ms, p99 <= 60 ms';
  const unit = median(empty);
  return [
    rowOf('an empty program, from its start to its end', empty, unit, ''),
    rowOf(`${stub.length} reruns of a stub run`, stub, unit, budget),
    rowOf(`${real.length} reruns of puppet apply`, real, unit, budget),
    rowOf(`Python script, ${python.length} reruns of a stub run`, python, unit, ''),
  ];
}

function rowOf(what, gaps, unit, budget) {
  const value = `median ${median(gaps).toFixed(1)} ms, p99 ${percentile(gaps, 99).toFixed(0)} ms`;
  return { figure, what, value, ratio: median(gaps) / unit, uncertainty: uncertainty(gaps), budget };
}

/** Milliseconds from the start of a command to its end. */
function timeOf(words) {
  const from = performance.now();
  must(words);
  return performance.now() - from;
}

/** A stub run that notifies until there have been so many reruns, and tells its journal who waits. */
async function stubGaps(place, name, command, count) {
  const script = `
exit if File.read(ENV['BENCH_JOURNAL']).scan('waiter').size >= ${count}
note("waiter #{$$} #{\`${command.join(' ')}\`[/waiter pid (\\d+)/, 1]}")
sleep 0.3`;
  const { journal } = startStub(place, `latency-${name}`, script);
  const gaps = [];
  while (gaps.length < count) {
    const line = await until('the next waiter of the stub', () => waitersOf(journal)[gaps.length]);
    gaps.push(gapBetween(line.run, line.waiter));
  }
  return gaps;
}

function waitersOf(journal) {
  const lines = readFileSync(journal, 'utf8').matchAll(/^waiter (\d+) (\d+) \S+$/gm);
  return [...lines].map(([, run, waiter]) => ({ run, waiter }));
}

/** The same of the real Puppet; who waits stands in the record. */
async function realGaps(place, count) {
  const world = makeWorld(place, 'latency');
  start(world.manifest('latency', "exec { '/bin/true': notify => Exec['again'] }", `limit => ${count}`));
  const gaps = [];
  for (let last = 0; gaps.length < count; ) {
    const record = await until('the next record', () => {
      const found = world.record();
      return found && found.run.pid !== last && found;
    });
    last = record.run.pid;
    gaps.push(gapBetween(record.run.pid, record.waiter.pid));
  }
  await until('the last rerun', () => world.state('commands').length === 0);
  return gaps;
}
