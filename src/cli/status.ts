import { formatDuration, formatTime } from './duration.ts';
import type { Paint } from './paint.ts';
import type { Pending, PendingCondition, WaitsFor } from './pending.ts';

/** Draws what is pending, a block for each. */
export function drawStatus(pending: readonly Pending[], paint: Paint): string {
  if (pending.length === 0) return 'Nothing is pending.\n';
  return pending.map((one) => drawOne(one, paint)).join('\n');
}

function drawOne(one: Pending, paint: Paint): string {
  const rows: [string, string][] = [
    ['due', describeDue(one)],
    ['waits for', describeWait(one.waitsFor)],
    ...(one.condition ? [['looked at', describeLooks(one.condition)] satisfies [string, string]] : []),
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

function describeDue({ dueIn, wait, condition }: Pending): string {
  if (dueIn !== null) return dueIn === 0 ? 'now' : `in ${formatDuration(dueIn)}`;
  if (!condition) return `${formatDuration(wait)} after the run's end`;
  const { what, timeoutIn, onTimeout } = condition;
  if (timeoutIn === null) return `after the run's end, as soon as ${what}`;
  const last = onTimeout === 'run' ? 'at the latest in' : 'or not at all after';
  return `as soon as ${what}, ${last} ${formatDuration(timeoutIn)}`;
}

function describeLooks({ looks, answer, lookedAgo }: PendingCondition): string {
  if (answer === null || lookedAgo === null) return 'not yet';
  return `${looks === 1 ? 'once' : `${looks} times`}, the last time ${formatDuration(lookedAgo)} ago: ${answer}`;
}

function describeWait(waits: WaitsFor): string {
  switch (waits.kind) {
    case 'run':
      return `the end of the run with pid ${waits.pid}`;
    case 'lock':
      return `another run, pid ${waits.pid}`;
    case 'timer':
      return 'the timer';
    case 'condition':
      return 'its condition';
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
