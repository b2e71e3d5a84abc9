import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { archiveOf, pack, sumsOf } from '../../scripts/archive.mjs';
import { temporaryFolder } from '../unit/state/temporary.ts';

// Each starts dozens of programs, also on a machine that others keep busy.
vi.setConfig({ testTimeout: 60_000 });

// Only root can mount, and give files to other users.
beforeAll(() => {
  if (process.getuid?.() !== 0)
    throw new Error('these tests need root: they mount, and give files to other users');
});

const shells: readonly (readonly [string, ...string[]])[] = [
  ['dash'],
  ['bash', '--posix'],
  ['busybox', 'sh'],
  ['ksh'],
];
const sumOf = (content: Buffer) => createHash('sha256').update(content).digest('hex');

/** A real ELF program that says its version, as small as there is: `true`, which knows `--version`. With a tail, one of any size. */
const program = (tail = '') => Buffer.concat([readFileSync('/bin/true'), Buffer.from(tail)]);

/** The executable that the build has made for this CPU. */
const executable = `files/again/again-linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`;

interface Place {
  readonly folder: string;
  /** Puts an archive there as Puppet does, by a rename. */
  fetch(content: Buffer): void;
  run(
    action: string,
    sum?: string,
    wrap?: readonly string[],
  ): { status: number | null; stdout: string; stderr: string };
  /** The files in the folder and in state/. */
  files(): string[];
}

function place(shell: readonly string[] = ['dash'], folder = join(temporaryFolder(), 'again')): Place {
  mkdirSync(join(folder, 'state'), { recursive: true, mode: 0o755 });
  copyFileSync('files/again/deliver', join(folder, 'deliver'));
  return {
    folder,
    fetch: (content) => {
      writeFileSync(join(folder, '.fetched'), gzipSync(content, { level: 1 }));
      renameSync(join(folder, '.fetched'), join(folder, 'again.gz'));
    },
    run: (action, sum = '', wrap = []) => {
      const [command = '', ...args] = [...wrap, ...shell, join(folder, 'deliver'), action, sum];
      const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: '/' });
      return { status, stdout, stderr };
    },
    files: () =>
      [...readdirSync(folder), ...readdirSync(join(folder, 'state')).map((name) => `state/${name}`)].sort(),
  };
}

const done = { status: 0, stdout: '', stderr: '' };
const delivered = ['again', 'again.gz', 'deliver', 'state', 'state/delivered'];

describe.each(shells)('the delivery, by %s', (...shell) => {
  test('puts in place what was fetched, complete, and finds nothing to do then', () => {
    const { folder, fetch, run, files } = place(shell);
    const sum = sumOf(program());
    expect(run('check', sum)).toEqual({ ...done, status: 1 });
    expect(run('prepare', sum)).toEqual(done);
    fetch(program());
    expect(run('unpack', sum)).toEqual(done);
    expect(files()).toEqual(delivered);
    expect(statSync(join(folder, 'again')).mode & 0o7777).toBe(0o754);
    expect(statSync(join(folder, 'again.gz'))).toMatchObject({ size: 512, mode: 0o100644 });
    expect(run('check', sum)).toEqual(done);
  });

  test('an archive that another run has fetched, and not unpacked, is used', () => {
    const { fetch, run, files } = place(shell);
    const sum = sumOf(program());
    fetch(program());
    expect(run('prepare', sum)).toEqual(done);
    expect(files()).toEqual(delivered);
    expect(run('check', sum)).toEqual(done);
    // That other run comes to its unpacking now.
    expect(run('unpack', sum)).toEqual(done);
    expect(files()).toEqual(delivered);
  });

  test('one that somebody has put there needs no archive: its header is written, as the build makes it', () => {
    const { folder, run, files } = place(shell);
    writeFileSync(join(folder, 'again'), program());
    const sum = sumOf(program());
    expect(run('prepare', sum)).toEqual(done);
    expect(files()).toEqual(delivered);
    expect(statSync(join(folder, 'again')).mode & 0o7777).toBe(0o754);
    expect(run('check', sum)).toEqual(done);
    const built = join(temporaryFolder(), 'built');
    writeFileSync(built, program());
    pack(built);
    const header = readFileSync(archiveOf(built)).subarray(0, 512);
    expect(readFileSync(join(folder, 'again.gz'))).toEqual(header);
    expect(readFileSync(sumsOf(built), 'utf8')).toBe(`${sum} ${sumOf(header)}\n`);
    expect(gunzipSync(readFileSync(archiveOf(built)))).toEqual(program());
  });

  test('an archive of something else is removed, and what was there stays', () => {
    const { folder, fetch, run, files } = place(shell);
    const sum = sumOf(program());
    fetch(program());
    run('unpack', sum);
    fetch(program('another'));
    const { status, stderr } = run('unpack', sumOf(program('wanted')));
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^again: \S+\/again\.gz did not hold the wanted executable \(sha256 [0-9a-f]{64}, not [0-9a-f]{64}\); the next run fetches it again\n$/,
    );
    expect(files()).toEqual(delivered.filter((name) => name !== 'again.gz'));
    expect(sumOf(readFileSync(join(folder, 'again')))).toBe(sum);
  });

  test('a program that does not start here never gets the name: the old one stays, and so does the archive', () => {
    const { folder, fetch, run, files } = place(shell);
    const old = sumOf(program());
    fetch(program());
    run('unpack', old);
    const foreign = program();
    foreign.writeUInt16LE(0xb7 ^ foreign.readUInt16LE(18) ^ 0x3e, 18);
    fetch(foreign);
    const cpu =
      /^again: the new executable does not start, and the old one stays: \S+\/again is built for another CPU than this \S+\n$/;
    const { status, stderr } = run('unpack', sumOf(foreign));
    expect([status, stderr]).toEqual([1, expect.stringMatching(cpu)]);
    expect(sumOf(readFileSync(join(folder, 'again')))).toBe(old);
    expect(run('check', old)).toEqual(done);
    expect(files()).toEqual(delivered);
    // The next run doesn't fetch it again for that, and says the same.
    const again = run('prepare', sumOf(foreign));
    expect([again.status, again.stderr]).toEqual([1, expect.stringMatching(cpu)]);
    expect(statSync(join(folder, 'again.gz')).size).toBeGreaterThan(512);
  });

  test('another C library, and a mount without the right to execute, are named, and the old one stays', () => {
    const old = sumOf(program());
    const withOld = (folder?: string) => {
      const here = place(shell, folder);
      here.fetch(program());
      expect(here.run('unpack', old)).toEqual(done);
      return here;
    };
    const { folder, fetch, run } = withOld();
    const text = program().toString('latin1');
    const loader = /\/lib[^\0]*\/ld-[^\0]*/.exec(text)?.[0] ?? '';
    const musl = Buffer.from(text.replace(loader, loader.replace(/.$/, '#')), 'latin1');
    fetch(musl);
    expect(run('unpack', sumOf(musl)).stderr).toMatch(
      /^again: the new executable does not start, and the old one stays: \S+\/again needs glibc 2\.28 or later, and this system has no \/lib\S+#\n$/,
    );
    expect(sumOf(readFileSync(join(folder, 'again')))).toBe(old);

    const noexec = withOld(join(temporaryFolder(), 'with a space', 'again'));
    noexec.fetch(program('new'));
    // The mount goes with the namespace: what the folder has by then is said there.
    const script = `mount -t tmpfs -o noexec tmpfs "$1" && cp -a "$1-kept/." "$1" || exit
folder=$1
shift
"$@"
status=$?
sha256sum <"$folder/again"
exit $status`;
    execFileSync('cp', ['-a', noexec.folder, `${noexec.folder}-kept`]);
    const wrap = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', noexec.folder];
    expect(noexec.run('unpack', sumOf(program('new')), wrap)).toEqual({
      status: 1,
      stdout: `${old}  -\n`,
      stderr: `again: the new executable does not start, and the old one stays: ${noexec.folder}/again lies on ${noexec.folder}, which is mounted noexec: set common::vardir::base to a folder on another file system\n`,
    });
  });

  test('a limit on memory that stops the real executable is named, and the old one stays', () => {
    const { folder, fetch, run, files } = place(shell);
    const old = sumOf(program());
    fetch(program());
    expect(run('unpack', old)).toEqual(done);
    const [wanted = ''] = readFileSync(sumsOf(executable), 'utf8').split(' ');
    copyFileSync(archiveOf(executable), join(folder, 'again.gz'));
    const limited = ['sh', '-c', 'ulimit -v 1048576; exec "$@"', 'sh'];
    expect(run('unpack', wanted, limited)).toEqual({
      status: 1,
      stdout: '',
      stderr: `again: the new executable does not start, and the old one stays: ${folder}/again is stopped by a limit on memory that this process has (ulimit -v 1048576, in KiB): 2097152 is enough\n`,
    });
    expect(sumOf(readFileSync(join(folder, 'again')))).toBe(old);
    expect(files()).toEqual(delivered);
    // Without the limit, the archive that stayed is all that it takes.
    expect(run('unpack', wanted)).toEqual(done);
    expect(run('check', wanted)).toEqual(done);
  });

  test('what an ordinary user has delivered is that user’s, also in a folder that hands on its group', () => {
    const { folder, fetch, run } = place(shell);
    const sum = sumOf(program());
    fetch(program());
    for (const path of [folder, join(folder, 'state'), join(folder, 'again.gz')])
      chownSync(path, 12345, 12345);
    for (const path of [join(folder, '..'), join(folder, 'deliver')]) chmodSync(path, 0o755);
    chownSync(join(folder, 'state'), 12345, 54321);
    chmodSync(join(folder, 'state'), 0o2700);
    const user = ['setpriv', '--reuid=12345', '--regid=12345', '--groups=54321'];
    expect(run('unpack', sum, user)).toEqual(done);
    for (const name of ['again', 'again.gz']) {
      expect(statSync(join(folder, name))).toMatchObject({ uid: 12345, gid: 12345 });
    }
    expect(run('check', sum, user)).toEqual(done);
  });

  test('many at once, with archives that change in between, all succeed', async () => {
    const { folder, fetch, files } = place(shell);
    const content = program('x'.repeat(3_000_000));
    const sum = sumOf(content);
    const seen: string[] = [];
    let over = false;
    const watching = (async () => {
      // Whenever the name is there, what has it is whole and executable.
      while (!over) {
        const stat = statSync(join(folder, 'again'), { throwIfNoEntry: false });
        if (stat) seen.push(`${stat.size} ${(stat.mode & 0o7777).toString(8)}`);
        await new Promise(setImmediate);
      }
    })();
    const one = async () => {
      for (const action of ['prepare', 'fetch', 'unpack']) {
        if (action === 'fetch') {
          // As Puppet: only where there is none, and by a rename.
          if (!existsSync(join(folder, 'again.gz'))) fetch(content);
          continue;
        }
        const [command = '', ...args] = [...shell, join(folder, 'deliver'), action, sum];
        const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
        let said = '';
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (text) => {
            said += text;
          });
        const code = await new Promise((resolve) => child.on('close', resolve));
        expect([action, code, said]).toEqual([action, 0, '']);
      }
    };
    for (let round = 0; round < 3; round += 1) {
      execFileSync('rm', [
        '-f',
        join(folder, 'again.gz'),
        join(folder, 'again'),
        join(folder, 'state/delivered'),
      ]);
      await Promise.all(Array.from({ length: 6 }, one));
      expect(files()).toEqual(delivered);
      expect(place(shell, folder).run('check', sum)).toEqual(done);
    }
    over = true;
    await watching;
    expect(new Set(seen)).toEqual(new Set([`${content.length} 754`]));
  });

  test('what a killed delivery left behind goes with the next one; what another host made stays for a day', () => {
    const { folder, fetch, run, files } = place(shell);
    const [boot] = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').split('-');
    const namespace = execFileSync('readlink', ['/proc/self/ns/pid'], { encoding: 'utf8' }).replace(
      /\D/g,
      '',
    );
    const ours = `delivery.${boot}-${namespace}.`;
    const { pid: ended } = spawnSync('true');
    const living = spawn('sh', ['-c', 'sleep 600', 'deliver']);
    const [dead, alive, other, old] = [
      `${ours}${ended}`,
      `${ours}${living.pid}`,
      'delivery.aa-1.7',
      'delivery.aa-1.8',
    ];
    for (const name of [dead, alive, other, old]) writeFileSync(join(folder, 'state', name), '');
    execFileSync('touch', ['-d', '2 days ago', join(folder, 'state', old)]);
    fetch(program());
    expect(run('unpack', sumOf(program()))).toEqual(done);
    living.kill();
    expect(files()).toEqual([...delivered, `state/${alive}`, `state/${other}`].sort());
  });

  test.each(['prepare', 'unpack'])(
    'what Puppet was writing when it was killed goes a day later, where %s comes by',
    (action) => {
      const { folder, fetch, run, files } = place(shell);
      const [fresh, ...old] = [
        'again.gz20261125-4711-1a2b3c',
        'again.gz20261125-4712-1a2b3c',
        'again.json20261124-813-z',
      ];
      const others = ['again.gz-2026', 'state/again.gz20261125-4712-1a2b3c'];
      for (const name of [fresh, ...old, ...others]) writeFileSync(join(folder, name), 'x');
      for (const name of [...old, ...others]) execFileSync('touch', ['-d', '2 days ago', join(folder, name)]);
      fetch(program());
      expect(run(action, sumOf(program()))).toEqual(done);
      expect(files()).toEqual([...delivered, fresh, ...others].sort());
    },
  );

  test('one that is told to end leaves nothing of its own', async () => {
    const { folder, fetch, files } = place(shell);
    fetch(program());
    const pipe = join(folder, 'again.gz');
    execFileSync('sh', ['-c', 'rm "$1" && mkfifo "$1"', 'sh', pipe]);
    const [command = '', ...args] = [...shell, join(folder, 'deliver'), 'unpack', 'wanted'];
    const child = spawn(command, args, { detached: true, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
    const temporary = () => files().filter((name) => name.startsWith('state/'));
    const writer = spawn('sh', ['-c', 'exec 3>"$1"; sleep 600', 'sh', pipe]);
    await expect.poll(temporary, { timeout: 20_000 }).toHaveLength(1);
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    expect(await ended).toBe(143);
    writer.kill();
    // The last process of it may end a moment after the shell.
    await expect.poll(temporary, { timeout: 20_000 }).toEqual([]);
  });
});

describe('the executable itself', () => {
  const real = () => {
    const here = place();
    copyFileSync(executable, join(here.folder, 'again'));
    writeFileSync(join(here.folder, 'again.sha256'), `${sumOf(readFileSync(executable))}  again\n`);
    return here;
  };
  /** The line of the launcher's Exec, where a run's processes start like this. */
  const examined = (wrap: readonly string[]) => {
    const here = real();
    const { stdout } = here.run('examine', '', wrap);
    return stdout.replaceAll(here.folder, '');
  };

  test.each([
    ['-v', '1048576'],
    ['-d', '262144'],
  ])('a limit on memory (ulimit %s %s) is named', (letter, value) => {
    expect(examined(['sh', '-c', `ulimit ${letter} ${value}; exec "$@"`, 'sh'])).toBe(
      `/again is stopped by a limit on memory that this process has (ulimit ${letter} ${value}, in KiB): 2097152 is enough\n`,
    );
    expect(
      examined([
        'sh',
        '-c',
        `ulimit ${letter} ${value}; exec setpriv --inh-caps=-all --bounding-set=-all "$@"`,
        'sh',
      ]),
      'where it can’t be raised',
    ).toMatch(new RegExp(`^/again is stopped by a limit on memory .*ulimit ${letter} ${value}`));
    expect(examined(['sh', '-c', `ulimit ${letter} 2097152; exec "$@"`, 'sh'])).toMatch(/it starts now/);
  });

  test('memory that must not be made executable (MemoryDenyWriteExecute=yes) is named', () => {
    // The call of systemd for it: PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN.
    const call = process.arch === 'arm64' ? 167 : 157;
    const forbid = `syscall(${call}, 65, 1, 0, 0, 0).zero? or abort; exec(*ARGV)`;
    expect(examined(['ruby', '-W0', '-e', forbid])).toMatch(
      /^\/again is not allowed to make memory executable, .* MemoryDenyWriteExecute=yes in a unit of systemd, [^\n]*\n$/,
    );
  });

  test('any other end is told with its status and its last words', () => {
    const here = place();
    const script = '#!/bin/sh\necho "# the  last"\necho words\n exit 7\n';
    writeFileSync(join(here.folder, 'again'), script, { mode: 0o754 });
    writeFileSync(join(here.folder, 'again.sha256'), `${sumOf(Buffer.from(script))}  again\n`);
    expect(here.run('examine').stdout).toBe(
      `${here.folder}/again does not start, and is not damaged: \`${here.folder}/again --version\` ends with status 7: the last words\n`,
    );
  });

  test('its old self is asked about nothing that it doesn’t know, and a new one tells of waiters', () => {
    const here = place();
    const source = join(here.folder, 'teller.c');
    writeFileSync(
      source,
      '#include <stdio.h>\n#include <string.h>\nint main(int n, char **a) { if (n > 1 && !strcmp(a[1], "updated")) puts("2 waiters"); return 0; }\n',
    );
    execFileSync('cc', ['-o', join(here.folder, 'teller'), source]);
    const teller = readFileSync(join(here.folder, 'teller'));
    here.fetch(teller);
    expect(here.run('unpack', sumOf(teller)), 'the first one').toEqual(done);
    const second = Buffer.concat([teller, Buffer.from('\n')]);
    here.fetch(second);
    expect(here.run('unpack', sumOf(second))).toEqual({ ...done, stdout: '2 waiters\n' });
    here.fetch(program());
    expect(here.run('unpack', sumOf(program()))).toEqual(done);
  });
});
