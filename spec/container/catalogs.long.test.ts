import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boot, type Container } from '../support/container/container.ts';

// The catalogs are compiled by OpenVox 8 in `npm run test:catalog`. The decisive specs once more by the majors before and after it; 9 needs a newer Ruby
// than Debian 12 has.

const repository = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(repository, path), 'utf8');

const releases = [
  ['7', '~> 7.37'],
  ['9', '~> 9.2'],
] as const;

const PLACE = '/opt/catalogs';
const PARTS = [
  ...[
    'data',
    'files/again/deliver',
    'files/again/notify',
    'files/again/remove',
    'functions',
    'hiera.yaml',
    'lib',
  ],
  ...['manifests', 'metadata.json', 'plans', 'templates', 'types'],
  ...['spec/classes', 'spec/defines', 'spec/functions', 'spec/spec_helper.rb'],
  ...['spec/fixtures/build', 'spec/fixtures/consumers', 'spec/fixtures/hiera', 'spec/fixtures/hiera.yaml'],
];

/** A bundle of its own for each. */
function bundle(major: string, requirement: string): string[] {
  const folder = `${PLACE}/${major}`;
  return [
    `mkdir -p ${folder} && cat > ${folder}/Gemfile <<'END'\n${read('Gemfile')}\nEND`,
    `cd ${folder} && OPENVOX_GEM_VERSION='${requirement}' OPENFACT_GEM_VERSION='>= 5' BUNDLE_PATH=gems bundle install --jobs 4`,
  ];
}

describe('catalogs', () => {
  let box: Container;

  beforeAll(async () => {
    box = await boot({
      system: 'trixie',
      packages: ['build-essential', 'bundler', 'git', 'libffi-dev', 'libyaml-dev', 'ruby-dev'],
      commands: releases.flatMap(([major, requirement]) => bundle(major, requirement)),
    });
    const module = box.hostPath(`${PLACE}/module`);
    for (const part of PARTS) cpSync(join(repository, part), join(module, part), { recursive: true });
    mkdirSync(join(module, 'spec/fixtures/modules'));
    symlinkSync('../../..', join(module, 'spec/fixtures/modules/common'));
  });

  afterAll(() => box?.powerOff());

  it.each(releases)(
    'compile under OpenVox %s, with the facts of all Linux families',
    async (major, requirement) => {
      const specs = ['spec/classes/families_spec.rb', 'spec/defines', 'spec/functions'];
      const { stdout, stderr } = await box.exec(
        ['bundle', 'exec', 'rspec', '--options', '/dev/null', '--require', './spec/spec_helper', ...specs],
        {
          cwd: `${PLACE}/module`,
          env: {
            BUNDLE_GEMFILE: `${PLACE}/${major}/Gemfile`,
            BUNDLE_PATH: `${PLACE}/${major}/gems`,
            OPENVOX_GEM_VERSION: requirement,
            OPENFACT_GEM_VERSION: '>= 5',
            LANG: 'C.UTF-8',
            HOME: '/root',
          },
          check: false,
          timeoutMs: 600_000,
        },
      );
      expect(stdout, `${stdout}${stderr}`).toMatch(/^[1-9]\d* examples, 0 failures$/m);
    },
    600_000,
  );
});
