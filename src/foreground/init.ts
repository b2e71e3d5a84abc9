/**
 * The init of a container whose process 1 is `again run --init`: it reaps what others leave to it, which Node can't (libuv waits for its own children alone), passes
 * signals on, and ends with the exit code of `again run`. A shell's `wait` reaps every child (POSIX, wait(2) with -1).
 */
const SCRIPT = `
exec 3<&0
"$@" <&3 3<&- &
child=$!
exec 3<&-
for signal in HUP INT QUIT TERM USR1 USR2; do trap "kill -s $signal $child" $signal; done
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || exit "$code"
done
`;

/** The words with which /bin/sh becomes that init. */
export function initArguments(executable: string, args: readonly string[]): string[] {
  return ['sh', '-c', SCRIPT, 'sh', executable, ...args];
}
