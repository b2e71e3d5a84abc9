// `npm run picture`: a manifest that converges in three runs, in the foreground, as a terminal shows it; writes docs/converges.svg. Nothing in it is typed by hand.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, root, run } from '../../scripts/project.mjs';
import { isNoise } from '../noise.ts';
import { COLUMNS, drawTerminal } from './draw.ts';
import { record } from './record.ts';
import { runsOf, screenOf } from './screen.ts';

const MANIFEST = join(import.meta.dirname, 'cluster.pp');
const COMMAND = 'again run --timeout 600 -- puppet apply cluster.pp; echo "exit code $?"';
const RUNS = 3;

await run('picture', async () => {
  if (process.getuid?.() !== 0) throw new Failure('needs root, for it makes a machine of its own');
  const seen = screenOf(await record(MANIFEST, COMMAND));
  const lines = seen.lines.filter(({ text }) => !isNoise(text));
  const runs = runsOf(lines);
  if (runs.length !== RUNS || lines.at(-1)?.text !== 'exit code 0')
    throw new Failure(`${RUNS} runs were expected:\n${lines.map(({ text }) => text).join('\n')}`);
  // A line that was left out has no place any more.
  const place = (row: number) =>
    lines.indexOf(seen.lines.slice(row).find((one) => lines.includes(one)) as never);
  const passing = seen.passing.map((one) => ({ ...one, row: place(one.row) }));
  const path = join(root, 'docs/converges.svg');
  writeFileSync(path, drawTerminal('one command, three runs', 'root@web:~# ', COMMAND, { lines, passing }));
  console.log(`picture: ${path}, ${COLUMNS} columns, ${lines.length} lines`);
});
