import { until } from '../wait.ts';
import { machineBehind } from './local.ts';
import type { Node } from './node.ts';

export interface PrivateMachine {
  readonly node: Node;
  close(): Promise<void>;
}

/** The default places that Puppet and the module write to. */
const changed = ['/etc/puppet', '/var/lib/puppet', '/var/cache/puppet', '/var/log/puppet', '/usr/local/sbin'];

/**
 * A machine with processes, a host name and Puppet folders of its own, made from this one: what is done to it at Puppet's default
 * places, or to everything of a name (`killall`), doesn't touch this one.
 *
 * @param host  this machine
 * @param dir  a folder that doesn't exist yet
 */
export async function openPrivateMachine(host: Node, dir: string): Promise<PrivateMachine> {
  await host.files.makeFolder(dir);
  await host.files.write(`${dir}/init`, init(dir), 0o755);
  const unshare = ['unshare', '--pid', '--fork', '--kill-child', '--mount', '--mount-proc', '--uts', '--'];
  const outside = await host.start({
    argv: [...unshare, '/bin/bash', `${dir}/init`],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    seconds: 600,
  });
  let failure: string | undefined;
  outside.ended.then(
    () => {
      failure = `it has ended: ${outside.output()}`;
    },
    () => {},
  );
  const inside = await until(
    'the private machine',
    async () => {
      if (failure) throw new Error(failure);
      if (!outside.output().includes('ready')) return undefined;
      return (await host.processes()).find(({ parent }) => parent === outside.pid)?.pid;
    },
    { seen: outside.output },
  );
  const namespaces = ['nsenter', '--target', String(inside), '--mount', '--pid', '--uts'];
  return {
    node: machineBehind({
      name: 'a private machine',
      enter: (cwd) => [...namespaces, `--wdns=${cwd}`, '--'],
      root: `/proc/${inside}/root`,
    }),
    close: async () => {
      await host.signal(inside, 'SIGKILL'); // and with it all that it holds
      await outside.ended;
    },
  };
}

/** Process 1: mounts, and then reaps what others leave to it, as bash does for every child that ends. */
const init = (dir: string) => `set -eu
mkdir ${dir}/layers
mount -t tmpfs tmpfs ${dir}/layers
for folder in ${changed.join(' ')}; do
  [ -d "$folder" ] || continue
  upper=${dir}/layers$folder/upper work=${dir}/layers$folder/work
  mkdir -p "$upper" "$work"
  mount -t overlay -o "lowerdir=$folder,upperdir=$upper,workdir=$work" overlay "$folder"
done
hostname some-other-name
rm -rf /var/lib/puppet/tmp # in the overlay: whatever this machine has there is not seen
echo ready
trap : CHLD
while :; do
  sleep 1 &
  wait $!
done
`;
