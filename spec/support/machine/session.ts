import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, chmod, cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** The things that all worlds of one test file share: a folder that is removed at the end, with every process that mentions it. */
export interface Session {
  readonly root: string;
  /** A copy of the module, so that a build meanwhile doesn't change what is tested. */
  readonly module: string;
  /** Ends and removes all that is left, and says whether that went well. */
  close(): Promise<void>;
}

export const supportFolder = fileURLToPath(new URL('./', import.meta.url)).replace(/\/$/, '');
const repository = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** Only x86_64 machines have run this so far; the executable of another CPU is not worth its copy. */
export const executableName = process.arch === 'arm64' ? 'again-linux-arm64' : 'again-linux-x64';

/** The parts of the repository that make the module. */
const parts = ['manifests', 'templates', 'functions', 'types', 'lib', 'data', 'hiera.yaml', 'metadata.json'];

/** Opens a session. The module is the repository, or what AGAIN_MODULE names (an unpacked tarball, for example). */
export async function openSession(): Promise<Session> {
  const root = await mkdtemp(join(tmpdir(), 'again-machine-'));
  await chmod(root, 0o755);
  const watchdog = spawn('/bin/sh', [join(supportFolder, 'watchdog.sh')], {
    cwd: '/',
    detached: true, // a Ctrl-C at the terminal is for the tests, not for who cleans up after them
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  watchdog.stdin.write(`${root}\n`);

  const source = process.env.AGAIN_MODULE ?? repository;
  const module = join(root, 'modules/common');
  const executable = join('files/again', executableName);
  const archive = `${executable}.gz`;
  await access(join(source, archive)).catch(() => {
    throw new Error(`${join(source, archive)} is missing: npm run build makes it`);
  });
  await mkdir(join(module, 'files/again'), { recursive: true });
  const files = [
    'files/again/deliver',
    'files/again/notify',
    'files/again/remove',
    archive,
    `${executable}.sums`,
  ];
  for (const part of [...parts, ...files]) {
    if (!existsSync(join(source, part))) continue;
    await cp(join(source, part), join(module, part), { recursive: true, preserveTimestamps: true });
  }
  // Unpacked once, for all worlds in which it lies already.
  await writeFile(join(module, executable), gunzipSync(await readFile(join(module, archive))));

  return {
    root,
    module,
    close: async () => {
      watchdog.stdin.end();
      const [code] = watchdog.exitCode === null ? await once(watchdog, 'exit') : [watchdog.exitCode];
      if (code !== 0) throw new Error(`could not end everything that belongs to ${root}: see ps`);
    },
  };
}
