import type fc from 'fast-check';
import type { StartFault, Thing, World } from './world.ts';

/** The meaning of each command, by how it is told: so a sequence can be kept, and told again. */
const meanings: readonly (readonly [RegExp, (world: World, ...words: string[]) => void])[] = [
  [/^run (\d+)$/, (world, command) => void world.startRun(Number(command))],
  [
    /^notify (\d+) (\w+) (\d+)( now)?$/,
    (world, which, name = '', delta, now) => {
      const run = goingRun(world, which);
      if (run) world.notify(run, name, Number(delta), now !== undefined);
    },
  ],
  [
    /^when (\d+) (\w+) (\d+) (a device|a port) (\d+) (run|drop)$/,
    (world, which, name = '', delta, thing, timeout, onTimeout) => {
      const run = goingRun(world, which);
      const condition = {
        thing: thing as Thing,
        timeout: Number(timeout),
        onTimeout: onTimeout as 'run' | 'drop',
      };
      if (run) world.notify(run, name, Number(delta), false, condition);
    },
  ],
  [
    /^end (\d+) (success|failure|broken off)$/,
    (world, which, how) => {
      const run = goingRun(world, which);
      if (run) world.endRun(run, how as 'success' | 'failure' | 'broken off');
    },
  ],
  [/^wait (\d+)$/, (world, milliseconds) => world.advance(Number(milliseconds))],
  [/^cancel (\d+) (\w+)$/, (world, command, name = '') => world.cancel(Number(command), name)],
  [
    /^(kill|term|stop|cont) (\d+)$/,
    (world, signal, which) => world.signal(Number(which), signal as 'kill' | 'term' | 'stop' | 'cont'),
  ],
  [
    /^fault (before the record|after the record|after the hand-over|no room)$/,
    (world, fault) => world.set({ fault: fault as StartFault }),
  ],
  [/^(?:disable|(enable))$/, (world, off) => world.set({ disabled: off === undefined })],
  [/^(?:fill|(free))$/, (world, off) => world.set({ full: off === undefined })],
  [/^(?:release|hold (\d+))$/, (world, milliseconds = '0') => world.hold(Number(milliseconds))],
  [/^now (\d+) (\w+)$/, (world, command, name = '') => world.hurry(Number(command), name)],
  [
    /^(a device|a port) (?:comes|(goes))$/,
    (world, thing, gone) => world.setThing(thing as Thing, gone === undefined),
  ],
  [/^remove the state folder$/, (world) => world.removeState()],
];

/** The run that a number means, of those that are going. */
function goingRun(world: World, which: string | undefined) {
  const going = world.going();
  return going[Number(which) % Math.max(1, going.length)];
}

/** A step of a sequence. */
export class Command implements fc.Command<object, World> {
  private readonly told: string;
  private readonly work: (world: World) => void;

  /** @throws {Error} where nothing is told so */
  constructor(told: string) {
    const found = meanings.find(([pattern]) => pattern.test(told));
    if (!found) throw new Error(`no command is told as "${told}"`);
    const [pattern, work] = found;
    const words = pattern.exec(told)?.slice(1) ?? [];
    this.told = told;
    this.work = (world) => work(world, ...words);
  }
  check = () => true;
  run(_: object, world: World): void {
    this.work(world);
  }
  toString(): string {
    return this.told;
  }
}
