import { spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import type { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { readProcesses } from '../processes.ts';
import type { Command, Files, Finished, Node, Started } from './node.ts';

/** How to get into a machine that lives in namespaces of this one. */
export interface Door {
  readonly name: string;
  /** The words before a command that runs in `cwd`: `nsenter -t PID … --wdns=CWD`; nothing for this machine. */
  readonly enter?: (cwd: string) => readonly string[];
  /** Where its files are, seen from here: `/proc/PID/root`. */
  readonly root: string;
}

/** This machine. */
export const thisMachine: Node = machineBehind({ name: 'this machine', root: '' });

/** A machine whose processes and files this machine can reach. */
export function machineBehind(door: Door): Node {
  const start = async (command: Command): Promise<Started> => startProcess(door, command);
  const exec = async (command: Command): Promise<Finished> => (await start(command)).ended;
  return {
    name: door.name,
    exec,
    start,
    processes: async () => readProcesses(`${door.root}/proc`),
    signal: async (pid, signal) => {
      if (door.enter) {
        await exec({ argv: ['/bin/kill', '-s', signal.replace(/^SIG/, ''), String(pid)] });
        return;
      }
      try {
        process.kill(pid, signal as keyof typeof constants.signals);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
    files: filesBelow(door.root),
  };
}

function startProcess(door: Door, command: Command): Promise<Started> {
  const cwd = command.cwd ?? '/';
  const [program = '', ...args] = door.enter
    ? [...door.enter(cwd), ...sayPid, ...command.argv]
    : command.argv;
  const child = spawn(program, args, {
    cwd: door.enter ? '/' : cwd,
    env: { ...command.env },
    stdio: ['ignore', 'pipe', 'pipe', door.enter ? 'pipe' : 'ignore'],
  });
  const shown = command.argv.join(' ');
  const all: Buffer[] = [];
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const text = (chunks: readonly Buffer[]) => Buffer.concat(chunks).toString('latin1');
  const keep = (chunks: Buffer[]) => (chunk: Buffer) => {
    chunks.push(chunk);
    all.push(chunk);
  };
  child.stdout?.on('data', keep(out));
  child.stderr?.on('data', keep(err));

  const ended = new Promise<Finished>((resolve, reject) => {
    const seconds = command.seconds ?? 300;
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`still running after ${seconds} s: ${shown}\n${text(all)}`));
    }, seconds * 1000);
    let held: NodeJS.Timeout | undefined;
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(late);
      held = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        reject(new Error(`ended with ${code}, but something still holds its output: ${shown}\n${text(all)}`));
      }, 5000);
    });
    child.on('close', (code, signal) => {
      clearTimeout(late);
      clearTimeout(held);
      resolve({ code, signal, stdout: text(out), stderr: text(err), output: text(all) });
    });
  });
  ended.catch(() => {}); // the caller that awaits it sees the error; a test that has failed elsewhere doesn't

  return new Promise((resolve, reject) => {
    const started = (pid: number) => resolve({ pid, output: () => text(all), ended });
    child.on('error', reject);
    if (!door.enter) {
      child.on('spawn', () => started(child.pid ?? 0));
      return;
    }
    let said = '';
    const pidPipe = child.stdio[3] as Readable;
    // Not at its end: nsenter itself, which waits for the command in another PID namespace, keeps the pipe open.
    pidPipe.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.endsWith('\n')) started(Number(said));
    });
    pidPipe.on('end', () => {
      if (!said.endsWith('\n')) reject(new Error(`could not be started: ${shown}\n${text(all)}`));
    });
  });
}

/** Tells the pid that a command has on its own machine, through descriptor 3. */
const sayPid = ['/bin/sh', '-c', 'echo $$ >&3; exec "$@" 3>&-', 'sh'];

function filesBelow(root: string): Files {
  const at = (path: string) => root + path;
  return {
    read: (path) => fs.readFile(at(path)),
    write: async (path, content, mode = 0o644) => {
      await fs.writeFile(at(path), content);
      await fs.chmod(at(path), mode);
    },
    list: async (path) => (await fs.readdir(at(path)).catch(() => [])).sort(),
    exists: async (path) =>
      fs.lstat(at(path)).then(
        () => true,
        () => false,
      ),
    stat: async (path) => {
      const { mode, uid, gid, ino, size } = await fs.stat(at(path));
      return { mode: mode & 0o7777, uid, gid, inode: ino, size };
    },
    makeFolder: async (path) => void (await fs.mkdir(at(path), { recursive: true })),
    link: (target, path) => fs.symlink(target, at(path)),
    remove: (path) => fs.rm(at(path), { recursive: true, force: true }),
  };
}
