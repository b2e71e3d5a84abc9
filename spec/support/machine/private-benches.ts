import { afterAll, beforeAll, vi } from 'vitest';
import { type Bench, makeBench } from './bench.ts';
import { thisMachine } from './local.ts';
import { openPrivateMachine } from './private.ts';
import { type PuppetServer, startServer } from './server.ts';
import { openSession, type Session } from './session.ts';
import { testPuppet } from './world.ts';

/**
 * For a file of tests: makes benches, by their names, whose worlds are machines of their own. One Puppet runs at a time on a machine, and each waiter waits for the runs of all
 * others there. They share a session, and a server that starts when the first scenario asks for it.
 *
 * @param serverSoon whether scenarios will ask for it: half a minute of work, which those without a server need not wait for, is begun at once then
 */
export function openBenches({ serverSoon = false } = {}): (name: string) => Bench {
  // A scenario is two Puppets one after the other, and some waiting: more at once than these would only keep each other waiting.
  // Every wait inside has a deadline of its own, with a message that says more than that of a test that took too long.
  vi.setConfig({ maxConcurrency: 4, testTimeout: 900_000, hookTimeout: 300_000 });

  let session: Session;
  let started: Promise<PuppetServer> | undefined;
  const server = () => {
    started ??= startServer(thisMachine, testPuppet, `${session.root}/server`, session.module);
    return started;
  };

  beforeAll(async () => {
    session = await openSession();
    if (serverSoon) server().catch(() => {}); // the caller that asks for it sees the error
  });

  afterAll(async () => {
    await session?.close();
  });

  return (name) => {
    let machines = 0;
    return {
      puppet: testPuppet,
      server,
      world: async (context, options) => {
        machines += 1;
        const dir = `${session.root}/${name}${machines}`;
        const machine = await openPrivateMachine(thisMachine, `${dir}-machine`);
        context.onTestFinished(() => machine.close(), 60_000); // after the world's own end: the last one first
        const { world } = makeBench({
          node: machine.node,
          puppet: testPuppet,
          module: session.module,
          dir,
          server,
        });
        return world(context, options);
      },
    };
  };
}
