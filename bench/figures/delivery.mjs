// The cost of the executable on a node: a real agent against a real Puppet Server, each way of delivery beside the others.
//
// `npm run bench -- delivery`. Needs root, and Debian's puppet-agent and puppetserver.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../scripts/project.mjs';
import { serveFolder } from '../../spec/support/machine/file-server.ts';
import { thisMachine } from '../../spec/support/machine/local.ts';
import { startServer } from '../../spec/support/machine/server.ts';
import { executableName, openSession } from '../../spec/support/machine/session.ts';
import { debianPuppet } from '../../spec/support/machine/world.ts';
import { serverCpuOf, spentSince } from '../processes.mjs';
import { mean, meanDifference } from '../statistics.mjs';
import { askForCatalogs } from './catalogs.mjs';

/** The part that every catalog has: a class with its parameter in Hiera, as all sites have some. The measured part comes on top of it. */
const base = (folder) => `class site(String $content) { file { '${folder}/some-file': content => $content } }
include site
`;
const data = 'site::content: x\ncommon::again::symlink: false\n';
const bare = (folder, more = '') =>
  `file { '${folder}/executable': mode => '0754', source => 'puppet:///modules/common/again/${executableName}'${more} }\n`;

const nothing = () => '';
const module = () => 'include common::again\n';

/**
 * Every way that was tried, with the manifest that it adds to a catalog. The server keeps what it has read of an environment (`environment_timeout =
 * unlimited`), as Puppet advises for production, but for those that are read again for each catalog.
 */
const ways = {
  without: { manifest: nothing },
  module: { manifest: module },
  url: { manifest: (_, url) => `class { 'common::again': source => '${url}' }\n` },
  lite: { manifest: (folder) => bare(folder, ", checksum => 'sha256lite'") },
  naive: { manifest: (folder) => bare(folder) },
  withoutAnew: { manifest: nothing, timeout: '0' },
  moduleAnew: { manifest: module, timeout: '0' },
};

const titles = {
  without: 'the same catalog without it',
  module: 'packed, in this module (what it does)',
  url: 'packed, from a URL (`source`)',
  lite: 'bare, `checksum => sha256lite`',
  naive: 'bare, a `file` with the default checksum',
  withoutAnew: 'the same catalog without it, with `environment_timeout = 0`',
  moduleAnew: 'packed, in this module, with `environment_timeout = 0`',
};

/** Ways that bring something, the most obvious one first. */
const deliveries = ['naive', 'module', 'url', 'lite', 'moduleAnew'];

/** Of the way's environment on the server. */
const timeoutOf = (way) => ways[way].timeout ?? 'unlimited';

/** The way that another one is compared with: the same catalog without it. */
const withoutOf = (way) => (timeoutOf(way) === '0' ? 'withoutAnew' : 'without');

/** Catalogs of each way before any is measured, by `environment_timeout`: JRuby's and Java's compilers have done most of their work then. */
const warmUp = { unlimited: 2000, 0: 500 };

/**
 * Measures all ways in one run.
 *
 * @param options.rounds later runs of each way, one way after the other, so that what disturbs one disturbs all
 * @returns rows for the table of figures, and a section of Markdown that compares the ways
 */
export async function measureDelivery({ rounds = 20 } = {}) {
  const session = await openSession();
  let files;
  try {
    const folder = join(session.root, 'server');
    const server = await startServer(thisMachine, debianPuppet, folder, session.module, 'many catalogs');
    files = await serveFolder(join(session.module, 'files/again'));
    const place = { session, server, files };
    const nodes = {};
    for (const way of Object.keys(ways)) nodes[way] = await makeNode(place, way);
    const first = {};
    for (const [way, node] of Object.entries(nodes)) first[way] = await deliver(place, node);
    const later = await repeat(place, nodes, rounds);
    return { rows: rowsOf(first, later), section: sectionOf(first, later) };
  } finally {
    files?.close();
    await session.close();
  }
}

/** A node of its own for a way: folders of the agent, and an environment of the server. */
async function makeNode({ session, server, files }, way) {
  const folder = join(session.root, `node-${way}`);
  const at = (name) => join(folder, name);
  for (const name of ['conf', 'base', 'var', 'log', 'run', 'public'])
    mkdirSync(at(name), { recursive: true });
  execFileSync('cp', ['-a', server.agentSsl, at('ssl')]);
  const settings = {
    ...Object.fromEntries(['var', 'log', 'run', 'ssl'].map((name) => [`${name}dir`, at(name)])),
    publicdir: at('public'),
    certname: server.certname,
    server: 'localhost',
    serverport: server.port,
    environment: way,
    report: false,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(at('conf/puppet.conf'), `[main]\n${lines.join('')}`);
  await server.environment(way, base(folder), data);
  const node = { folder, way };
  await runAgent(node); // brings what all catalogs have, and the plugins
  await server.environment(way, base(folder) + ways[way].manifest(folder, files.url), data, timeoutOf(way));
  return node;
}

/** One run of an agent: seconds of `Applied catalog in`. */
async function runAgent({ folder }) {
  const words = [
    'agent',
    '--onetime',
    '--no-daemonize',
    '--verbose',
    '--color=false',
    '--confdir',
    join(folder, 'conf'),
  ];
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: folder,
    FACTER_puppet_vardirtmp: join(folder, 'base'),
  };
  const { stdout, stderr } = await thisMachine.exec({
    argv: [debianPuppet.command, ...words],
    env,
    cwd: folder,
  });
  const seconds = /Applied catalog in ([\d.]+) seconds/.exec(stdout)?.[1];
  if (seconds === undefined || /^Error: \/Stage/m.test(stderr))
    throw new Failure(`the agent has failed: ${stdout}${stderr}`);
  return Number(seconds);
}

/** The first delivery: seconds, bytes that the servers sent, bytes on the disk. */
async function deliver(place, node) {
  const before = await sent(place);
  const seconds = await runAgent(node);
  return { seconds, bytes: (await sent(place)) - before, disk: await diskOf(node.folder) };
}

/** All that both servers have sent so far. */
async function sent({ server, files }) {
  const requests = await server.requests();
  return requests.reduce((sum, { bytes }) => sum + bytes, files.sent());
}

/** The bytes that a delivery leaves on a node. */
async function diskOf(folder) {
  const kept = ['base', 'executable'].map((name) => join(folder, name));
  const { stdout } = await thisMachine.exec({ argv: ['/usr/bin/du', '-sc', '--block-size=1', ...kept] });
  return Number(/^(\d+)\ttotal$/m.exec(stdout)[1]);
}

/** Runs with nothing to do: by way, milliseconds of each on the node and of the server's CPU. */
async function repeat({ server }, nodes, rounds) {
  const runs = Object.fromEntries(Object.keys(nodes).map((way) => [way, { time: [], cpu: [] }]));
  const facts = JSON.parse(
    execFileSync('facter', ['--json', 'kernel', 'os', 'identity'], { encoding: 'utf8' }),
  );
  for (const way of Object.keys(ways)) await askForCatalogs(server, way, facts, warmUp[timeoutOf(way)]);
  for (const node of Object.values(nodes)) await runAgent(node);
  for (let round = 0; round < rounds; round += 1) {
    for (const [way, node] of Object.entries(nodes)) {
      const before = serverCpuOf(server.pid);
      runs[way].time.push((await runAgent(node)) * 1000);
      runs[way].cpu.push(spentSince(before, serverCpuOf(server.pid)));
    }
  }
  return runs;
}

/** The bytes, seconds and disk space that a way adds to a first run. */
function brought(way, first) {
  const more = (key) => first[way][key] - first[withoutOf(way)][key];
  return { bytes: more('bytes'), seconds: more('seconds'), disk: more('disk') };
}

/** The time that a way adds to a run with nothing to do, of the node's time or the server's CPU. */
function added(way, later, key) {
  return meanDifference(later[way][key], later[withoutOf(way)][key]);
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const milliseconds = (value) => `${value.toFixed(0)} ms`;
const moreMilliseconds = ({ value, error }) => `${value.toFixed(0)} ± ${milliseconds(error)} more`;

/** For the table of figures: later runs beside those without it, first deliveries beside the naive one. */
function rowsOf(first, later) {
  const ofRuns = (figure, budget, key) =>
    Object.keys(ways).map((way) => {
      const difference = added(way, later, key);
      const own = mean(later[way][key]);
      return {
        figure,
        what: titles[way],
        value: way === withoutOf(way) ? milliseconds(own) : moreMilliseconds(difference),
        ratio: own / mean(later[withoutOf(way)][key]),
        uncertainty: difference.error / own,
        budget: way === 'module' ? budget : '',
      };
    });
  const ofDeliveries = (figure, budget, key, show) =>
    deliveries.map((way) => ({
      figure,
      what: titles[way],
      value: show(brought(way, first)),
      ratio: brought(way, first)[key] / brought(deliveries[0], first)[key],
      budget: way === 'module' ? budget : '',
    }));
  return [
    ...ofRuns('added to a run with nothing to do', '<= 50 ms more', 'time'),
    ...ofRuns('server CPU of a run with nothing to do', '<= 10 ms more', 'cpu'),
    ...ofDeliveries(
      'first delivery to a node',
      '<= 42 MB',
      'bytes',
      ({ bytes, seconds }) => `${megabytes(bytes)} in ${seconds.toFixed(1)} s`,
    ),
    ...ofDeliveries('disk on the node', '<= 130 MB', 'disk', ({ disk }) => megabytes(disk)),
  ];
}

function sectionOf(first, later) {
  const lines = deliveries.map((way) => {
    const { bytes, seconds, disk } = brought(way, first);
    const cells = [
      titles[way],
      megabytes(bytes),
      `${seconds.toFixed(1)} s`,
      ...['time', 'cpu'].map((key) => moreMilliseconds(added(way, later, key))),
      megabytes(disk),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `## Ways to deliver the executable

${later.without.time.length} later runs of each way, one way after the other, of a real agent against a real Puppet Server, after ${warmUp.unlimited} catalogs of
each way (${warmUp[0]} where \`environment_timeout\` is 0): \`Applied catalog in\`, and the server's CPU (of all its threads but Java's
compilers). All figures are what the way adds to the same catalog without it; of later runs, the mean of all rounds, and half its 95 % interval.

| way | bytes | first delivery | later run | server CPU of a later run | disk |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}

Damage that leaves size, inode and times as they were is found by none of these runs but the naive one's: for the others, \`again verify\` and a start
that fails take the full hash. With \`checksum => sha256lite\`, damage beyond the first 512 bytes is never found, not even where the size is another one.
`;
}
