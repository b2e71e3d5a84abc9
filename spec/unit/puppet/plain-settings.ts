import type { PuppetSettings } from '../../../src/puppet/settings.ts';

/** Puppet's settings where nothing is said, with the changes of a test. */
export function plainSettings(changes: Partial<PuppetSettings> = {}): PuppetSettings {
  return {
    noop: false,
    onetime: false,
    daemonize: true,
    tagged: false,
    lockFile: '/run/a.lock',
    disabledFile: '/run/d.lock',
    reportFile: '/run/last_run_report.yaml',
    pidFile: '/run/p',
    server: '',
    certname: '',
    puppetEnvironment: '',
    ...changes,
  };
}
