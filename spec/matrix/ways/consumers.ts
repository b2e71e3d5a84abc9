import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { installModule } from '../../support/container/modules.ts';
import { outputOf } from '../../support/machine/world.ts';
import { expectOneRerun } from '../expect-one-rerun.ts';
import type { Way } from './way.ts';

const folder = fileURLToPath(new URL('../../fixtures/consumers', import.meta.url));

export const consumers: Way = {
  title: '`puppet apply` of several modules written for the module of 2014, unchanged',
  async run(cell) {
    const { command, codedir } = cell.generation.puppet;
    const modules = readdirSync(folder);
    for (const name of modules) installModule(cell.box, join(folder, name), { name, codeFolder: codedir });
    const classes = modules.map((name) => `class { '${name}': file => '${cell.path(name)}', delta => 2 }`);
    cell.site("Common::Again::Delta['oldstore-exec-again']", classes.join('\n'));
    const argv = [command, 'apply', '--color=false', 'site.pp'];
    const { stdout } = await cell.box.exec(argv, { cwd: cell.path(), env: cell.marker });
    // All of them together have asked for one rerun.
    for (const name of modules) expect(outputOf(stdout, `again-delta-${name}-exec-again`)).toHaveLength(1);
    await expectOneRerun(cell, { output: stdout, command: 'apply', exec: 'again-delta-oldstore-exec-again' });
  },
};
