import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { becomesDaemon, manifestDescriptor } from '../../../src/foreground/input.ts';
import { temporaryFolder } from '../state/temporary.ts';

describe('where a command has its manifest from', () => {
  test.each([
    ['puppet apply', 0],
    ['/opt/puppetlabs/bin/puppet apply --noop', 0],
    ['ruby /usr/bin/puppet apply', 0],
    ['puppet apply /dev/stdin', 0],
    ['puppet apply --catalog -', 0],
    ['puppet apply /proc/self/fd/0', 0],
    ['puppet apply /dev/fd/63', 63],
    ['puppet apply site.pp', undefined],
    ['puppet apply -e true', undefined],
    ['puppet apply --catalog x.json', undefined],
    ['puppet agent --test', undefined],
    ['flock lock puppet apply', undefined],
    ['sh -c puppet', undefined],
    ['true', undefined],
  ])('%s: descriptor %s', (line, descriptor) => {
    expect(manifestDescriptor(line.split(' '))).toBe(descriptor);
  });
});

describe('what becomes a daemon', () => {
  test.each([
    ['puppet agent', true],
    ['puppet agent --onetime', true],
    ['puppet agent --no-daemonize', true],
    ['puppet agent --verbose --no-daemonize', true],
    ['flock lock /usr/bin/puppet agent', true],
    ['puppet agent --onetime --no-daemonize', false],
    ['puppet agent -t', false],
    ['puppet agent --test --noop', false],
    ['puppet agent --disable because', false],
    ['puppet agent --fingerprint', false],
    ['puppet apply site.pp', false],
    ['puppet agent --onetime --no-daemonize --daemonize', true],
    ['sh agent', false],
  ])('%s: %s', (line, is) => {
    expect(becomesDaemon(line.split(' '))).toBe(is);
  });

  test.each([
    ['', 'onetime = true\ndaemonize = false', false],
    ['--no-daemonize', 'onetime = true', false],
    ['--onetime', 'daemonize = false', false],
    ['', 'onetime = true', true],
    ['', 'daemonize = false', true],
    ['--daemonize', 'onetime = true\ndaemonize = false', true],
    ['--no-onetime', 'onetime = true\ndaemonize = false', true],
  ])('puppet agent %s, and in puppet.conf %j: %s', (words, settings, is) => {
    const confdir = temporaryFolder();
    writeFileSync(join(confdir, 'puppet.conf'), `[agent]\n${settings}\n`);
    const line = `puppet agent --confdir ${confdir} ${words}`.trim();
    expect(becomesDaemon(line.split(' '))).toBe(is);
  });
});
