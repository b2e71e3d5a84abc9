import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Failure } from '../../../scripts/project.mjs';
import { Command } from './command.ts';
import { type StartFault, type Thing, World } from './world.ts';

const which = fc.nat(5);
const command = fc.nat(2);
const name = fc.constantFrom('a', 'b', 'c');
const thing = fc.constantFrom<Thing>('a device', 'a port');

/** How each command is told; what it does then: command.ts. */
const steps: fc.Arbitrary<string>[] = [
  command.map((n) => `run ${n}`),
  fc
    .tuple(which, name, fc.constantFrom(0, 0, 1, 5, 30, 3600), fc.boolean())
    .map(([n, what, delta, now]) => `notify ${n} ${what} ${delta}${now ? ' now' : ''}`),
  fc
    .tuple(which, fc.constantFrom('success', 'success', 'failure', 'broken off'))
    .map(([n, how]) => `end ${n} ${how}`),
  fc.constantFrom(1, 10, 900, 3000, 5000, 40_000, 4_000_000).map((ms) => `wait ${ms}`),
  fc.tuple(command, name).map(([n, what]) => `cancel ${n} ${what}`),
  fc.tuple(which, fc.constantFrom('kill', 'term', 'stop', 'cont')).map(([n, signal]) => `${signal} ${n}`),
  fc
    .constantFrom<StartFault>('before the record', 'after the record', 'after the hand-over', 'no room')
    .map((fault) => `fault ${fault}`),
  fc.boolean().map((on) => (on ? 'disable' : 'enable')),
  fc.boolean().map((on) => (on ? 'fill' : 'free')),
  fc.constantFrom(0, 0, 5000, 3_600_000).map((ms) => (ms === 0 ? 'release' : `hold ${ms}`)),
  fc.tuple(command, name).map(([n, what]) => `now ${n} ${what}`),
  fc
    .tuple(which, name, fc.constantFrom(0, 0, 5), thing, fc.constantFrom(10, 60, 1800), fc.boolean())
    .map(
      ([n, what, delta, waited, timeout, drop]) =>
        `when ${n} ${what} ${delta} ${waited} ${timeout} ${drop ? 'drop' : 'run'}`,
    ),
  fc.tuple(thing, fc.boolean()).map(([what, isThere]) => `${what} ${isThere ? 'comes' : 'goes'}`),
  fc.constant('remove the state folder'),
];

/** Where sequences that have failed are kept, and the world in which they are told. */
export interface Kept {
  readonly folder: string;
  readonly makeWorld?: () => World;
}

/**
 * Sequences on the pure decisions, in simulated time: first those that are kept, then so many new ones.
 *
 * @throws {Failure} with the sequence that fails; a new one is shrunk, and kept
 */
export function checkModel(
  seed: number,
  sequences: number,
  { folder, makeWorld = () => new World() }: Kept,
): void {
  const tell = (commands: Iterable<Command>) => {
    const world = makeWorld();
    fc.modelRun(() => ({ model: {}, real: world }), commands);
    world.finish();
  };
  tellAgain(folder, tell);
  const began = Date.now();
  const lengths: number[] = [];
  // Runs, notifications, ends and time that passes make three quarters of a sequence.
  const [conditions] = steps.slice(-3);
  const weighted = [
    ...steps.slice(0, 4),
    ...steps.slice(0, 4),
    ...steps.slice(1, 4),
    ...(conditions ? [conditions, conditions] : []),
    ...steps,
  ].map((told) => told.map((one) => new Command(one)));
  const property = fc.property(fc.commands(weighted, { size: '+1', maxCommands: 40 }), (commands) => {
    tell(commands as Iterable<Command>);
    lengths.push([...commands].length);
  });
  const details = fc.check(property, { seed, numRuns: sequences });
  const median = lengths.sort((a, b) => a - b)[Math.floor(lengths.length / 2)] ?? 0;
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(
    `chaos: pure, seed ${seed}: ${details.numRuns} of ${sequences} sequences, median of ${median} commands, in ${seconds} s`,
  );
  if (details.failed) {
    const { message } = details.errorInstance as Error;
    const path = keep(folder, seed, [...(details.counterexample?.[0] ?? [])].map(String));
    throw new Failure(
      `pure, seed ${seed}, path ${details.counterexamplePath}: ${message}: ${details.counterexample}; kept as ${path}`,
    );
  }
}

function keep(folder: string, seed: number, told: readonly string[]): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `seed-${seed}.json`);
  // The short form always has the same seed: what it has found before stays.
  const free = existsSync(path) ? join(folder, `seed-${seed}-${Date.now()}.json`) : path;
  writeFileSync(free, `${JSON.stringify(told, undefined, 2)}\n`);
  return free;
}

/** Tells each sequence again that is kept. */
function tellAgain(folder: string, tell: (commands: Iterable<Command>) => void): void {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
  for (const name of names.sort()) {
    const told: readonly string[] = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const commands = told.map((one) => new Command(one));
    try {
      tell(commands);
    } catch (error) {
      throw new Failure(`pure, ${name}: ${(error as Error).message}: ${told.join(', ')}`);
    }
    console.log(`chaos: pure, ${name}: as it should be`);
  }
}
