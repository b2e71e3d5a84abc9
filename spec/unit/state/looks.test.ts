import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readLooks, removeLooks, writeLooks } from '../../../src/state/looks.ts';
import { temporaryFolder } from './temporary.ts';

const [mine, others] = [
  { pid: 4711, start: 1 },
  { pid: 4711, start: 2 },
];
const seen = { looks: 3, at: 5000, answer: '/dev/x is not there' };

function folder(): string {
  const made = temporaryFolder();
  mkdirSync(join(made, 'commands'));
  return made;
}

test('what a waiter has seen is read as it was written, for that waiter alone', () => {
  const state = folder();
  expect(readLooks(state, 'id', mine)).toEqual({});
  writeLooks(state, 'id', { waiter: mine, conditions: { c0ffee: seen } });
  expect(readLooks(state, 'id', mine)).toEqual({ c0ffee: seen });
  expect(readLooks(state, 'id', others)).toEqual({});
});

test('a waiter that ends does not take away what the one that took its place has seen', () => {
  const state = folder();
  writeLooks(state, 'id', { waiter: others, conditions: { c0ffee: seen } });
  removeLooks(state, 'id', mine);
  expect(readLooks(state, 'id', others)).toEqual({ c0ffee: seen });
  removeLooks(state, 'id', others);
  expect(readdirSync(join(state, 'commands'))).toEqual([]);
});

test.each([
  ['rubbish', 'x'],
  ['half of it', '{"waiter":{"pid":4711,"start":1},"conditions":{"c0ffee":{"loo'],
  ['no number', JSON.stringify({ waiter: mine, conditions: { c0ffee: { ...seen, looks: '3' } } })],
  ['no conditions', JSON.stringify({ waiter: mine })],
])('%s is nothing', (_, content) => {
  const state = folder();
  writeFileSync(join(state, 'commands/id.looks'), content);
  expect(readLooks(state, 'id', mine)).toEqual({});
});

test('a folder that is gone is no error', () => {
  expect(() => writeLooks('/nonexistent', 'id', { waiter: mine, conditions: {} })).not.toThrow();
  expect(() => removeLooks('/nonexistent', 'id', mine)).not.toThrow();
});
