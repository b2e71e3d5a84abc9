import { until } from '../wait.ts';
import type { World } from './world.ts';

/** A syslog of a world's own: what `again` tells the journal. */
export interface Syslog {
  /** The words before a command that is to find it at /dev/log. */
  readonly wrap: readonly string[];
  /** The lines that `again` has written so far, as `EVENT: TEXT`. */
  lines(): Promise<readonly string[]>;
  /** The same with the severity of each, by syslog(3): 3 is an error, 4 a warning, 5 a notice. */
  entries(): Promise<readonly { readonly severity: number; readonly text: string }[]>;
  /** Waits for a line. */
  line(pattern: RegExp, seconds?: number): Promise<string>;
}

const listener = `socket = Socket.new(:UNIX, :DGRAM)
socket.bind(Addrinfo.unix(ARGV[0]))
File.open(ARGV[1], 'a') { |file| loop { file.syswrite("#{socket.recv(65_536)}\\n") } }
`;

/** In a mount namespace of its own, so that the machine's /dev stays as it is. An overlay does not show what is mounted below, such as /dev/shm. */
const overlay = `mount -t tmpfs tmpfs "$1/dev"
mkdir "$1/dev/upper" "$1/dev/work" "$1/dev/shm"
mount --bind /dev/shm "$1/dev/shm"
mount -t overlay -o "lowerdir=/dev,upperdir=$1/dev/upper,workdir=$1/dev/work" overlay /dev
mount --bind "$1/dev/shm" /dev/shm
rm -f /dev/log
ln -s "$1/socket" /dev/log
shift
exec "$@"`;

export async function openSyslog(world: World): Promise<Syslog> {
  const [dir, file] = [world.path('syslog'), world.path('syslog/lines')];
  await world.node.files.makeFolder(world.path('syslog/dev'));
  const script = await world.write('syslog/listener.rb', listener);
  const socket = world.path('syslog/socket');
  await world.start({
    argv: ['/usr/bin/ruby', '-rsocket', script, socket, file],
    env: { RUBYOPT: '' },
    seconds: 900,
  });
  await until('the syslog', () => world.node.files.exists(socket));
  const entries = async () => {
    const text = (await world.node.files.exists(file)) ? (await world.node.files.read(file)).toString() : '';
    return text.split('\n').flatMap((line) => {
      const [, priority, said] = /^<(\d+)>.*?\bagain\[\d+\]: (.*)$/.exec(line) ?? [];
      return said === undefined ? [] : [{ severity: Number(priority) % 8, text: said }];
    });
  };
  const lines = async () => (await entries()).map(({ text }) => text);
  return {
    wrap: ['unshare', '--mount', '--', '/bin/sh', '-euc', overlay, 'sh', dir],
    lines,
    entries,
    line: (pattern, seconds = 30) =>
      until(
        `a line in the log like ${pattern}`,
        async () => (await lines()).find((line) => pattern.test(line)),
        { seconds, seen: lines },
      ),
  };
}
