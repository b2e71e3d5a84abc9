import { describe, expect, test } from 'vitest';
import { type Bytes, fromText } from '../../../src/os/bytes.ts';
import { imagePath, isRuby, mayBeRuby, parsePuppetCommandLine } from '../../../src/puppet/interpreter.ts';

const parse = (...words: string[]) => parsePuppetCommandLine(words.map(fromText));

describe('a Ruby command line', () => {
  test.each<[string, string[], { subcommand: string | undefined; rest: string[] }]>([
    ['as the kernel starts it', ['/usr/bin/ruby', '/usr/bin/puppet', 'agent', '-t'], agent('-t')],
    ['from PATH', ['ruby', '-S', 'puppet', 'agent'], agent()],
    ['a script with an extension', ['ruby', 'bin/puppet.rb', 'agent'], agent()],
    [
      'attached options of Ruby',
      ['ruby', '-W0', '-Ilib', '-rbundler/setup', '/bin/puppet', 'agent'],
      agent(),
    ],
    [
      'separate values of Ruby options',
      ['ruby', '-I', 'lib', '-r', 'x', '-C', '/', 'puppet', 'agent'],
      agent(),
    ],
    ['features', ['ruby', '--disable', 'gems', '--enable=yjit', 'puppet', 'agent'], agent()],
    ['encodings', ['ruby', '-E', 'UTF-8', '--encoding', 'UTF-8', 'puppet', 'agent'], agent()],
    ['the end of Ruby options', ['ruby', '--', 'puppet', 'agent'], agent()],
    ['an option before the subcommand is none', ['ruby', 'puppet', '--version'], none('--version')],
    ['a manifest in its place is none', ['ruby', 'puppet', 'site.pp'], none('site.pp')],
    ['nothing after the script', ['ruby', 'puppet'], none()],
    ['an empty argument of the subcommand', ['ruby', 'puppet', 'agent', ''], agent('')],
  ])('%s', (_, words, expected) => {
    expect(parse(...words)).toMatchObject(expected);
  });

  test.each([
    ['no arguments at all', []],
    ['the interpreter alone', ['ruby']],
    ['another script', ['ruby', '/usr/bin/irb', 'puppet', 'apply']],
    ['a script whose name only ends like it', ['ruby', '/usr/bin/not-puppet', 'apply']],
    ['a script whose name only begins like it', ['ruby', '/usr/bin/puppetserver', 'apply']],
    ['a one-liner', ['ruby', '-e', 'puts 1', 'puppet', 'apply']],
    ['a one-liner in one word', ['ruby', '-eputs', 'puppet', 'apply']],
    ['a one-liner after flags', ['ruby', '-ne', 'puts 1', 'puppet', 'apply']],
    ['a script from standard input', ['ruby', '-', 'puppet', 'apply']],
    ['an option whose value is the last argument', ['ruby', '-r']],
    ['a value of a Ruby option that looks like Puppet', ['ruby', '-r', 'puppet', 'deploy.rb', 'apply']],
  ])('%s is no Puppet', (_, words) => {
    expect(parse(...words)).toBeUndefined();
  });

  test('tells where the script ends', () => {
    expect(parse('ruby', '-W0', 'puppet', 'agent', '-t')?.scriptEnd).toBe(3);
  });
});

function agent(...rest: string[]) {
  return { subcommand: 'agent', rest };
}

function none(...rest: string[]) {
  return { subcommand: undefined, rest };
}

describe('the running image', () => {
  test.each([
    ['/usr/bin/ruby', true],
    ['/usr/bin/ruby3.1', true],
    ['/usr/bin/ruby3.1 (deleted)', true],
    ['/opt/puppetlabs/puppet/bin/ruby', true],
    ['/usr/local/rbenv/versions/3.2.0/bin/ruby', true],
    ['/usr/bin/vim.basic', false],
    ['/usr/bin/dash', false],
    ['/usr/lib/ruby/bin/helper', false],
    ['/usr/bin/jruby', false],
    ['', false],
  ])('%s is a Ruby: %s', (image, expected) => {
    expect(isRuby(image as Bytes)).toBe(expected);
  });

  test.each([
    ['/usr/bin/ruby /usr/bin/puppet apply', 'puppet', true],
    ['ruby3.1 bin/puppet.rb apply', 'puppet.rb', true],
    ['/opt/puppetlabs/puppet/bin/ruby /opt/puppetlabs/bin/puppet agent', 'puppet', true],
    // Titles: the kernel's name stays.
    ['/srv/vendor/bundle/ruby/3.1.0/bin/puppet', 'bundle', true],
    ['puppet', 'ruby3.1', true],
    ['puppet', 'puppet', true],
    ['sudo puppet apply site.pp', 'sudo', false],
    ['/bin/sh /usr/bin/puppet apply', 'sh', false],
    ['java -jar puppet-server-release.jar', 'java', false],
    ['/usr/bin/puppet-exporter', 'puppet-exporter', false],
    ['vim puppet.conf', 'vim', false],
    ['', '', false],
  ])('that is hidden, of `%s`, which the kernel calls %s, may be a Ruby: %s', (line, comm, expected) => {
    expect(mayBeRuby(line.split(' ').map(fromText), comm)).toBe(expected);
  });

  test.each([
    ['/usr/bin/ruby3.1', '/usr/bin/ruby3.1'],
    ['/usr/bin/ruby3.1 (deleted)', '/usr/bin/ruby3.1'],
    ['/srv/x (deleted)/ruby', '/srv/x (deleted)/ruby'],
  ])('%s lies at %s', (image, path) => {
    expect(imagePath(image as Bytes)).toBe(path);
  });
});
