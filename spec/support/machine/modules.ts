import { join } from 'node:path';
import type { Node } from './node.ts';
import { executableName } from './session.ts';

const packer = new URL('../../../scripts/archive.mjs', import.meta.url).href;
const archive = `files/again/${executableName}.gz`;

/** Copies a module, for its archive to be exchanged: a folder of files of its own, and links to all else. */
export async function copyModule({ files }: Node, module: string, to: string): Promise<string> {
  await files.makeFolder(join(to, 'files/again'));
  for (const name of await files.list(module)) {
    if (name !== 'files') await files.link(join(module, name), join(to, name));
  }
  for (const name of await files.list(join(module, 'files/again'))) {
    if (name === executableName) continue;
    await files.write(
      join(to, 'files/again', name),
      await files.read(join(module, 'files/again', name)),
      0o644,
    );
  }
  return to;
}

const others = new Map<string, Promise<string>>();

/** A module, beside `module`, whose executable is another version: one byte longer, and as good. Made once, for packing takes seconds. */
export function anotherVersion(node: Node, module: string): Promise<string> {
  const made = others.get(module) ?? makeAnother(node, module, `${module}-other`);
  others.set(module, made);
  return made;
}

async function makeAnother(node: Node, module: string, to: string): Promise<string> {
  await copyModule(node, module, to);
  const executable = join('files/again', executableName);
  const content = await node.files.read(join(module, executable));
  await node.files.write(join(to, executable), Buffer.concat([content, Buffer.from('\n')]), 0o755);
  const script = `import { pack } from ${JSON.stringify(packer)}; pack(process.argv[1]);`;
  const { code, output } = await node.exec({
    argv: [process.execPath, '--input-type=module', '-e', script, join(to, executable)],
    seconds: 600,
  });
  if (code !== 0) throw new Error(output);
  return to;
}

/** Makes a module whose archive is what `change` makes of it; the checksums stay. */
export async function brokenArchive(
  node: Node,
  module: string,
  to: string,
  change: (archive: Buffer) => Buffer,
): Promise<string> {
  await copyModule(node, module, to);
  await node.files.write(join(to, archive), change(await node.files.read(join(module, archive))));
  return to;
}

/** The SHA-256 of a module's executable. */
export async function wantedSum({ files }: Node, module: string): Promise<string> {
  const sums = await files.read(join(module, `files/again/${executableName}.sums`));
  return String(sums).split(' ')[0] ?? '';
}
