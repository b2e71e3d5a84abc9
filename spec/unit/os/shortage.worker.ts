// A process that has used all its file descriptors: prlimit --nofile=N node shortage.worker.ts LOCK. Prints, as JSON, what it finds of itself before and then.

import { openSync } from 'node:fs';
import { isAlive, readProcess, self, watchProcess } from '../../../src/os/process.ts';
import { findPuppetProcesses } from '../../../src/puppet/processes.ts';
import { lockPid } from '../../../src/puppet/settings.ts';

const [lockFile = ''] = process.argv.slice(2);
const me = self();
const watched = watchProcess(me, () => {});

/** What something returns, or the code of the error that it throws. */
function found(look: () => unknown): unknown {
  try {
    return look();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

const looks = () => ({
  isAlive: isAlive(me),
  ended: watched.ended(),
  process: found(() => readProcess(me.pid)?.id.pid === me.pid),
  watch: found(() => watchProcess(me, () => {}).close()) ?? 'watched',
  runs: found(() => findPuppetProcesses(2 ** 31, []).length),
  lock: found(() => lockPid(lockFile)),
});

const before = looks();
for (;;) if (found(() => openSync('/dev/null', 'r')) === 'EMFILE') break;
const then = looks();
watched.close();
process.stdout.write(JSON.stringify({ before, then }));
