import { formatDuration } from './duration.ts';

const WIDTH = 64;

/** A moment on the line. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly failed: boolean;
}

/**
 * Draws moments on a line of time, so that a chain that backs off is seen: `●` for one, its number for several in one place, `×` for one that
 * failed. Nothing where there are fewer than two.
 */
export function drawTimeline(moments: readonly Moment[]): string {
  const times = moments.map((moment) => moment.at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  if (moments.length < 2 || last === first) return '';
  const places = new Map<number, Moment[]>();
  for (const moment of moments) {
    const place = Math.round(((moment.at - first) / (last - first)) * (WIDTH - 1));
    places.set(place, [...(places.get(place) ?? []), moment]);
  }
  const line = Array.from({ length: WIDTH }, (_, place) => mark(places.get(place))).join('');
  return `  ${line} ${formatDuration(Math.round((last - first) / 1000))}\n`;
}

function mark(moments: readonly Moment[] | undefined): string {
  if (!moments) return '─';
  if (moments.some((moment) => moment.failed)) return '×';
  if (moments.length === 1) return '●';
  return moments.length > 9 ? '+' : String(moments.length);
}
