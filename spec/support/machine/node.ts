import type { Process } from '../processes.ts';

/** A machine that Puppet runs on: this one, a namespace of it, or a booted container. */
export interface Node {
  readonly name: string;

  /** Runs a command to its end. The exit code is the caller's business; a command that outlives its time is an error. */
  exec(command: Command): Promise<Finished>;

  /** Starts a command and leaves it running. */
  start(command: Command): Promise<Started>;

  /** All processes that are not kernel threads. */
  processes(): Promise<readonly Process[]>;

  /** Sends a signal. No such process is no error: it may have ended just now. */
  signal(pid: number, signal: string): Promise<void>;

  readonly files: Files;
}

export interface Command {
  readonly argv: readonly string[];
  readonly cwd?: string;
  /** The whole environment; nothing of the test's own gets in. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take; 300 unless told. */
  readonly seconds?: number;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order of arrival. */
  readonly output: string;
}

export interface Started {
  readonly pid: number;
  /** Its output so far. */
  output(): string;
  readonly ended: Promise<Finished>;
}

export interface Files {
  read(path: string): Promise<Buffer>;
  write(path: string, content: string | Buffer, mode?: number): Promise<void>;
  /** Names in a folder, sorted; none where there is no folder. */
  list(path: string): Promise<readonly string[]>;
  exists(path: string): Promise<boolean>;
  stat(path: string): Promise<{ mode: number; uid: number; gid: number; inode: number; size: number }>;
  makeFolder(path: string): Promise<void>;
  link(target: string, path: string): Promise<void>;
  remove(path: string): Promise<void>;
}
