import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from '../support/container/container.ts';
import { leftIn, listIn, recordsIn, waitersIn } from '../support/container/what-is-left.ts';
import { type Record, readJournal } from '../support/machine/journal.ts';
import { supportFolder } from '../support/machine/session.ts';
import { notifyOnce } from '../support/machine/world.ts';
import { until as untilSeen } from '../support/wait.ts';
import type { Generation } from './generations.ts';
import type { Installation } from './installation.ts';

/** One way to start a run, on one installation: with folders of its own, and nothing left of the cells before. */
export interface Cell {
  readonly at: Installation;
  readonly box: Container;
  readonly generation: Generation;
  path(...names: string[]): string;
  /** A variable for the first run; its rerun has to have it, too. */
  readonly marker: Readonly<{ MARKER: string }>;
  /** A manifest that notifies in its first run alone, and whose runs are noted. */
  manifest(target?: string, more?: string): string;
  /** Writes it for `puppet apply`, and returns its path. */
  site(target?: string, more?: string): string;
  /** The runs that have come as far as the manifest's probe, oldest first. */
  runs(): Promise<readonly Record[]>;
  /** The lines of agents in the journal since the cell began. */
  journal(...conditions: string[]): Promise<string>;
  until(what: string, condition: () => unknown, seconds?: number): Promise<void>;
  /** Waits until nothing is left that could lead to a run. */
  nothingLeft(): Promise<void>;
  /** Ends and removes all that a cell, perhaps a failed one, may have left. */
  clear(): Promise<void>;
}

/** The default place. */
export const AGAIN = '/var/lib/puppet/tmp/common/again';

const CELLS = '/var/lib/again-spec';

export const later = (seconds: number) =>
  ["Common::Again::Delta['later']", `common::again::delta { 'later': delta => ${seconds} }`] as const;

/** Makes one. */
export async function makeCell(at: Installation, name: string): Promise<Cell> {
  const { box, generation, sh } = at;
  const path = (...names: string[]) => join(CELLS, name, ...names);
  await sh(`rm -rf ${path()}; install --directory --mode=1777 ${path()} ${path('journal')} ${path('bin')}`);
  box.writeFile(path('bin/probe.sh'), `${await readFile(join(supportFolder, 'probe.sh'))}`, 0o755);
  const cursor = (await sh('journalctl --lines=0 --show-cursor | tail -n 1'))
    .replace(/^-- cursor: /, '')
    .trim();

  const manifest: Cell['manifest'] = (target, more) =>
    notifyOnce({ path, trigger: path('trigger') }, target, more);
  const files = {
    list: async (folder: string) => listIn(box, folder).sort(),
    read: async (file: string) => readFileSync(box.hostPath(file)),
  };
  const runs = () => readJournal(files, path('journal'));
  const journal: Cell['journal'] = (...conditions) =>
    sh(`journalctl --after-cursor='${cursor}' --output=cat ${conditions.join(' ')}`);

  const until: Cell['until'] = async (what, condition, seconds = 180) => {
    try {
      await untilSeen(what, condition, { seconds });
    } catch (error) {
      const seen = {
        runs: (await runs()).map(
          ({ run, parent }) => `${run.pid} ${run.argv.join(' ')} (${parent.argv.join(' ')})`,
        ),
        left: await leftIn(box, AGAIN),
      };
      const logs = await sh(`tail -n 15 ${AGAIN}/state/logs/* 2>&1 || :`);
      throw new Error(`${error}\n${JSON.stringify(seen, null, 1)}\n${logs}\n${await journal('-n 60')}`, {
        cause: error,
      });
    }
  };

  return {
    at,
    box,
    generation,
    path,
    marker: { MARKER: `of ${name}` },
    manifest,
    site(target, more) {
      box.writeFile(path('site.pp'), manifest(target, more));
      return path('site.pp');
    },
    runs,
    journal,
    until,
    nothingLeft: () => until('nothing to be left', async () => (await leftIn(box, AGAIN)).length === 0),
    async clear() {
      await sh(`crontab -r 2> /dev/null || :
systemctl stop puppet || :
pkill -f '[p]uppet agent' || :`);
      for (const { pid } of waitersIn(box)) await sh(`kill -9 ${pid} || :`);
      if (recordsIn(box, AGAIN).length > 0) await sh(`rm -rf ${AGAIN}/state/commands`);
      await sh(`${generation.puppet.command} agent --enable`);
    },
  };
}
