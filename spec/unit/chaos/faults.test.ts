import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleSources, INSTRUMENTS } from '../../../scripts/bundle.mjs';
import { root } from '../../../scripts/project.mjs';
import { SECOND_MS } from '../../chaos/real/place.ts';
import { POINTS } from '../../chaos/real/steps.ts';

const sources = join(root, 'src');
const points = readdirSync(sources, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .flatMap((name) => [...readFileSync(join(sources, name), 'utf8').matchAll(/\bfault\('([^']+)'\)/g)])
  .map(([, point = '']) => point);

describe('the points at which a test can have something go wrong', () => {
  let [shipped, instrumented] = ['', ''];
  beforeAll(async () => {
    const sourceOf = async (instruments?: object) => {
      const { loader, parts } = await bundleSources('1.2.3', instruments);
      return [loader, ...Object.values(parts)].join('\n');
    };
    [shipped, instrumented] = await Promise.all([sourceOf(), sourceOf(INSTRUMENTS)]);
  }, 60_000);

  test('are the ones that sequences use, each once', () => {
    expect([...points].sort()).toEqual([...POINTS].sort());
  });

  test.each(POINTS)('%s is in the instrumented build, and not in the shipped one', (point) => {
    expect(instrumented.includes(point)).toBe(true);
    expect(shipped.includes(point)).toBe(false);
  });

  test.each(['faults/', 'injected at', 'killed: '])('nor is %s', (text) => {
    expect(instrumented.includes(text)).toBe(true);
    expect(shipped.includes(text)).toBe(false);
  });

  test('a second is as short as the sequences reckon it', () => {
    expect(Number(INSTRUMENTS.AGAIN_SECOND_MS)).toBe(SECOND_MS);
  });
});
