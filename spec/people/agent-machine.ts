import { expect } from 'vitest';
import { thisMachine } from '../support/machine/local.ts';
import type { Node } from '../support/machine/node.ts';
import { openPrivateMachine } from '../support/machine/private.ts';
import { type PuppetServer, type ServerKind, startServer } from '../support/machine/server.ts';
import type { Session } from '../support/machine/session.ts';
import { makeWorld, testPuppet, type World } from '../support/machine/world.ts';

/** A machine with Puppet's agent at its default places, and a server for it. */
export interface AgentMachine {
  readonly node: Node;
  readonly world: World;
  /** Sets the catalogs of the agent from now on. */
  compiles(manifest: string, hieraData?: string): Promise<void>;
  readonly server: PuppetServer;
  /** Where the server looks for modules first. */
  readonly modules: string;
  close(): Promise<void>;
}

/** @param name  of its environment and of its folders */
export async function openAgentMachine(
  { root, module }: Session,
  name: string,
  kind?: ServerKind,
): Promise<AgentMachine> {
  const server: PuppetServer = await startServer(
    thisMachine,
    testPuppet,
    `${root}/${name}-server`,
    module,
    kind,
  );
  const { node, close } = await openPrivateMachine(thisMachine, `${root}/${name}-private`);
  const dir = `${root}/${name}-agent`;
  const world = await makeWorld({ node, puppet: testPuppet, module, dir, base: false, delivered: false });
  const copied = await node.exec({ argv: ['/bin/cp', '-a', server.agentSsl, world.path('ssl')] });
  expect(copied.code, copied.output).toBe(0);
  const lines = {
    ssldir: world.path('ssl'),
    certname: server.certname,
    server: 'localhost',
    serverport: String(server.port),
    environment: name,
  };
  const text = Object.entries(lines).map(([key, value]) => `${key} = ${value}\n`);
  await node.files.write('/etc/puppet/puppet.conf', `[main]\n${text.join('')}`);
  return {
    node,
    world,
    server,
    modules: server.modulesOf(name),
    compiles: (manifest, hieraData = '') =>
      server.environment(name, manifest, `common::again::symlink: false\n${hieraData}`),
    close: async () => {
      await close();
      await server.stop();
    },
  };
}
