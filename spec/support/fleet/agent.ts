import { boot, type Container } from '../container/container.ts';
import type { Network } from '../container/network.ts';
import { certname, type Place, SERVER } from './names.ts';

/** A host of a fleet, up, with Puppet installed and configured, that has never run it. */
export interface FleetAgent extends Place {
  readonly box: Container;
  /** Starts the distribution's agent, its daemon, now and at every boot. */
  startDaemon(): Promise<void>;
  /** Starts a run of the agent every so many seconds, from now on and from every boot on, by a timer. */
  startTimer(seconds: number): Promise<void>;
}

/**
 * @param settings  more lines for the section `[agent]` of puppet.conf
 */
export async function openFleetAgent(
  network: Network,
  place: Place,
  settings: readonly string[] = [],
): Promise<FleetAgent> {
  // examples/cluster asks PuppetDB with curl.
  const box = await boot({ system: 'host', hostname: place.host, packages: ['curl'] });
  try {
    await network.join(box, place.address);
    const name = certname(place.host);
    box.writeFile(
      '/etc/hosts',
      `127.0.0.1 localhost\n${place.address} ${name} ${place.host}\n${SERVER.address} ${SERVER.name} puppet\n`,
    );
    const agent = ['[agent]', ...settings, ''].join('\n');
    box.writeFile(
      '/etc/puppet/puppet.conf',
      `[main]\nserver = ${SERVER.name}\ncertname = ${name}\nkeylength = 2048\n${agent}`,
    );
    box.writeFile('/etc/default/puppet', 'PUPPET_EXTRA_OPTS=--color=false\n');
    return agentOf(box, place);
  } catch (error) {
    await box.powerOff();
    throw error;
  }
}

function agentOf(box: Container, place: Place): FleetAgent {
  return {
    ...place,
    box,
    async startDaemon() {
      await box.exec(['systemctl', 'enable', '--now', 'puppet']);
    },
    async startTimer(seconds) {
      const run = '/usr/bin/puppet agent --onetime --no-daemonize --no-splay --color=false';
      const units = '/etc/systemd/system';
      box.writeFile(`${units}/puppet-run.service`, `[Service]\nType=oneshot\nExecStart=${run}\n`);
      const timer = `[Timer]\nOnActiveSec=0\nOnUnitActiveSec=${seconds}\nAccuracySec=100ms\n`;
      box.writeFile(`${units}/puppet-run.timer`, `${timer}\n[Install]\nWantedBy=multi-user.target\n`);
      await box.exec(['systemctl', 'enable', '--now', 'puppet-run.timer']);
    },
  };
}
