import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/project.mjs';

test('no plan calls `parallelize`, which the plans of Puppet Enterprise lack', () => {
  const folder = join(root, 'plans');
  const plans = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.pp'),
  );
  expect(plans).toContain('converge.pp');
  for (const plan of plans)
    expect(readFileSync(join(folder, plan), 'utf8'), plan).not.toMatch(/^[^#\n]*\bparallelize\b/m);
});
