// A process that competes for the lock of a state folder:
//
//   node lock.worker.ts FOLDER COUNTER SECTIONS [DIES_IN]
//
// In each of SECTIONS critical sections it adds one to the number in the file COUNTER, in two steps between which
// others have all the time to interfere. In section DIES_IN it kills itself right after that, with the lock held.

import { readFileSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { withLock } from '../../../src/state/lock.ts';

const [folder = '', counter = '', sections = '', diesIn = ''] = process.argv.slice(2);
for (let section = 1; section <= Number(sections); section += 1) {
  await withLock(folder, async () => {
    const value = Number(readFileSync(counter, 'utf8'));
    await setImmediate();
    writeFileSync(counter, String(value + 1));
    if (section === Number(diesIn)) process.kill(process.pid, 'SIGKILL');
  });
}
