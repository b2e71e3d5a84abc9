import { formatDuration, formatTime } from './duration.ts';
import type { Paint } from './paint.ts';
import type { Pending, WaitsFor } from './pending.ts';

/** Draws what is pending, a block for each. */
export function drawStatus(pending: readonly Pending[], paint: Paint): string {
  if (pending.length === 0) return 'Nothing is pending.\n';
  return pending.map((one) => drawOne(one, paint)).join('\n');
}

function drawOne(one: Pending, paint: Paint): string {
  const rows: [string, string][] = [
    [
      'due',
      one.dueIn === null
        ? `${formatDuration(one.wait)} after the run's end`
        : one.dueIn === 0
          ? 'now'
          : `in ${formatDuration(one.dueIn)}`,
    ],
    ['waits for', describeWait(one.waitsFor)],
    ['since', formatTime(one.since)],
    ['command', one.command],
    ['chain', `rerun ${one.link} in a row`],
    [
      'waiter',
      `${one.foreground ? 'again run, ' : ''}pid ${one.pid}${one.version === undefined ? '' : `, still version ${one.version}`}`,
    ],
    ...(one.foreground ? [] : [['log', one.log] satisfies [string, string]]),
  ];
  const lines = rows.map(([label, value]) => `  ${paint('dim', label.padEnd(10))} ${value}`);
  return `${paint('bold', one.name)}\n${lines.join('\n')}\n`;
}

function describeWait(waits: WaitsFor): string {
  switch (waits.kind) {
    case 'run':
      return `the end of the run with pid ${waits.pid}`;
    case 'lock':
      return `another run, pid ${waits.pid}`;
    case 'timer':
      return 'the timer';
    case 'grace':
      return 'a run that may follow the one that asked for it';
    case 'held':
      return waits.because;
    case 'enable':
      return '`puppet agent --enable`';
    case 'nothing':
      return 'nothing, it is starting';
  }
}
