// `npm run howto`: types the commands of docs/HOWTO.md on machines that are booted for that, and writes what they print into the page.
//
//   node bench/howto/main.ts [TITLE OF A SCENE…]

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, root, run } from '../../scripts/project.mjs';
import { openPage } from './record.ts';
import { scenes } from './scenes.ts';

const PATH = join(root, 'docs/HOWTO.md');

await run('howto', async (titles: readonly string[]) => {
  if (process.getuid?.() !== 0) throw new Failure('needs root, for it boots machines');
  const unknown = titles.find((title) => !scenes.some((scene) => scene.title === title));
  if (unknown !== undefined)
    throw new Failure(`'${unknown}' is no scene: ${scenes.map(({ title }) => title).join('; ')}`, 64);
  const wanted = scenes.filter(({ title }) => titles.length === 0 || titles.includes(title));
  for (const { title, play } of wanted) {
    const page = openPage(readFileSync(PATH, 'utf8'));
    await play(page);
    writeFileSync(PATH, page.text());
    console.log(`howto: ${title}`);
  }
});
