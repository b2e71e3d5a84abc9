import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Bench } from '../../support/machine/bench.ts';
import { serveFolder } from '../../support/machine/file-server.ts';
import { anotherVersion, brokenArchive, wantedSum } from '../../support/machine/modules.ts';
import { notifyOnce, outputOf, type World } from '../../support/machine/world.ts';
import {
  changes,
  commandOf,
  environmentOf,
  everything,
  executableOf,
  expectNothingToDo,
  expectSound,
  include,
  shell,
  sumOf,
  verify,
} from './delivery.ts';

/** Damage to an executable that was delivered, or that is on its way to a node. */
export function damageScenarios(bench: Bench): void {
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

const damaged = (world: World) =>
  new RegExp(
    `^again: ${executableOf(world)} is damaged \\(sha256 [0-9a-f]{64}, not [0-9a-f]{64}\\): the next run of Puppet repairs it\\n$`,
  );

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
