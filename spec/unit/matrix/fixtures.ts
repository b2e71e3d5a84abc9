import type { Generation } from '../../matrix/generations.ts';
import { generations } from '../../matrix/generations.ts';
import type { Results } from '../../matrix/results.ts';

/** Two of the real ones. */
export const two: readonly Generation[] = [generations.debian_11_puppet_5, generations.openvox_8_gem];

export const rows = [
  { title: 'apply' },
  { title: 'reload', cannot: ({ puppet }: Generation) => (puppet.reloads ? undefined : 'no such thing') },
];

export const versions = { puppet: '5.5.22', ruby: '2.7.4', server: '5.5.22' };
export const newer = { puppet: '8.31.2', ruby: '3.3.8', server: '8.7.0' };

/** Seen in full, and all of it well. */
export const allWell: Results = {
  version: '1.0.0',
  generations: {
    debian_11_puppet_5: { versions, cells: { apply: 'yes' } },
    openvox_8_gem: { versions: newer, cells: { apply: 'yes', reload: 'yes' } },
  },
};
