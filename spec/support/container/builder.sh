# Holds what a builder of images has: sh builder.sh, in mount, pid and net namespaces of its own. Prints "ready", and ends with its standard input, however that comes.
# Nothing is left then: all lies on a tmpfs of this mount namespace, and the kernel ends every process of the pid namespace with this one.
set -eu
mount -t tmpfs -o mode=755,size=8g tmpfs /mnt
mkdir -p /mnt/store /mnt/run /mnt/tmp /mnt/context
# podman and nspawn keep locks in /run, and podman notes in /var/lib/containers: not on the machine.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /var/lib/containers
mount -t tmpfs tmpfs /var/lib/containers
# nspawn gives the container what it sees here: pure cgroup v2, as supervisor.sh says.
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo ready
# Not `exec`: this shell reaps what others leave to process 1.
cat
