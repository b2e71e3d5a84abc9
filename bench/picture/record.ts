import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Failure, root } from '../../scripts/project.mjs';

/** The text that was written to a terminal at one moment. */
export interface Chunk {
  /** Milliseconds since the command began. */
  readonly at: number;
  readonly text: string;
}

/** The output of machine.sh before the command begins. */
const BEGIN = '\x1e';

/**
 * Runs a shell's command line beside a manifest, on a terminal and on a machine of its own, and returns what is seen there.
 *
 * @throws {Failure} where it can't be run; with what it has said
 */
export async function record(manifest: string, command: string): Promise<readonly Chunk[]> {
  const isolated = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const machine = ['--mount-proc', '--uts', 'sh', join(import.meta.dirname, 'machine.sh'), root, manifest];
  const words = [...isolated, ...machine, 'sh', '-c', command];
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    TERM: 'xterm',
  };
  // script(1) is the terminal.
  const child = spawn('script', ['--quiet', '--return', '--command', quoted, '/dev/null'], { env });
  let before = '';
  let begin: number | undefined;
  const chunks: Chunk[] = [];
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    if (begin !== undefined) {
      chunks.push({ at: performance.now() - begin, text: data });
      return;
    }
    before += data;
    const at = before.indexOf(BEGIN);
    if (at < 0) return;
    begin = performance.now();
    chunks.push({ at: 0, text: before.slice(at + 1) });
  });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (begin === undefined) throw new Failure(`nothing could be recorded (${code}): ${before}`);
  return chunks;
}
