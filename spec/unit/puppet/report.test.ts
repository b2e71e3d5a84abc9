import { describe, expect, test } from 'vitest';
import { isFullSuccess, mayBeOf, parseReport, type Report } from '../../../src/puppet/report.ts';

/** The head of a report as Puppet 7.23 writes it. */
const yaml = `--- !ruby/object:Puppet::Transaction::Report
host: node.example.com
time: '2026-11-22T08:07:07.910123456+00:00'
configuration_version: 1795334830
transaction_uuid: 11111111-2222-3333-4444-555555555555
report_format: 12
puppet_version: 7.23.0
status: changed
transaction_completed: true
noop: false
noop_pending: false
environment: production
logs:
- !ruby/object:Puppet::Util::Log
  message: |-
    status: failed
  noop: true
metrics: {}
cached_catalog_status: not_used
`;

describe("Puppet's last report", () => {
  test('what is used of it', () => {
    expect(parseReport(yaml)).toEqual({
      status: 'changed',
      noop: false,
      transactionCompleted: true,
      cachedCatalogStatus: 'not_used',
      puppetEnvironment: 'production',
      time: Date.UTC(2026, 10, 22, 8, 7, 7, 910),
    });
  });

  test.each<[string, number | undefined]>([
    ["time: '2026-11-22T08:07:07.910123456+00:00'", Date.UTC(2026, 10, 22, 8, 7, 7, 910)],
    ["time: '2026-11-22T08:07:07.910123456+01:00'", Date.UTC(2026, 10, 22, 7, 7, 7, 910)],
    ['time: 2026-11-22 08:07:07.910123456 Z', Date.UTC(2026, 10, 22, 8, 7, 7, 910)],
    ['time: 2026-11-22 08:07:07.910123456 +01:00', Date.UTC(2026, 10, 22, 7, 7, 7, 910)],
    ['time: soon', undefined],
    ['other: x', undefined],
  ])('%s', (line, expected) => {
    expect(parseReport(`---\n${line}\n`)?.time).toBe(expected);
  });

  test('what is no report', () => {
    expect([parseReport(''), parseReport('status: changed\n')]).toEqual([undefined, undefined]);
  });
});

test('may be of a run that was going at a time if its run had begun by then', () => {
  const time = parseReport(yaml)?.time as number;
  const ofTime = parseReport(yaml) as Report;
  expect([time - 1, time, time + 1].map((at) => mayBeOf(ofTime, at))).toEqual([false, true, true]);
  expect(mayBeOf({ ...ofTime, time: undefined }, time)).toBe(false);
});

describe('a run did all that a rerun would do', () => {
  const report = parseReport(yaml) as Report;
  test.each<[string, Partial<Report>, boolean]>([
    ['changed', {}, true],
    ['unchanged', { status: 'unchanged' }, true],
    ['failed', { status: 'failed' }, false],
    ['without a status', { status: undefined }, false],
    ['no-op', { noop: true }, false],
    ['broken off', { transactionCompleted: false }, false],
    ['with a cached catalog', { cachedCatalogStatus: 'on_failure' }, false],
    ['with a catalog that is said to be cached', { cachedCatalogStatus: 'explicitly_requested' }, false],
    ['which does not say whether', { cachedCatalogStatus: undefined }, false],
    ['in another environment', { puppetEnvironment: 'test' }, false],
  ])('%s', (_, changes, expected) => {
    expect(isFullSuccess({ ...report, ...changes }, 'production')).toBe(expected);
  });

  test('no report, or an environment that is not known: in doubt, no', () => {
    expect(isFullSuccess(undefined, 'production')).toBe(false);
    expect(isFullSuccess({ ...report, puppetEnvironment: undefined }, undefined)).toBe(false);
  });

  test('whose report leaves out whether it was no-op', () => {
    expect(parseReport(yaml.replace(/^noop: .*\n/m, ''))?.noop).toBe(true);
  });
});
