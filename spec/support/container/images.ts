import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';

/** Debian releases that are made by debootstrap, and the package that brings Puppet there. */
const SUITES = { bullseye: 'puppet', trixie: 'puppet-agent' } as const;

/** The packages that every container has, whatever is asked for in addition. */
const BASICS = ['cron', 'dbus', 'libpam-systemd', 'login', 'procps', 'sudo', 'systemd', 'systemd-sysv'];

/** A build may have to wait for that of another process. */
const BUILD_TIMEOUT_MS = 15 * 60_000;

/**
 * One build at a time of one thing, and none that outlives the tests. The lock goes with the last process.
 */
const LOCKED = ['setpriv', '--pdeathsig', 'KILL', 'flock', '--no-fork'];

/** Folder for what has been built. Everything in it can be removed at any time when no container runs. */
export const CACHE = process.env.AGAIN_SPEC_CACHE ?? '/var/cache/again-spec';

export interface ImageOptions {
  /** `host`: the packages of this machine, by an overlay of its `/`. Else: a release, by debootstrap. */
  readonly system: 'host' | keyof typeof SUITES;
  /** Debian packages besides Puppet and what a booted system needs. Default: none. */
  readonly packages?: readonly string[];
  /**
   * Commands for `sh -c`, run in order when the image is made, with network (`gem install …`). Default:
   * none.
   */
  readonly commands?: readonly string[];
}

export interface Image {
  readonly system: ImageOptions['system'];
  /** Folders for overlayfs, uppermost first. */
  readonly layers: readonly string[];
  /**
   * An archive that belongs above the layers. Only the host's image has one, when the machine lacks
   * packages.
   */
  readonly archive?: string;
}

/**
 * Makes the file system that containers boot from, or finds it in the cache (see {@link CACHE}).
 * The first call for a release takes minutes.
 *
 * @throws Error with the output of debootstrap, apt or the failing command.
 */
export async function image(options: ImageOptions): Promise<Image> {
  mkdirSync(CACHE, { recursive: true, mode: 0o700 });
  return options.system === 'host' ? hostImage(options) : suiteImage(options.system, options);
}

/**
 * Makes a store of podman's in which that system is the image `localhost/debian`, or finds it in the cache. It is read and never written: as an additional store.
 */
export async function store(options: ImageOptions): Promise<string> {
  const { layers } = await image(options);
  const folder = join(CACHE, `store-${digest(layers)}`);
  await build('build-store.sh', folder, [folder, layers.join(':')]);
  return folder;
}

async function suiteImage(system: keyof typeof SUITES, { packages = [], commands = [] }: ImageOptions) {
  const base = join(CACHE, system);
  await build('build-base.sh', base, [system, base]);

  const wanted = [...BASICS, SUITES[system], ...packages];
  const packaged = join(CACHE, `${system}-${digest(wanted)}`);
  await build('build-layer.sh', packaged, [packaged, base, wanted.join(' ')]);
  if (commands.length === 0) return { system, layers: [packaged, base] };

  // Above the packages, which an image without the commands has in common with this one.
  const layer = join(CACHE, `${system}-${digest(wanted, commands)}`);
  await build('build-layer.sh', layer, [layer, `${packaged}:${base}`, '', ...commands]);
  return { system, layers: [layer, packaged, base] };
}

async function hostImage({ packages = [], commands = [] }: ImageOptions): Promise<Image> {
  const missing = await notInstalled([...BASICS, 'puppet-agent', ...packages]);
  if (missing.length === 0 && commands.length === 0) return { system: 'host', layers: ['/'] };

  // An archive: overlayfs refuses a layer that lies within another one, as all folders do in `/`.
  const status = readFileSync('/var/lib/dpkg/status', 'utf8');
  const archive = join(CACHE, `host-${digest(missing, commands, status)}.tar`);
  await build('build-layer.sh', archive, [archive, '/', missing.join(' '), ...commands]);
  return { system: 'host', layers: ['/'], archive };
}

async function notInstalled(packages: readonly string[]): Promise<string[]> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
  const format = '${Package} ${db:Status-Status}\\n';
  const { stdout } = await run(['dpkg-query', '-W', '-f', format, ...packages], { check: false });
  const lines = new Set(stdout.split('\n'));
  return packages.filter((name) => !lines.has(`${name} installed`));
}

function build(script: string, result: string, args: readonly string[]) {
  const isolated = [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  const command = ['sh', join(import.meta.dirname, script), ...args];
  return run([...LOCKED, `${result}.lock`, ...isolated, ...command], { timeoutMs: BUILD_TIMEOUT_MS });
}

function digest(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}
