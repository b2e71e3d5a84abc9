import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Bench } from '../../support/machine/bench.ts';
import { serveFolder } from '../../support/machine/file-server.ts';
import { anotherVersion, brokenArchive, wantedSum } from '../../support/machine/modules.ts';
import type { Finished } from '../../support/machine/node.ts';
import { executableName } from '../../support/machine/session.ts';
import { until } from '../../support/machine/wait.ts';
import { announcement, notifyOnce, outputOf, type World } from '../../support/machine/world.ts';

const everything = ['Exec[common::again look]', 'File[AGAIN.gz]', 'Exec[common::again unpack]'];

/** How the executable gets to a node, and what becomes of damage to it. */
export function deliveryScenarios(bench: Bench): void {
  for (const [way, knowsFolder] of [
    ['with a folder that the fact knows', true],
    ['with a folder that only Hiera knows', false],
  ] as const) {
    test(`the first run delivers, and the next one finds nothing to do: ${way}`, async (context) => {
      const world = await bench.world(context, { delivered: false });
      const first = await include(world, { knowsFolder });
      expect(changes(world, first)).toEqual(expect.arrayContaining(everything));
      await expectSound(world);
      const names = ['again', 'again.gz', 'again.json', 'again.sha256', 'deliver', 'notify', 'state'];
      expect(await world.node.files.list(world.again)).toEqual(names);
      await expectNothingToDo(world, { knowsFolder });
    });
  }

  test('one that was put in place before the first run is compared, and nothing is fetched', async (context) => {
    const world = await bench.world(context, { delivered: false });
    const source = join(world.module, 'files/again', executableName);
    await shell(world, 'mkdir -p "$2" && cp "$1" "$2/again"', source, world.again);
    const changed = changes(world, await include(world));
    expect(changed).toContain('Exec[common::again look]');
    expect(changed).not.toContain('File[AGAIN.gz]');
    expect(changed).not.toContain('Exec[common::again unpack]');
    await expectSound(world);
    await expectNothingToDo(world);
  });

  test('several runs deliver at once: each succeeds, and what they leave is whole', async (context) => {
    const world = await bench.world(context, { delivered: false });
    // Of two runs that make the same folder at once, one fails in Puppet's own `file` and its own settings: the folders are there.
    await include(world);
    for (const command of ['find "$1" -type f -delete', 'truncate --size 50M "$1/again"']) {
      await shell(world, command, world.again);
      const runs = await Promise.all(Array.from({ length: 3 }, () => include(world)));
      for (const run of runs) expect([0, 2], run.output).toContain(run.code);
      await expectSound(world);
      await expectNothingToDo(world);
    }
  });

  const damages = [
    ['is gone', 'rm "$1"'],
    ['is cut off', 'truncate --size 50M "$1"'],
    ['is another program', 'cp --remove-destination /bin/true "$1"'],
    ['is a link to one that is whole', 'mv "$1" "$2" && ln -s "$2" "$1"'],
    ['is a folder', 'rm "$1" && mkdir "$1" && touch "$1/stray"'],
  ] as const;
  for (const [state, command] of damages) {
    test(`an executable that ${state}: the next run delivers it again`, async (context) => {
      const world = await bench.world(context);
      await include(world);
      await shell(world, command, executableOf(world), world.path('elsewhere'));
      expect(changes(world, await include(world))).toEqual(everything);
      await expectSound(world);
      await expectNothingToDo(world);
    });
  }

  for (const [state, command] of [
    ['was touched', 'touch "$1"'],
    ['was copied back', 'cp -p "$1" "$1-copy" && mv "$1-copy" "$1"'],
    ['has another mode', 'chmod 700 "$1"'],
  ] as const) {
    test(`one that ${state} and is right all the same is compared, and not delivered`, async (context) => {
      const world = await bench.world(context);
      await include(world);
      await shell(world, command, executableOf(world));
      expect(changes(world, await include(world))).toEqual(['Exec[common::again look]']);
      await expectSound(world);
      await expectNothingToDo(world);
    });
  }

  test('another version, while a waiter waits: it is delivered, and the waiter goes on', async (context) => {
    const world = await bench.world(context);
    const gate = await world.write('gate', '');
    const closed = `exec { 'gate':
  command  => 'while test -e ${gate}; do sleep 0.1; done',
  provider => 'shell',
  require  => Exec['again'],
}`;
    const site = await world.write('site.pp', notifyOnce(world, "Exec['again']", closed));
    const run = await world.start({ argv: world.apply(site) });
    await until('a waiter', async () => (await world.pending()).length === 1, {
      seconds: 300,
      seen: run.output,
    });
    const [waiter] = await world.helpers();
    // It is of this version, as everything here.
    await shell(
      world,
      `sed -i 's/"software":"[^"]*"/"software":"0.1.9"/' "$1"/*.json`,
      `${world.state}/commands`,
    );

    const module = await anotherVersion(world.node, world.module);
    await world.useModule(module);
    const update = await include(world);
    expect(changes(world, update)).toEqual([...everything, 'File[AGAIN.sha256]']);
    await expectSound(world, module);
    const older = `Waiters that were there before stay as they are until they run: pid ${waiter?.pid} of version 0.1.9\n`;
    expect(update.output).toContain(older);
    const typed = async (word: string) => (await world.run({ argv: [executableOf(world), word] })).stdout;
    expect(await typed('updated')).toBe(older);
    expect(await typed('status')).toMatch(
      new RegExp(`^ +waiter +pid ${waiter?.pid}, still version 0\\.1\\.9$`, 'm'),
    );
    // Told once: the next run has nothing to deliver.
    expect((await include(world)).output).not.toContain('Waiters that were there before');
    const after = (await world.node.processes()).find(({ pid }) => pid === waiter?.pid);
    expect(after).toMatchObject({
      startTime: waiter?.startTime,
      exe: `${executableOf(world)} (deleted)`,
    });

    await world.node.files.remove(gate);
    const { output } = await run.ended;
    const runs = await world.settled(2);
    expect([announcement(output).waiter, runs[1]?.run.pid]).toEqual([waiter?.pid, waiter?.pid]);
  });

  test('another version, while two whens wait: their waiter goes on looking and becomes the rerun, and its successor has the words of the other', async (context) => {
    const world = await bench.world(context);
    const goal = (name: string) => world.path(`goal-${name}`);
    const names = ['first', 'second'];
    const whens = names.map(
      (name) => `common::again::when { '${name}': succeeds => 'test -e ${goal(name)}', interval => 1 }`,
    );
    const targets = names.map((name) => `Common::Again::When['${name}']`).join(', ');
    const site = await world.write('site.pp', notifyOnce(world, `[${targets}]`, whens.join('\n')));
    const run = await world.run({ argv: world.apply(site) });
    const { waiter } = announcement(run.output, 'again-when-first');
    const before = (await world.helpers()).find(({ pid }) => pid === waiter);

    const module = await anotherVersion(world.node, world.module);
    await world.useModule(module);
    expect(changes(world, await include(world))).toEqual([...everything, 'File[AGAIN.sha256]']);
    await expectSound(world, module);
    const after = (await world.node.processes()).find(({ pid }) => pid === waiter);
    expect(after).toMatchObject({
      startTime: before?.startTime,
      exe: `${executableOf(world)} (deleted)`,
    });
    const looksAt = async (name: string) => {
      const { stdout } = await world.run({ argv: [executableOf(world), 'status', '--json'] });
      const pending: { name: string; condition: { looks: number } }[] = JSON.parse(stdout);
      return pending.find((one) => one.name === name)?.condition.looks ?? 0;
    };
    for (const name of names) {
      const looks = await looksAt(name);
      await until(`two more looks at ${name}`, async () => (await looksAt(name)) >= looks + 2);
    }
    expect(await world.runs()).toHaveLength(1);

    await world.write('goal-first', '');
    const rerun = await until('the rerun', async () => (await world.runs())[1], { seconds: 200 });
    expect(rerun.run.pid).toBe(waiter);
    await until('its successor to look', async () => (await looksAt('second')) >= 1);
    await world.write('goal-second', '');
    const runs = await world.settled(3);
    expect(runs[2]?.run.pid).not.toBe(waiter);
  });

  test('damage that leaves every mark: `again verify` finds it, and the next run repairs it', async (context) => {
    const world = await bench.world(context);
    await include(world);
    await damageUnseen(world, 'printf x >> "$1"');
    await expectNothingToDo(world);

    const verified = await verify(world);
    expect([verified.code, verified.stdout]).toEqual([1, '']);
    expect(verified.stderr).toMatch(damaged(world));
    expect(changes(world, await include(world))).toEqual(everything);
    await expectSound(world);
  });

  test('damage that leaves every mark, and no executable that starts: the Exec says so, and the next run repairs it', async (context) => {
    const world = await bench.world(context);
    await include(world);
    await damageUnseen(world, 'dd if=/dev/zero of="$1" bs=1M seek=1 count=60 conv=notrunc 2>&1');
    const site = await world.write('site.pp', notifyOnce(world));
    const run = await world.run({ argv: world.apply(site) });
    expect(`${outputOf(run.output, 'again').join('\n')}\n`).toMatch(damaged(world));
    expect(await world.pending()).toEqual([]);
    expect(changes(world, await include(world))).toEqual(everything);
    await expectSound(world);
  });

  for (const [state, change, said] of [
    [
      'is cut off',
      (archive: Buffer) => archive.subarray(0, archive.length >> 1),
      /again: AGAIN\.gz did not hold the wanted executable \(sha256 [0-9a-f]{64}, not [0-9a-f]{64}\): .*unexpected end of file/,
    ],
    [
      'is damaged',
      (archive: Buffer) => Buffer.from(archive).fill(0, archive.length >> 1, (archive.length >> 1) + 16),
      /again: AGAIN\.gz did not hold the wanted executable \(sha256 [0-9a-f]{64}, not [0-9a-f]{64}\)/,
    ],
    [
      'begins otherwise',
      (archive: Buffer) => Buffer.from(archive).fill(0, 100, 116),
      /File written to disk did not match desired checksum/,
    ],
  ] as const) {
    test(`an archive that ${state}: the old executable stays, and a whole archive is delivered by the run that gets it`, async (context) => {
      const world = await bench.world(context);
      await include(world);
      const old = await wantedSum(world.node, world.module);
      const next = await anotherVersion(world.node, world.module);
      await world.useModule(await brokenArchive(world.node, next, world.path('broken'), change));
      const update = await include(world);
      expect(update.code, update.output).toBeGreaterThan(3); // --detailed-exitcodes: failures
      expect(update.output.replaceAll(world.again, '').replaceAll('/again.gz', 'AGAIN.gz')).toMatch(said);
      expect(await sumOf(world)).toBe(old);
      expect((await verify(world)).code, 'it is what was delivered').toBe(0);

      await world.useModule(next);
      expect((await include(world)).code).toBe(2);
      await expectSound(world, next);
    });
  }

  test('a web server as the source: asked once; a download that breaks off leaves the old executable', async (context) => {
    const world = await bench.world(context, { delivered: false });
    const next = await anotherVersion(world.node, world.module);
    const folder = world.path('served');
    const serve = async (module: string) => {
      await world.node.files.remove(folder);
      await world.node.files.link(join(module, 'files/again'), folder);
    };
    await serve(world.module);
    const server = await serveFolder(folder);
    context.onTestFinished(server.close);
    const source = `${server.url}/`;

    expect(changes(world, await include(world, { source }))).toEqual(expect.arrayContaining(everything));
    await expectSound(world);
    expect(server.requests.filter((request) => request.startsWith('GET'))).toHaveLength(1);
    const asked = server.requests.length;
    await expectNothingToDo(world, { source });
    expect(server.requests).toHaveLength(asked);

    const old = await sumOf(world);
    await world.useModule(next);
    await serve(next);
    server.breakAfter(20_000_000);
    const broken = await include(world, { source });
    expect(broken.code, broken.output).toBeGreaterThan(3);
    expect(await sumOf(world)).toBe(old);
    expect((await verify(world)).code).toBe(0);

    server.breakAfter(undefined);
    await include(world, { source });
    await expectSound(world, next);
  });

  test('a disk that is too small for the new executable: the old one stays, and the run that finds room delivers', async (context) => {
    const world = await bench.world(context);
    await include(world);
    const old = await sumOf(world);
    const next = await anotherVersion(world.node, world.module);
    await world.useModule(next);

    // 180 MB: room for the old executable and the archive, and not for the new one besides. The disk goes with its namespace.
    const script = `folder=$1
shift
mount -t tmpfs -o size=180M tmpfs /mnt
cp -a "$folder/." /mnt
mount --move /mnt "$folder"
"$@" || echo "exit $?"
sha256sum "$folder/again"
mount -o remount,size=500M "$folder"
"$@" || echo "exit $?"
sha256sum "$folder/again"`;
    const { output } = await world.run({
      argv: ['/bin/sh', '-euc', script, 'sh', world.again, ...commandOf(world)],
      wrap: ['unshare', '--mount', '--propagation', 'private'],
      env: environmentOf(world),
    });
    expect(output).toMatch(/No space left on device/);
    const seen = [...output.matchAll(/^(?:exit (\d+)|([0-9a-f]{64}) .*)$/gm)].map(
      ([, code, sum]) => sum ?? code,
    );
    expect(seen, output).toEqual([
      expect.stringMatching(/^[46]$/),
      old,
      '2',
      await wantedSum(world.node, next),
    ]);
  });
}

interface Way {
  /** Whether the fact `again` can find the folder. */
  readonly knowsFolder?: boolean;
  readonly source?: string;
}

/** One `puppet apply` that has the class and nothing else. */
function include(world: World, way: Way = {}): Promise<Finished> {
  return world.run({ argv: commandOf(world, way), env: environmentOf(world, way) });
}

function commandOf(world: World, { source }: Way = {}): string[] {
  const parameters = source === undefined ? '' : `source => '${source}'`;
  return world.apply('--detailed-exitcodes', '-e', `class { 'common::again': ${parameters} }`);
}

function environmentOf(world: World, { knowsFolder = true }: Way = {}): Record<string, string> {
  return knowsFolder ? { FACTER_puppet_vardirtmp: world.path('base') } : {};
}

/** The resources of the class that a run changed, in their order. */
function changes(world: World, { output }: Finished): string[] {
  const named = output.replaceAll(executableOf(world), 'AGAIN');
  const all = [...named.matchAll(/^Notice: \/Stage\[main\]\/Common::Again::Delivery\/(\w+\[[^\]]*\])/gm)];
  return [...new Set(all.map(([, name = '']) => name))];
}

async function expectNothingToDo(world: World, way: Way = {}): Promise<void> {
  const run = await include(world, way);
  expect([run.code, changes(world, run)], run.output).toEqual([0, []]);
}

/** Asserts that the executable of a module is in place, with nothing left of its way. */
async function expectSound(world: World, module = world.module): Promise<void> {
  const { stat } = world.node.files;
  expect(await sumOf(world)).toBe(await wantedSum(world.node, module));
  expect(await stat(executableOf(world))).toMatchObject({ mode: 0o754, uid: 0, gid: 0 });
  expect((await stat(`${executableOf(world)}.gz`)).size).toBe(512);
  const { code, stdout, stderr } = await verify(world);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(`${executableOf(world)} is what was delivered (sha256 ${await sumOf(world)})\n`);
  await shell(world, 'cd "$1" && sha256sum --check --strict again.sha256', world.again);
}

const executableOf = (world: World) => `${world.again}/again`;

const verify = (world: World) => world.run({ argv: [executableOf(world), 'verify'] });

const damaged = (world: World) =>
  new RegExp(
    `^again: ${executableOf(world)} is damaged \\(sha256 [0-9a-f]{64}, not [0-9a-f]{64}\\): the next run of Puppet repairs it\\n$`,
  );

async function sumOf(world: World): Promise<string> {
  return (await shell(world, 'sha256sum <"$1"', executableOf(world))).slice(0, 64);
}

/** Changes the executable as a disk may do: what `stat` says of it stays what was noted. */
async function damageUnseen(world: World, command: string): Promise<void> {
  const marks = `${world.state}/delivered`;
  await shell(
    world,
    `${command}
read -r sum _ <"$2"
echo "$sum $(TZ=UTC0 stat -c '%s %i %y %z' "$1")" >"$2"`,
    executableOf(world),
    marks,
  );
}

async function shell(world: World, script: string, ...args: string[]): Promise<string> {
  const { code, stdout, output } = await world.run({ argv: ['/bin/sh', '-euc', script, 'sh', ...args] });
  expect(code, output).toBe(0);
  return stdout;
}
