import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Units of ordinary systems that do nothing for a test but noise: network, terminals, housekeeping. */
const MASKED = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'console-getty.service',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'man-db.timer',
  'systemd-networkd-wait-online.service',
  'systemd-timesyncd.service',
];

const UNITS = '/etc/systemd/system';

/**
 * Makes a layer that gives a container a name, an identity, and only the services that a test needs.
 *
 * @param upper the folder of the layer.
 * @param hostname also known as `HOSTNAME.example.test`, so that Facter finds a domain without a name server.
 */
export function identify(upper: string, hostname: string): void {
  const files = {
    // Another one than the machine's. Neither missing nor empty: systemd would enable all services at first
    // boot.
    '/etc/machine-id': `${randomUUID().replaceAll('-', '')}\n`,
    '/etc/hostname': `${hostname}\n`,
    '/etc/hosts': `127.0.0.1 localhost\n127.0.1.1 ${hostname}.example.test ${hostname}\n::1 localhost\n`,
    // No network: let look-ups fail at once.
    '/etc/resolv.conf': 'nameserver 127.0.0.1\n',
  };
  for (const [path, content] of Object.entries(files)) {
    place(upper, path);
    writeFileSync(join(upper, path), content, { mode: 0o644 });
  }
  for (const unit of MASKED) link(upper, '/dev/null', `${UNITS}/${unit}`);
  link(upper, '/lib/systemd/system/cron.service', `${UNITS}/multi-user.target.wants/cron.service`);
}

function link(upper: string, target: string, path: string): void {
  place(upper, path);
  symlinkSync(target, join(upper, path));
}

function place(upper: string, path: string): void {
  mkdirSync(dirname(join(upper, path)), { recursive: true, mode: 0o755 });
  rmSync(join(upper, path), { force: true });
}
