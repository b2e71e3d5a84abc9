import { fromText } from '../../../src/os/bytes.ts';
import type { ChannelRecord } from '../../../src/state/channel-record.ts';
import type { CommandRecord } from '../../../src/state/records.ts';
import { entry } from '../schedule/entries.ts';

/** A record with one entry, with what a test changes. */
export function record(changes: Partial<CommandRecord> = {}): CommandRecord {
  return {
    version: 2,
    software: '0.1.0',
    machine: '0123456789abcdef',
    pidNamespace: 'pid:[4026531836]',
    facts: '',
    grace: 0,
    boot: '11111111-2222-3333-4444-555555555555',
    command: {
      mode: 'agent',
      executable: fromText('/usr/bin/ruby3.1'),
      argv: ['/usr/bin/ruby', '/usr/bin/puppet', 'agent', '-t'].map(fromText),
      directory: fromText('/'),
      user: 0,
    },
    waiter: { pid: 4800, start: 123 },
    lineage: ['11a1'],
    run: { pid: 4711, start: 1 },
    chainKey: '/var/cache/puppet/state/agent_catalog_run.lock',
    chain: 'c0ffee',
    puppet: { lockFile: '/run/a.lock', disabledFile: '/run/d.lock' },
    log: '20261122T080910Z-abcdef.log',
    entries: [entry({ name: 'n' })],
    ...changes,
  };
}

/** The record of all that is pending below an `again run`, with the changes of a test. */
export function channelRecord(changes: Partial<ChannelRecord> = {}): ChannelRecord {
  return {
    version: 1,
    waiter: { pid: 42, start: 1 },
    boot: 'boot',
    command: 'puppet apply site.pp',
    chain: 'c0ffee',
    entries: [entry()],
    ...changes,
  };
}
