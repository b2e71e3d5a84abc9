import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, vi } from 'vitest';
import { temporaryFolder } from '../state/temporary.ts';
import { LISTENING } from './names.ts';
import type { Outcome, Wanted } from './waiter.worker.ts';

const WORKER = join(import.meta.dirname, 'waiter.worker.ts');

/** The log that was announced for the rerun, as records of tests have it. */
const LOG = '20261122T080910Z-abcdef.log';

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** What a test wants, the folder apart, which is its own. */
export type Wishes = Partial<Omit<Wanted, 'home'>>;

/** A waiter in a process of its own, with a folder of its own. */
export class WaiterProcess {
  readonly home = temporaryFolder();
  readonly folder = join(this.home, 'state');
  readonly disabledFile = join(this.home, 'agent_disabled.lock');
  readonly child: ChildProcess;
  private output = '';
  private readonly closed: Promise<unknown>;

  /** @param faults by point: what happens there (src/os/fault.ts) */
  constructor(wishes: Wishes = {}, faults: Record<string, string> = {}) {
    const { home } = this;
    const program = join(home, 'puppet');
    writeFileSync(program, '#!/bin/sh\necho "ran $*, A=$A, link $AGAIN_LINK of $AGAIN_CHAIN"\n', {
      mode: 0o755,
    });
    mkdirSync(join(home, 'faults'));
    for (const [point, what] of Object.entries(faults)) writeFileSync(join(home, 'faults', point), what);
    writeFileSync(join(home, 'wanted'), JSON.stringify({ home, program, ...wishes } satisfies Wanted));
    this.child = spawn(process.execPath, [WORKER, join(home, 'wanted')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(this.child);
    this.child.stdout?.on('data', (data) => {
      this.output += data;
    });
    this.closed = once(this.child, 'close');
  }

  /** Waits for its end, and returns what has come of it; undefined where that is the rerun. */
  async end(): Promise<Outcome | undefined> {
    await this.closed;
    expect(readdirSync(join(this.home, 'faults')), 'points that it did not pass').toEqual([]);
    return this.output === '' ? undefined : JSON.parse(this.output);
  }

  /** Waits until a SIGTERM cancels what it waits for. */
  async isListening(): Promise<void> {
    await vi.waitFor(() => expect(existsSync(join(this.home, LISTENING))).toBe(true), { timeout: 60_000 });
  }

  /** The lines of its journal, each with the milliseconds of the monotonic clock. */
  get timedJournal(): { readonly at: number; readonly line: string }[] {
    const lines = this.read('journal').matchAll(/^(\d+) \d+ ([a-z ]+: .*)$/gm);
    return [...lines].map(([, at, line = '']) => ({ at: Number(at), line }));
  }

  get journal(): string[] {
    return this.timedJournal.map(({ line }) => line);
  }

  log(name = LOG): string {
    return this.read(`state/logs/${name}`);
  }

  /** Names of all files of the state folder, its lock apart. */
  get files(): string[] {
    const names = readdirSync(this.folder, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => !name.startsWith('lock-'));
  }

  get history(): { readonly failure: string | null }[] {
    const names = this.files.filter((name) => /^history\/.*\.json$/.test(name));
    return names.map((name) => JSON.parse(this.read(`state/${name}`)));
  }

  private read(name: string): string {
    const path = join(this.home, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }
}
