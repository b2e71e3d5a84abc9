import { describe, expect, test } from 'vitest';
import { generations } from '../../matrix/generations.ts';
import { judge, newestIn } from '../../matrix/newest.ts';
import { two } from './fixtures.ts';

/** These are Puppet 5.5 and OpenVox 8. */
const columns = two;

describe('the newest release of a gem', () => {
  test.each([
    ['puppet (8.10.0 ruby universal-darwin x64-mingw32)\n', '8.10.0'],
    ['\n*** REMOTE GEMS ***\n\nopenvox (9.2.1)\npuppet (8.10.0)\n', '8.10.0'],
    ['puppet (10.0.0, 9.1.0)\n', '10.0.0'],
    ['puppet-lint (5.0.0)\nopenvox-puppet (9.0.0)\n', undefined],
    ['puppet (ruby)\n', undefined],
    ['', undefined],
  ])('in %j', (output, version) => {
    expect(newestIn(output, 'puppet')).toBe(version);
  });
});

describe('a column of the matrix', () => {
  test('is there for each newest release, and for later ones of its major version', () => {
    expect(judge({ puppet: '5.5.22', openvox: '8.99.0' }, columns)).toEqual({});
  });

  test('is missing for a new major version, whatever another product has', () => {
    expect(judge({ puppet: '8.10.0', openvox: '9.2.1' }, columns)).toEqual({
      failure:
        'no column of spec/matrix/generations.ts is for the major version of puppet 8.10.0 and openvox 9.2.1: add one',
    });
    expect(judge({ puppet: '5.5.22', openvox: '80.0.0' }, columns)).toEqual({
      failure: 'no column of spec/matrix/generations.ts is for the major version of openvox 80.0.0: add one',
    });
  });

  test('is not known to be missing where nobody has answered', () => {
    expect(judge({}, columns).failure).toBeUndefined();
    expect(judge({ openvox: '9.0.0' }, columns)).toEqual({
      failure: expect.stringContaining('of openvox 9.0.0: add one'),
      remark: expect.stringContaining('which release of puppet is the newest'),
    });
  });

  test('is there for the major versions of today', () => {
    expect(judge({ puppet: '8.10.0', openvox: '9.2.1' }, Object.values(generations))).toEqual({});
  });
});
