// Prints the Puppets that it finds as JSON, and for each whether its image is hidden from this process:
//
//   node processes.worker.ts USER

import { readlinkSync } from 'node:fs';
import { findPuppetProcesses } from '../../src/puppet/processes.ts';

const [user = ''] = process.argv.slice(2);
const found = findPuppetProcesses(Number(user), []).map(({ id: { pid }, mode, atWork }) => {
  return { pid, mode, atWork, hidden: isHidden(pid) };
});
process.stdout.write(JSON.stringify(found));

function isHidden(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/exe`);
    return false;
  } catch {
    return true;
  }
}
