# Holds one container: its mounts, its control group, its boots. Runs as
#   unshare --net --mount --propagation private sh supervisor.sh HOSTNAME
# Talks with supervisor.ts: prints "mounted" when /mnt is ready to be filled, reads one line (the overlay's
# lower folders, joined by colons), boots. Then each line "cut" cuts the power and boots again; the end of
# standard input, however it comes (SIGKILL of the tests included), kills everything. 0 after a power-off.
#
# Nothing is left behind because nothing lies outside: all mounts live in this mount namespace and all written
# data on its tmpfs, so the kernel drops both with the last process. Only the group needs a hand: `reap`.
set -eu
hostname=$1
group=/sys/fs/cgroup/again-spec-$$

# Pure cgroup v2: systemd 256 and later refuse v1, and nspawn gives the container what it sees here. The
# machine may have v1 at this place; the v2 hierarchy exists beside it (even without a controller) and can be
# mounted at any time. /proc/PID/cgroup still lists the machine's v1 hierarchies, all as "/".
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# nspawn keeps locks and propagation folders in /run: not on the machine.
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755,size=8g tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/hidden /mnt/lower /mnt/root
echo mounted
read -r lowers
mount -t overlay overlay -o "lowerdir=$lowers,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
mkdir "$group"
ip link set lo up # this script's own; nspawn would only do it in a network that it makes

# A group of v2 can be removed when empty only; a process that is being killed keeps it busy for an instant.
reap() {
  echo 1 > "$group/cgroup.kill" || true
  tries=200
  while [ -d "$group" ] && [ $tries -gt 0 ]; do
    find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || sleep 0.05
    tries=$((tries - 1))
  done
}

obey() {
  while read -r order; do
    [ "$order" = cut ] || continue
    : > /mnt/cut
    echo 1 > "$group/payload/cgroup.kill"
  done
  reap
}
exec 3<&0
obey <&3 &
listener=$!

# --register=no:  there is no systemd-machined (the machine's PID 1 may be anything).
# --keep-unit:    for the same reason no scope could be made. With it nspawn makes its two groups in the
#                 one it is started in, and ends with 133 when the container reboots, for us to boot it again.
# --link-journal: nothing of the container's journal on the machine.
# --resolv-conf, --timezone: the files of the image stay as they are.
# --mount-proc:   nspawn looks itself up in /proc, which must be that of its own pid namespace.
# --network-namespace-path: the network is this script's own, and so survives a reboot with all that it is joined to (network.ts).
# The pid namespace around nspawn is new at each boot: it ends with nspawn, and takes along what was started
# by nsenter. --pdeathsig: should this script be killed, so is all below it.
boot() {
  setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc sh -c '
    echo 0 > "$1/cgroup.procs"
    exec systemd-nspawn --directory=/mnt/root --boot --register=no --keep-unit \
      --network-namespace-path=/proc/self/ns/net \
      --machine="$2" --hostname="$2" --console=read-only --link-journal=no --resolv-conf=off --timezone=off
  ' nspawn "$group" "$hostname" < /dev/null
}

while :; do
  code=0
  boot || code=$?
  if [ -e /mnt/cut ]; then
    rm /mnt/cut
  elif [ $code -ne 133 ]; then
    break
  fi
done
kill "$listener" || true
reap
exit $code
