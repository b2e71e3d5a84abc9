import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { until } from '../wait.ts';
import { type ExecOptions, execIn } from './exec.ts';
import { type ImageOptions, image } from './images.ts';
import { inside } from './inside.ts';
import type { Finished } from './run.ts';
import { type Supervisor, supervise } from './supervisor.ts';

/** Seconds that a boot or a power-off may take. */
const BOOT_SECONDS = 90;

export interface BootOptions extends ImageOptions {
  /** Default `box`. */
  readonly hostname?: string;
}

/**
 * A booted Debian with its own systemd, that nothing outlives: not {@link powerOff}, not the end of this
 * process.
 */
export interface Container {
  readonly system: ImageOptions['system'];
  /** Pid of the process that holds it, on this machine, from the first boot to the end. */
  readonly supervisor: number;
  /** Pid of its process 1, on this machine. Another one after each reboot. */
  init(): number;
  /** Where this process finds a path of the container. */
  hostPath(path: string): string;
  /**
   * Runs a command and waits for its end: see {@link execIn}. Rejects when it fails, unless `check` is
   * false.
   */
  exec(argv: readonly string[], options?: ExecOptions): Promise<Finished>;
  /** Writes a file with the given mode (default 0644), and makes its folders. */
  writeFile(path: string, content: string | Uint8Array, mode?: number): void;
  readFile(path: string): string;
  exists(path: string): boolean;
  /** The kernel's id of this boot. */
  bootId(): string;
  /**
   * Reboots in order, or as if the plug was pulled, and waits until it is up. What is on disk stays in
   * both cases.
   */
  reboot(options?: { readonly pullPlug?: boolean }): Promise<void>;
  /** Shuts down in order and waits for the end; kills what does not end. May be called again. */
  powerOff(): Promise<void>;
}

/**
 * Boots a throw-away container: it has its own network with nothing but `lo` (see network.ts for more), and changes
 * nothing of its image.
 *
 * @throws Error when the image can't be made (see {@link image}) or the system does not come up; with its
 *   console.
 */
export async function boot(options: BootOptions): Promise<Container> {
  const supervisor = await supervise(await image(options), options.hostname ?? 'box');
  try {
    await up(supervisor);
  } catch (error) {
    supervisor.kill();
    await supervisor.ended;
    throw error;
  }
  return containerOf(supervisor, options.system);
}

function containerOf(supervisor: Supervisor, system: ImageOptions['system']): Container {
  const hostPath = (path: string) => inside(`/proc/${init(supervisor)}/root`, path);
  const bootId = () => readFileSync(hostPath('/proc/sys/kernel/random/boot_id'), 'utf8').trim();
  return {
    system,
    supervisor: supervisor.pid,
    init: () => init(supervisor),
    hostPath,
    exec: (argv, options) => execIn(init(supervisor), supervisor.group, argv, options),
    writeFile(path, content, mode = 0o644) {
      mkdirSync(dirname(hostPath(path)), { recursive: true });
      writeFileSync(hostPath(path), content, { mode });
    },
    readFile: (path) => readFileSync(hostPath(path), 'utf8'),
    exists: (path) => existsSync(hostPath(path)),
    bootId,
    async reboot({ pullPlug = false } = {}) {
      const former = init(supervisor);
      if (pullPlug) supervisor.cutPower();
      else await systemctl(supervisor, 'reboot');
      await until('the shutdown before a reboot', () => supervisor.init() !== former, {
        seconds: BOOT_SECONDS,
      });
      await up(supervisor);
    },
    async powerOff() {
      if (supervisor.init() !== undefined) await systemctl(supervisor, 'poweroff');
      const timer = setTimeout(supervisor.kill, BOOT_SECONDS * 1000);
      await supervisor.ended;
      clearTimeout(timer);
    },
  };
}

async function up(supervisor: Supervisor): Promise<void> {
  let end: number | undefined;
  void supervisor.ended.then((code) => {
    end = code;
  });
  const running = async () => {
    if (end !== undefined) throw new Error(`the container ended with ${end}`);
    if (supervisor.init() === undefined) return false;
    const { stdout } = await systemctl(supervisor, 'is-system-running');
    return ['running', 'degraded'].includes(stdout.trim());
  };
  try {
    await until('the container to be up', running, { seconds: BOOT_SECONDS });
  } catch (error) {
    throw new Error(`${error}. Its console:\n${supervisor.output()}`, { cause: error });
  }
}

// Unchecked: it can't connect early in the boot, and may be killed late in the shutdown.
function systemctl(supervisor: Supervisor, verb: string): Promise<Finished> {
  return execIn(init(supervisor), supervisor.group, ['systemctl', verb], { check: false, timeoutMs: 20_000 });
}

function init(supervisor: Supervisor): number {
  const pid = supervisor.init();
  if (pid === undefined) throw new Error('the container is not running');
  return pid;
}
