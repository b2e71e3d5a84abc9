import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openBolt } from '../../people/bolt.ts';
import { recordsIn } from '../../support/container/what-is-left.ts';
import { thisMachine } from '../../support/machine/local.ts';
import type { Finished, Node } from '../../support/machine/node.ts';
import { outputOf } from '../../support/machine/world.ts';
import { AGAIN, type Cell } from '../cell.ts';
import { expectOneRerun } from '../expect-one-rerun.ts';
import { packed } from '../installation.ts';
import type { Way } from './way.ts';

export const boltCommand: Way = {
  title: "`bolt command run 'puppet agent -t'`",
  async run(cell) {
    await cell.at.serve(cell.manifest());
    const command = `MARKER='${cell.marker.MARKER}' ${cell.generation.puppet.command} agent -t --color=false`;
    const { output } = await bolt(cell, ['command', 'run', command]);
    await expectOneRerun(cell, { output, command: 'agent' });
  },
};

export const boltApply: Way = {
  title: '`bolt apply`: no command that could be repeated, so it is refused in one sentence',
  async run(cell) {
    const { code, output } = await bolt(cell, ['apply', '--execute', cell.manifest()]);
    expect(code, output).not.toBe(0);
    expect(await cell.runs(), output).toHaveLength(1);
    const said = output.match(/again: .*/g) ?? [];
    expect(new Set(said).size, output).toBe(1);
    expect(said[0]).toMatch(/^again: this run \(pid \d+\) is one of `bolt apply`, .* cannot be repeated/);
    expect(outputOf(output, 'again').join('\n')).not.toContain('Will run');
    await expectNothingPending(cell);

    // Where the environment says so, that is no failure: Bolt shows the log of a run that has gone well only to people who ask for it.
    await cell.at.sh(`rm ${cell.path('trigger')}`);
    const words = ['apply', '--verbose', '--execute', cell.manifest()];
    const warned = await bolt(cell, words, { AGAIN_UNSUPPORTED: 'warn' });
    expect(warned.code, warned.output).toBe(0);
    expect(await cell.runs(), warned.output).toHaveLength(2);
    expect(outputOf(warned.output, 'again'), warned.output).toEqual([
      expect.stringMatching(/^Warning: .* is one of `bolt apply`, .* cannot be repeated/),
    ]);
    await expectNothingPending(cell);
  },
};

async function expectNothingPending(cell: Cell): Promise<void> {
  expect(recordsIn(cell.box, AGAIN)).toEqual([]);
  await cell.nothingLeft();
}

type Environment = Readonly<{ [name: string]: string }>;

/**
 * Bolt, of this machine, in the network of the container, to which it comes by ssh.
 *
 * @param env for the Ruby that it starts there
 */
async function bolt(cell: Cell, args: readonly string[], env: Environment = {}): Promise<Finished> {
  const dir = await mkdtemp(join(tmpdir(), 'again-spec-bolt-'));
  try {
    const { command } = await openBolt(thisMachine, dir);
    await unpackModule(join(dir, 'modules'));
    await writeFile(join(dir, 'key'), await makeKey(cell), { mode: 0o600 });
    await writeFile(join(dir, 'inventory.json'), JSON.stringify(inventory(cell, join(dir, 'key'), env)));
    const where = ['--targets', 'box', '--inventoryfile', join(dir, 'inventory.json')];
    return await command(inNetwork(cell), [...args, ...where, '--modulepath', join(dir, 'modules')]);
  } finally {
    await rm(dir, { recursive: true });
  }
}

function inNetwork({ box }: Cell): Node {
  const words = ['nsenter', `--target=${box.supervisor}`, '--net', '--'];
  return {
    ...thisMachine,
    exec: (command) => thisMachine.exec({ ...command, argv: [...words, ...command.argv] }),
  };
}

/** A key for root, which its sshd takes from now on. */
async function makeKey({ at, box }: Cell): Promise<string> {
  const key = '/root/again-spec-key';
  await at.sh(`test -e ${key} || ssh-keygen -q -t rsa -m PEM -N '' -f ${key}
install -D --mode=600 ${key}.pub /root/.ssh/authorized_keys
systemctl start ssh`);
  return box.readFile(key);
}

/** Its Puppet and its Ruby are there already: nothing of the vendor's is to be fetched. */
function inventory({ generation }: Cell, key: string, env: Environment) {
  const variables = Object.entries(env).map((pair) => pair.join('='));
  const ssh = {
    user: 'root',
    'private-key': key,
    'host-key-check': false,
    interpreters: { '.rb': ['/usr/bin/env', ...variables, generation.puppet.boltRuby] },
  };
  return { targets: [{ name: 'box', uri: 'ssh://127.0.0.1', features: ['puppet-agent'], config: { ssh } }] };
}

async function unpackModule(folder: string): Promise<void> {
  const words = [
    '--extract',
    '--file',
    packed(),
    '--directory',
    join(folder, 'common'),
    '--strip-components=1',
  ];
  const { code, output } = await thisMachine.exec({ argv: ['tar', ...words] });
  if (code !== 0) throw new Error(output);
}
