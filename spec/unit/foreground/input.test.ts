import { describe, expect, test } from 'vitest';
import { becomesDaemon, manifestDescriptor } from '../../../src/foreground/input.ts';

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
    ['sh agent', false],
  ])('%s: %s', (line, is) => {
    expect(becomesDaemon(line.split(' '))).toBe(is);
  });
});
