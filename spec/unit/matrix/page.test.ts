import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { generations } from '../../matrix/generations.ts';
import { supportOf } from '../../matrix/metadata.ts';
import { drawPage } from '../../matrix/page.ts';
import type { Results } from '../../matrix/results.ts';
import { ways } from '../../matrix/ways/all.ts';
import { allWell, newer, rows, two, versions } from './fixtures.ts';

const repository = new URL('../../..', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, repository), 'utf8');
const results: Results = JSON.parse(text('spec/matrix/results.json'));
const all = Object.values(generations);

const lines = (page: string) => page.split('\n').filter((line) => /^(\| (apply|reload)|\d+\. )/.test(line));

describe('the page of what is supported', () => {
  test('has a yes, and why a cell cannot be had', () => {
    expect(lines(drawPage(allWell, two, rows))).toEqual([
      '| apply | yes | yes |',
      '| reload | – [1] | yes |',
      '1. no such thing',
    ]);
  });

  test('has a no with its reason, and says of what was not run that it was not', () => {
    const partly: Results = {
      version: '1.0.0',
      generations: { openvox_8_gem: { versions: newer, cells: { apply: 'no: Error: x' } } },
    };
    expect(lines(drawPage(partly, two, rows))).toEqual([
      '| apply | not run | no [1] |',
      '| reload | – [2] | not run |',
      '1. no: Error: x',
      '2. no such thing',
    ]);
  });

  test('is what was drawn from the results of this version', () => {
    expect(text('docs/SUPPORT.md')).toBe(drawPage(results, all, ways));
    expect(results.version).toBe(JSON.parse(text('metadata.json')).version);
  });
});

describe('metadata.json', () => {
  test('may promise a Puppet and a release that have no cell without a yes', () => {
    expect(supportOf(allWell, two, rows)).toEqual({
      requirements: [
        { name: 'puppet', version_requirement: '>= 5.5.22 < 6.0.0' },
        { name: 'openvox', version_requirement: '>= 8.31.2 < 9.0.0' },
      ],
      operatingsystem_support: [{ operatingsystem: 'Debian', operatingsystemrelease: ['11'] }],
    });
  });

  test.each([{}, { apply: 'no: Error: x' }])('may promise nothing of a generation with %o', (cells) => {
    const partly = {
      ...allWell,
      generations: { ...allWell.generations, debian_11_puppet_5: { versions, cells } },
    };
    expect(supportOf(partly, two, rows)).toMatchObject({
      requirements: [{ name: 'openvox' }],
      operatingsystem_support: [{ operatingsystemrelease: [] }],
    });
  });

  test('promises just what the results show', () => {
    const { requirements, operatingsystem_support } = JSON.parse(text('metadata.json'));
    expect({ requirements, operatingsystem_support }).toEqual(supportOf(results, all, ways));
  });
});
