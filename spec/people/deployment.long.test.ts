import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishedMetadata } from '../../scripts/publisher.mjs';
import { makeTarballs } from '../../scripts/tarballs.mjs';
import { type FileServer, serveFolder } from '../support/machine/file-server.ts';
import { thisMachine } from '../support/machine/local.ts';
import { announcement, notifyOnce, outputOf } from '../support/machine/world.ts';
import { type AgentMachine, openAgentMachine } from './agent-machine.ts';
import { people } from './people.ts';
import { deploy, r10ks } from './r10k.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const readMetadata = () => JSON.parse(readFileSync(join(repository, 'metadata.json'), 'utf8'));
const { name: moduleName, version } = readMetadata();
const stem = `${moduleName.replace('/', '-')}-${version}`;
const architectures = ['x64', 'arm64'];

/** One of the archives that `npm run module` makes. */
function packed(ending: '' | '-slim' | '-r10k' | '-slim-r10k'): string {
  const path = join(repository, 'pkg', `${stem}${ending}.tar.gz`);
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run module makes it`);
  return path;
}

async function run(...argv: string[]): Promise<string> {
  const { code, stdout, output } = await thisMachine.exec({
    argv,
    cwd: '/',
    env: process.env as never,
    seconds: 100,
  });
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${output}`);
  return stdout;
}

/** The files in an archive, without its top folder. */
async function filesOf(tarball: string, top: string): Promise<string[]> {
  const names = (await run('tar', '--list', '--file', tarball))
    .split('\n')
    .filter((name) => /[^/]$/.test(name));
  expect(names.filter((name) => !name.startsWith(top))).toEqual([]);
  return names.map((name) => name.slice(top.length));
}

/** Tests of the delivery have one try, on every machine. */
const once = { retry: 0 };

describe('the archives of the module', once, () => {
  test('of a release: with what a publisher has said in their metadata.json, and the rest as it is', async () => {
    const answers = {
      'forge-user': 'acme',
      author: 'ACME Ltd.',
      source: 'https://git.acme.io/common.git',
      'project-page': 'https://acme.io/common',
      'issues-url': 'https://git.acme.io/common/issues',
    };
    const metadata = publishedMetadata(readMetadata(), answers);
    const made = makeTarballs(metadata);
    const paths = made.flatMap(({ tarball, forR10k }) => [tarball, forR10k]);
    try {
      expect(paths.map((path) => basename(path))).toEqual(
        ['', '-r10k', '-slim', '-slim-r10k'].map((ending) => `acme-common-${version}${ending}.tar.gz`),
      );
      expect(made.map(({ proof }) => proof)).toEqual(Array(2).fill('`puppet module install` takes it'));
      for (const path of paths) {
        const top = path.includes('-r10k') ? '' : `acme-common-${version}/`;
        const text = await run('tar', '--extract', '--to-stdout', '--file', path, `${top}metadata.json`);
        expect(JSON.parse(text)).toEqual({
          ...readMetadata(),
          name: 'acme-common',
          author: 'ACME Ltd.',
          source: 'https://git.acme.io/common.git',
          project_page: 'https://acme.io/common',
          issues_url: 'https://git.acme.io/common/issues',
        });
      }
    } finally {
      await Promise.all(paths.map((path) => rm(path, { force: true })));
    }
  });

  const scripts = ['files/again/deliver', 'files/again/notify', 'files/again/remove'];
  const sums = architectures.map((arch) => `files/again/again-linux-${arch}.sums`);
  const archives = architectures.map((arch) => `files/again/again-linux-${arch}.gz`);

  test.each([
    ['the whole one', '', [...archives, ...sums, ...scripts]],
    ['the slim one', '-slim', [...sums, ...scripts]],
  ] as const)(
    '%s: what nodes and servers need, and nothing that only developers need',
    async (_, ending, own) => {
      const files = await filesOf(packed(ending), `${stem}/`);
      expect(files.filter((name) => name.startsWith('files/'))).toEqual([...own].sort());
      expect(files).toEqual(
        expect.arrayContaining([
          'metadata.json',
          'LICENSE',
          'README.md',
          'manifests/again.pp',
          'lib/facter/again.rb',
        ]),
      );
      const folders = new Set(files.map((name) => name.split('/')[0]));
      for (const one of ['spec', 'src', 'node_modules', 'vendor', 'scripts', 'bench', 'gemfiles'])
        expect(folders).not.toContain(one);
      expect(files.filter((name) => /(^|\/)\./.test(name))).toEqual([]);
    },
  );

  test.each(['', '-slim'] as const)(
    'for r10k, the same files without a top folder: common%s',
    async (ending) => {
      const files = await filesOf(packed(`${ending}-r10k`), '');
      expect(files).toContain('metadata.json');
      expect(files).toEqual(await filesOf(packed(ending), `${stem}/`));
    },
  );

  test('the slim one has less than 1 MB, and the same checksums as the whole one', async () => {
    for (const ending of ['-slim', '-slim-r10k'] as const)
      expect(statSync(packed(ending)).size).toBeLessThan(1e6);
    for (const name of sums) {
      const read = (tarball: string) =>
        run('tar', '--extract', '--to-stdout', '--file', tarball, `${stem}/${name}`);
      expect(await read(packed('-slim'))).toBe(await read(packed('')));
    }
  });
});

const { session } = people();

describe.each(r10ks)('deployed by %s, to a server with static catalogs', once, (r10k) => {
  let machine: AgentMachine;
  let web: FileServer;
  const dir = (...names: string[]) => join(session().root, r10k, ...names);

  beforeAll(async () => {
    machine = await openAgentMachine(session(), r10k, 'static catalogs');
    await mkdir(dir('web'), { recursive: true });
    for (const ending of ['-r10k', '-slim-r10k'] as const)
      await cp(packed(ending), dir('web', basename(packed(ending))));
    // A mirror of the executables: of the whole module.
    await run(
      'tar',
      '--extract',
      '--directory',
      dir('web'),
      '--file',
      packed('-r10k'),
      '--strip-components=2',
      'files/again',
    );
    web = await serveFolder(dir('web'));
    await cp(dir('web'), join(machine.server.mount, 'again'), { recursive: true });
  });
  afterAll(async () => {
    web?.close();
    await machine?.close();
  });

  async function install(lines: string): Promise<string> {
    await deploy(r10k, dir('home'), `mod 'common',\n${lines}\n`, machine.modules);
    expect(existsSync(join(machine.modules, 'common/metadata.json')), 'a module').toBe(true);
    return join(machine.modules, 'common/files/again');
  }

  /** Of a web server; the checksum is r10k's `version`. */
  const tarball = (ending: '-r10k' | '-slim-r10k') => {
    const sum = createHash('sha256')
      .update(readFileSync(packed(ending)))
      .digest('hex');
    return `  type: 'tarball',\n  source: '${web.url}/${basename(packed(ending))}',\n  version: '${sum}'`;
  };

  /** The first run of a node that has nothing of the module, and what its agent has kept of the catalog. */
  async function firstRun(hieraData = '') {
    const { world, node } = machine;
    await node.exec({
      argv: ['/bin/sh', '-c', 'rm -rf /var/lib/puppet/tmp "$@"', 'sh', world.trigger, world.path('journal')],
      env: {},
    });
    await node.files.makeFolder(world.path('journal'));
    await machine.compiles(notifyOnce(world), hieraData);
    const before = (await machine.server.log()).length;
    const { code, output } = await world.run({
      argv: [world.puppet.command, 'agent', '--test', '--color=false', '--environment', r10k],
    });
    const catalogs = '/var/cache/puppet/client_data/catalog';
    const [catalog = ''] = await node.files.list(catalogs);
    const { code_id } = JSON.parse((await node.files.read(join(catalogs, catalog))).toString());
    expect(code_id, 'the catalog is static').toBe('one');
    const warnings = (await machine.server.log())
      .slice(before)
      .split('\n')
      .filter((line) => / WARN .* Scope\(/.test(line));
    return { code, output, warnings };
  }

  type FirstRun = Awaited<ReturnType<typeof firstRun>>;

  async function expectRerun({ code, output, warnings }: FirstRun): Promise<void> {
    expect(code, output).toBe(2);
    expect(warnings).toEqual([]);
    const { waiter } = announcement(output);
    const [, rerun] = await machine.world.settled(2);
    expect(rerun?.run.pid).toBe(waiter);
  }

  /** The server's log and the node's Exec say the same. */
  async function expectSentence({ code, output, warnings }: FirstRun, sentence: string): Promise<void> {
    expect(code, output).toBe(6);
    expect(output).not.toContain('Could not retrieve catalog');
    expect(outputOf(output, 'again')).toEqual([`again: ${sentence}`]);
    expect(warnings).toEqual([expect.stringContaining(sentence)]);
    await machine.world.settled(1);
  }

  test('the whole module, from a web server', async () => {
    const files = await install(tarball('-r10k'));
    for (const arch of architectures) {
      const [sum] = readFileSync(join(files, `again-linux-${arch}.sums`), 'utf8').split(' ');
      const content = gunzipSync(readFileSync(join(files, `again-linux-${arch}.gz`)));
      expect(createHash('sha256').update(content).digest('hex')).toBe(sum);
    }
    await expectRerun(await firstRun());
  });

  test('the slim module, whose executables a mirror has', async () => {
    const files = await install(tarball('-slim-r10k'));
    expect((await readdir(files)).filter((name) => name.endsWith('.gz'))).toEqual([]);
    await expectRerun(await firstRun(`common::again::source: ${web.url}\n`));
    expect(web.requests.filter((line) => /GET .*\/again-linux-\w+\.gz/.test(line))).toHaveLength(1);
  });

  test('the slim module, whose executables another mount of the server has', async () => {
    await install(tarball('-slim-r10k'));
    const before = (await machine.server.requests()).length;
    await expectRerun(await firstRun('common::again::source: puppet:///files/again\n'));
    const requests = (await machine.server.requests()).slice(before);
    expect(
      requests.filter(({ line }) => /file_content\/files\/again\/again-linux-\w+\.gz/.test(line)),
    ).toHaveLength(1);
  });

  test('the slim module, with no place for its executables: the catalog compiles, and the Exec says what to do', async () => {
    await install(tarball('-slim-r10k'));
    const name = `puppet:///modules/common/again/again-linux-${process.arch}.gz`;
    await expectSentence(
      await firstRun(),
      `${name}, which this node needs, does not exist: deploy the module common whole, not slim, or set common::again::source to a folder that has the file.`,
    );
  });

  test('from git, without a build: the catalog compiles, and the Exec says what to do', async () => {
    const work = dir('git');
    await mkdir(join(work, 'files/again'), { recursive: true });
    const sources = [
      'metadata.json',
      'manifests',
      'functions',
      'types',
      'lib',
      'templates',
      'files/again/deliver',
      'files/again/notify',
      'files/again/remove',
    ];
    for (const path of sources) await cp(join(repository, path), join(work, path), { recursive: true });
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.com'];
    await run('git', 'init', '--quiet', '--initial-branch=main', work);
    await run('git', '-C', work, 'add', '--all');
    await run('git', '-C', work, ...identity, 'commit', '--quiet', '--message', 'The module');

    await install(`  git: '${pathToFileURL(work)}',\n  ref: 'main'`);
    await expectSentence(
      await firstRun(),
      `The module common was deployed without again-linux-${process.arch}, which this node needs: deploy a release, or run \`npm run build\`.`,
    );
  });
});
