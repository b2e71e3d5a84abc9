import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../wait.ts';
import { type ImageOptions, store } from './images.ts';
import { copyCommon } from './modules.ts';
import { childrenOf } from './processes.ts';
import { type Finished, run } from './run.ts';

/** Builds images from real Dockerfiles, by podman. */
export interface Builder {
  /**
   * Builds an image. Its context holds the module as `common`, and `files`. `FROM debian` is the system that was asked for, `FROM` the name of an earlier build that one.
   * A command that fails ends the build with its exit code: nothing is checked here.
   */
  build(name: string, dockerfile: string, files?: Readonly<Record<string, string>>): Promise<Finished>;
  /** Runs a command as the process 1 of a container of an image; what it changes is lost. Not checked either. */
  run(name: string, command: readonly string[]): Promise<Finished>;
  /** Ends all that is running. May be called again. */
  close(): Promise<void>;
}

/** Milliseconds for a build. */
const BUILD_TIMEOUT_MS = 240_000;

/**
 * Opens one: everything that it makes lies in namespaces of its own, and ends with this process at the latest. Only the base image comes from the cache.
 *
 * @throws Error when that can't be made, with the output of the command that failed
 */
export async function openBuilder(options: ImageOptions): Promise<Builder> {
  const base = await store(options);
  const script = join(import.meta.dirname, 'builder.sh');
  const isolated = ['--net', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const holder = spawn('unshare', [...isolated, '--mount-proc', 'sh', script], {
    detached: true,
    stdio: 'pipe',
  });
  const output: string[] = [];
  for (const stream of [holder.stdout, holder.stderr])
    stream.setEncoding('utf8').on('data', (text) => output.push(text));
  holder.stdin.on('error', () => {}); // it has ended
  const ended = new Promise((resolve) => holder.once('close', resolve));
  await until('the builder of images', () => output.includes('ready\n') || holder.exitCode !== null, {
    seconds: 30,
  });
  if (holder.exitCode !== null) throw new Error(`the builder failed:\n${output.join('')}`);

  const [inside] = childrenOf(holder.pid);
  const enter = ['nsenter', `--target=${inside}`, '--mount', '--net', '--pid', '--'];
  const podman = [
    ...['podman', '--root', '/mnt/store', '--runroot', '/mnt/run'],
    ...['--storage-driver', 'vfs', '--storage-opt', `vfs.imagestore=${base}`],
    ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'none'],
  ];
  const unchecked = {
    check: false,
    timeoutMs: BUILD_TIMEOUT_MS,
    env: { PATH: process.env.PATH, TMPDIR: '/mnt/tmp', HOME: '/mnt/tmp' },
  };
  const mnt = `/proc/${inside}/root/mnt`;
  copyCommon(`${mnt}/context/common`);
  return {
    async build(name, dockerfile, files = {}) {
      for (const [file, content] of Object.entries({ ...files, Dockerfile: dockerfile }))
        writeFileSync(join(mnt, 'context', file), content);
      // Without the cgroups and namespaces of `podman run`, which a container in a container does not get.
      const options = ['--isolation=chroot', '--pull=never', '--layers=false', '--force-rm', '--tag', name];
      // Both streams are one output, in its order.
      const build = ['sh', '-c', 'exec "$@" 2>&1', 'sh', ...podman, 'build', ...options, '/mnt/context'];
      const finished = await run([...enter, ...build], unchecked);
      for (const file of Object.keys(files)) rmSync(join(mnt, 'context', file));
      return finished;
    },
    async run(name, command) {
      const mounted = await run([...enter, ...podman, 'image', 'mount', name], { ...unchecked, check: true });
      const script1 = join(import.meta.dirname, 'process-1.sh');
      return run([...enter, 'sh', script1, mounted.stdout.trim(), `${inside}`, ...command], unchecked);
    },
    async close() {
      holder.stdin.end();
      await ended;
    },
  };
}
