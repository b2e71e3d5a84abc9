/** Whole seconds as people read them: `45 s`, `3 min 5 s`, `2 h 10 min`, `12 d 3 h`. */
export function formatDuration(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [Math.floor(seconds) % 60, 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}

/** `2026-11-22 08:00:05Z` */
export function formatTime(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+/, '');
}
