import fc from 'fast-check';
import { Failure } from '../../../scripts/project.mjs';
import { type StartFault, type Thing, World } from './world.ts';

/** A step of a sequence: what it does, and how it is told. */
class Command implements fc.Command<object, World> {
  private readonly told: string;
  private readonly work: (world: World) => void;
  constructor(told: string, work: (world: World) => void) {
    this.told = told;
    this.work = work;
  }
  check = () => true;
  run(_: object, world: World): void {
    this.work(world);
  }
  toString(): string {
    return this.told;
  }
}

const which = fc.nat(5);
const command = fc.nat(2);
const name = fc.constantFrom('a', 'b', 'c');
const thing = fc.constantFrom<Thing>('a device', 'a port');

const steps: fc.Arbitrary<Command>[] = [
  command.map((n) => new Command(`run ${n}`, (world) => world.startRun(n))),
  fc.tuple(which, name, fc.constantFrom(0, 0, 1, 5, 30, 3600), fc.boolean()).map(
    ([n, what, delta, now]) =>
      new Command(`notify ${n} ${what} ${delta}${now ? ' now' : ''}`, (world) => {
        const going = world.going();
        const run = going[n % Math.max(1, going.length)];
        if (run) world.notify(run, what, delta, now);
      }),
  ),
  fc
    .tuple(
      which,
      fc.constantFrom('success' as const, 'success' as const, 'failure' as const, 'broken off' as const),
    )
    .map(
      ([n, how]) =>
        new Command(`end ${n} ${how}`, (world) => {
          const going = world.going();
          const run = going[n % Math.max(1, going.length)];
          if (run) world.endRun(run, how);
        }),
    ),
  fc
    .constantFrom(1, 10, 900, 3000, 5000, 40_000, 4_000_000)
    .map((ms) => new Command(`wait ${ms}`, (world) => world.advance(ms))),
  fc
    .tuple(command, name)
    .map(([n, what]) => new Command(`cancel ${n} ${what}`, (world) => world.cancel(n, what))),
  fc
    .tuple(which, fc.constantFrom('kill' as const, 'term' as const, 'stop' as const, 'cont' as const))
    .map(([n, signal]) => new Command(`${signal} ${n}`, (world) => world.signal(n, signal))),
  fc
    .constantFrom<StartFault>('before the record', 'after the record', 'after the hand-over', 'no room')
    .map((fault) => new Command(`fault ${fault}`, (world) => world.set({ fault }))),
  fc.boolean().map((on) => new Command(on ? 'disable' : 'enable', (world) => world.set({ disabled: on }))),
  fc.boolean().map((on) => new Command(on ? 'fill' : 'free', (world) => world.set({ full: on }))),
  fc
    .constantFrom(0, 0, 5000, 3_600_000)
    .map((ms) => new Command(ms === 0 ? 'release' : `hold ${ms}`, (world) => world.hold(ms))),
  fc
    .tuple(command, name)
    .map(([n, what]) => new Command(`now ${n} ${what}`, (world) => world.hurry(n, what))),
  fc
    .tuple(which, name, fc.constantFrom(0, 0, 5), thing, fc.constantFrom(10, 60, 1800), fc.boolean())
    .map(([n, what, delta, waited, timeout, drop]) => {
      const onTimeout = drop ? ('drop' as const) : ('run' as const);
      return new Command(`when ${n} ${what} ${delta} ${waited} ${timeout} ${onTimeout}`, (world) => {
        const going = world.going();
        const run = going[n % Math.max(1, going.length)];
        if (run) world.notify(run, what, delta, false, { thing: waited, timeout, onTimeout });
      });
    }),
  fc
    .tuple(thing, fc.boolean())
    .map(
      ([what, isThere]) =>
        new Command(`${what} ${isThere ? 'comes' : 'goes'}`, (world) => world.setThing(what, isThere)),
    ),
  fc.constant(new Command('remove the state folder', (world) => world.removeState())),
];

/**
 * So many sequences on the pure decisions, in simulated time.
 *
 * @throws {Failure} with the sequence that fails, shrunk, and the seed
 */
export function checkModel(seed: number, sequences: number): void {
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
  ];
  const property = fc.property(fc.commands(weighted, { size: '+1', maxCommands: 40 }), (commands) => {
    const world = new World();
    fc.modelRun(() => ({ model: {}, real: world }), commands);
    lengths.push([...commands].length);
    world.finish();
  });
  const details = fc.check(property, { seed, numRuns: sequences });
  const median = lengths.sort((a, b) => a - b)[Math.floor(lengths.length / 2)] ?? 0;
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(
    `chaos: pure, seed ${seed}: ${details.numRuns} of ${sequences} sequences, median of ${median} commands, in ${seconds} s`,
  );
  if (details.failed) {
    const { message } = details.errorInstance as Error;
    throw new Failure(
      `pure, seed ${seed}, path ${details.counterexamplePath}: ${message}: ${details.counterexample}`,
    );
  }
}
