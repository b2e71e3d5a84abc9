import { formatDuration, formatTime } from './duration.ts';
import type { ShownHold } from './hold.ts';
import type { Paint } from './paint.ts';
import type { Pending, PendingCondition, WaitsFor } from './pending.ts';

/** Draws what is pending, a block for each, below what keeps all of it from starting. */
export function drawStatus(pending: readonly Pending[], paint: Paint, hold?: ShownHold): string {
  const blocks = pending.length === 0 ? ['Nothing is pending.\n'] : pending.map((one) => drawOne(one, paint));
  return [...(hold ? [drawHold(hold, paint)] : []), ...blocks].join('\n');
}

/** Draws what keeps reruns from starting. */
export function drawHold({ since, until, reason }: ShownHold, paint: Paint): string {
  const rows = [
    ['since', formatTime(since)],
    ['reason', reason],
    ['end', '`again release`'],
  ] as const;
  const lines = rows.flatMap(([label, value]) => (value === undefined ? [] : [drawRow(label, value, paint)]));
  return `${paint('yellow', `Held until ${formatTime(until)}: no rerun starts before.`)}\n${lines.join('')}`;
}

function drawRow(label: string, value: string, paint: Paint): string {
  return `  ${paint('dim', label.padEnd(10))} ${value}\n`;
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
    ...(one.foreground ? [] : [['log', one.journal ?? one.log] satisfies [string, string]]),
  ];
  const lines = rows.map(([label, value]) => drawRow(label, value, paint));
  return `${paint('bold', one.name)}\n${lines.join('')}`;
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
    case 'hold':
      return `the end of the hold at ${formatTime(waits.until)}`;
    case 'enable':
      return '`puppet agent --enable`';
    case 'nothing':
      return 'nothing, it is starting';
  }
}
