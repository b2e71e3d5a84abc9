// The cost for a real Puppet Server to render the settings of the helper for each catalog.
//
// `npm run bench -- rendering`. Needs root, and Debian's puppetserver.

import { join } from 'node:path';
import { thisMachine } from '../../spec/support/machine/local.ts';
import { startServer } from '../../spec/support/machine/server.ts';
import { openSession } from '../../spec/support/machine/session.ts';
import { debianPuppet } from '../../spec/support/machine/world.ts';
import { serverCpuOf, spentSince } from '../processes.mjs';
import { mean, meanDifference } from '../statistics.mjs';
import { askForCatalogs } from './catalogs.mjs';

/** As manifests/again/delivery.pp passes them. */
const settings = `{
  'puppet_version' => '8.10.0',
  'puppet'         => ['/usr/bin/ruby', '/usr/bin/puppet'],
  'burst'          => 10,
  'max_delay'      => 1800,
  'limit'          => undef,
  'splay'          => 0,
  'grace'          => 3,
  'unsupported'    => 'fail',
  'logdest'        => 'file',
  'rerun'          => 'command',
}`;

const manifest = (content) => `$settings = ${settings}\nfile { '/tmp/again.json': content => ${content} }\n`;

/** The same catalog, once with as many bytes of fixed text. */
const ways = {
  fixed: { title: 'a catalog with one file of fixed text', content: `'${'x'.repeat(250)}'` },
  rendered: {
    title: 'the same with `again.json.epp` rendered for it',
    content: "epp('common/again.json.epp', $settings)",
  },
};

/** Catalogs of each way before any is measured: JRuby's and Java's compilers have done most of their work then. */
const WARM_UP = 2000;

/** Catalogs of each way in one round. */
const CATALOGS = 200;

/**
 * Measures both ways in one run, one after the other in each round.
 *
 * @returns rows for the table of figures: milliseconds of the server's CPU for one catalog
 */
export async function measureRendering({ rounds = 10 } = {}) {
  const session = await openSession();
  try {
    const server = await startServer(
      thisMachine,
      debianPuppet,
      join(session.root, 'server'),
      session.module,
      'many catalogs',
    );
    const spent = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
    for (const [way, { content }] of Object.entries(ways)) {
      await server.environment(way, manifest(content), undefined, 'unlimited');
      await askForCatalogs(server, way, {}, WARM_UP);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const way of Object.keys(ways)) {
        const before = serverCpuOf(server.pid);
        await askForCatalogs(server, way, {}, CATALOGS);
        spent[way].push(spentSince(before, serverCpuOf(server.pid)) / CATALOGS);
      }
    }
    return rowsOf(spent);
  } finally {
    await session.close();
  }
}

function rowsOf({ fixed, rendered }) {
  const more = meanDifference(rendered, fixed);
  const figure = 'server CPU of rendering the settings';
  return [
    { figure, what: ways.fixed.title, value: `${mean(fixed).toFixed(1)} ms`, ratio: 1, budget: '' },
    {
      figure,
      what: ways.rendered.title,
      value: `${more.value.toFixed(1)} ± ${more.error.toFixed(1)} ms more`,
      ratio: mean(rendered) / mean(fixed),
      uncertainty: more.error / mean(rendered),
      budget: '',
    },
  ];
}
