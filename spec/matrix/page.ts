import type { Generation } from './generations.ts';
import type { Column, Results } from './results.ts';
import type { Way } from './ways/way.ts';

/** The part of a way that the page needs. */
export type Row = Pick<Way, 'title' | 'cannot' | 'fast'>;

/** Draws docs/SUPPORT.md. */
export function drawPage(results: Results, generations: readonly Generation[], ways: readonly Row[]): string {
  const notes: string[] = [];
  const note = (text: string) => {
    if (!notes.includes(text)) notes.push(text);
    return `[${notes.indexOf(text) + 1}]`;
  };
  const columns = generations.map((generation) => ({
    generation,
    column: results.generations[generation.name],
  }));
  const rows = [
    ['', ...generations.map(({ title }) => title)],
    generations.map(() => '---').concat('---'),
    ['Puppet', ...columns.map(({ column }) => column?.versions.puppet ?? '')],
    ['its Ruby', ...columns.map(({ column }) => column?.versions.ruby ?? '')],
    [
      'server',
      ...columns.map(
        ({ generation, column }) => `${generation.server.title} ${column?.versions.server ?? ''}`,
      ),
    ],
    ...ways.map((way) => [
      way.title,
      ...columns.map(({ generation, column }) => {
        const text = cell(way, generation, column);
        return text === 'yes' || text === 'not run'
          ? text
          : `${text.startsWith('no: ') ? 'no' : '–'} ${note(text)}`;
      }),
    ]),
  ];
  const table = rows
    .map((row) => `| ${row.map((text) => text.trim().replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
  const list = notes.map((text, index) => `${index + 1}. ${text}`).join('\n');
  return `${HEAD}\n${WORDS}\n## Version ${results.version}\n\n${table}\n${list ? `\n${list}\n` : ''}\n${TAIL}`;
}

/** The content of a cell: `yes`, `not run`, `no: …`, or why it can't be had. */
export function cell(way: Row, generation: Generation, column: Column | undefined): string {
  return whyNot(way, generation) ?? column?.cells[way.title] ?? 'not run';
}

/** Why a way has no cell on a generation; nothing where it has one. */
export function whyNot(way: Row, generation: Generation): string | undefined {
  if (generation.smoke && !way.fast)
    return 'of this release, the other rows of this column are enough for its support';
  return way.cannot?.(generation);
}

const HEAD = '# What is supported\n';

const WORDS = `Made by \`npm run matrix\` (root, about an hour); nothing in it is typed by hand. *yes* means: in a booted system with its own systemd, where
this Puppet was installed as its users install it, the module came from its tarball by \`puppet module install\`, a run was started in that way, its
manifest notified once, and

- one rerun followed, in place of the waiter, and no other run;
- by the right command: that of \`puppet apply\` byte for byte, that of an agent as one run in the foreground with the arguments it had;
- with the environment, directory, umask, signals, limits, groups and capabilities of the first run, a variable of the test among them;
- its output lay where the Exec's line had said;
- afterwards there was no process \`again\`, no record in its state, no unit; \`again status\` was empty, and \`again history\` had one entry more.

Agents have a real server: the distribution's own. The row *server* says which; it is the newest for which that Debian has a package. So the agents of OpenVox 9 ask a
Puppet Server of version 8, and those of Puppet 6 a \`puppet master\` of version 5.5, which gives them no certificates: theirs were made on the server.
`;

const TAIL = `## What this does not show

- *Other distributions.* They were not available for these tests. The gems lie in \`/opt/puppetlabs/puppet\` as the vendor's packages do, with a
  \`ruby\` and a \`vardir\` of their own and the vendor's unit; that \`ruby\` is a copy of Debian's. Those of Puppet 6 lie on Debian 11, those of 7 on Debian 12, the others on
  Debian 13. Catalogs are compiled with the facts of other families, too (\`spec/classes/families_spec.rb\`): RHEL 8 to 10 and their relatives, Fedora, Ubuntu,
  SLES, openSUSE and Amazon Linux 2023.
- *Gems of later days.* Newest means newest when the image was made; it is made again when \`/var/cache/again-spec\` is emptied.
- *Releases between the columns, and later ones.* metadata.json promises them: every release of a product, from its oldest column to the last release of the major version in
  its newest column.
- *aarch64.* The executable is built and started for it (\`npm run build\`, under qemu); the matrix runs on the CPU of the machine.
- *cgroup v1 and hybrid, and users' managers on other releases.* The booted systems have cgroup v2 alone. For the other two, only the parser of \`/proc/PID/cgroup\` is tested
  (\`spec/unit/systemd/cgroup.test.ts\`): the request for a scope (\`StartTransientUnit\`) is not run under them. Users' own managers (\`systemd --user\`) are tested on Debian 12 only.
- *\`again run\` below \`bundle exec\`, and in an image.* Tested on Debian 12 with its Puppet 7 (\`people/run.test.ts\`), and in an image of Debian 13 with its Puppet 8
  (\`container/dockerfile.long.test.ts\`), and not with every Puppet.
- *Other ways to start a run.* [FAULTS.md](FAULTS.md) names the acceptance tests that have more of them.

\`npm run matrix -- debian_13_puppet_8 -t cron\` runs a part. Its cells replace those of earlier runs of the same version; what no run has seen
is *not run*.
`;
