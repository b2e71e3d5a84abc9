import type { Past } from '../../../src/cli/history.ts';

/** A past rerun, some seconds after the first of its chain. */
export function past(link: number, seconds: number, more: Partial<Past> = {}): Past {
  const start = new Date(Date.UTC(2026, 10, 22, 8, 0, 5) + seconds * 1000);
  return {
    id: `${start.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-0a1b2c`,
    start: start.toISOString(),
    duration: 4.2,
    result: 'changed',
    names: ["Exec['again']"],
    command: 'puppet agent --test',
    chain: 'c0ffee',
    link,
    pid: 4711,
    log: '/x.log',
    ...more,
  };
}

/** The reruns of a manifest that always notifies, with the settings' defaults, as far as they are to be drawn. */
export function runaway(count: number): Past[] {
  let at = 0;
  return Array.from({ length: count }, (_, n) => {
    const link = n + 1;
    if (n > 0) at += 5 + (link > 10 ? Math.min(1800, 30 * 2 ** (link - 11)) : 0);
    return past(link, at);
  });
}
