import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { checkModel } from '../../chaos/pure/check.ts';
import { World } from '../../chaos/pure/world.ts';
import { temporaryFolder } from '../state/temporary.ts';

vi.spyOn(console, 'log').mockImplementation(() => {});

/** A world in which a cancellation of `b` goes wrong. */
class FaultyWorld extends World {
  override cancel(command: number, name: string): void {
    if (name === 'b') throw new Error('planted');
    super.cancel(command, name);
  }
}

test('a pure sequence that fails is shrunk and kept, and told first by every later run', () => {
  const folder = join(temporaryFolder(), 'pure');
  const faulty = { folder, makeWorld: () => new FaultyWorld() };
  expect(() => checkModel(7, 1000, faulty)).toThrow(
    /^pure, seed 7, path .*planted.*; kept as .*seed-7\.json$/,
  );
  expect(readdirSync(folder)).toEqual(['seed-7.json']);
  const told = JSON.parse(readFileSync(join(folder, 'seed-7.json'), 'utf8'));
  expect(told).toEqual([expect.stringMatching(/^cancel \d b$/)]);

  expect(() => checkModel(8, 0, faulty)).toThrow(/^pure, seed-7\.json: planted: cancel \d b$/);
  expect(readdirSync(folder)).toEqual(['seed-7.json']);
  // Once it is mended, the run continues with new ones.
  expect(() => checkModel(8, 20, { folder })).not.toThrow();
});

test('where none has failed, nothing is kept', () => {
  const folder = join(temporaryFolder(), 'pure');
  checkModel(1, 20, { folder });
  expect(existsSync(folder)).toBe(false);
});

test('a kept word that means nothing is said, and not passed over', () => {
  const folder = join(temporaryFolder(), 'pure');
  mkdirSync(folder);
  writeFileSync(join(folder, 'x.json'), '["run 0", "explode"]');
  expect(() => checkModel(1, 0, { folder })).toThrow('no command is told as "explode"');
});
