import { expect, test } from 'vitest';
import { parseAccessLog } from '../../../bench/fleet/access-log.ts';

const agent = '"-" "Puppet/7.23.0 Ruby/3.1.2-p20 (x86_64-linux-gnu)"';

test('requests of an access log', () => {
  const log = `10.77.0.11 - - [2026-11-22T11:03:18.500+00:00] "POST /puppet/v3/catalog/node1.example.test?environment=production HTTP/1.1" 200 11933 ${agent} 952 10862 934
10.77.0.12 - - [2026-11-22T11:03:19.000+00:00] "GET /puppet-ca/v1/certificate/ca? HTTP/1.1" 200 320 ${agent} 20 - -
half a line
`;
  const time = Date.parse('2026-11-22T11:03:18.500Z') / 1000;
  expect(parseAccessLog(log)).toEqual([
    { from: '10.77.0.11', began: time - 0.952, ended: time, busy: 0.934 },
    { from: '10.77.0.12', began: time + 0.5 - 0.02, ended: time + 0.5, busy: 0 },
  ]);
});
