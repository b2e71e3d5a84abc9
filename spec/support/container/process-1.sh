# Runs a command as process 1 of a container that systemd-nspawn makes without a boot: sh process-1.sh FOLDER NAME COMMAND...
# Its changes in FOLDER are lost. Run it in the mount namespace of a builder; its cgroup is removed at the end.
set -eu
folder=$1 group=/sys/fs/cgroup/again-spec-$2
shift 2

mkdir -p /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$folder,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
mkdir "$group"
code=0
setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc sh -c '
  echo 0 > "$1/cgroup.procs"
  shift
  exec systemd-nspawn --quiet --directory=/mnt/root --register=no --keep-unit --network-namespace-path=/proc/self/ns/net \
    --machine=box --console=pipe --link-journal=no --resolv-conf=off --timezone=off "$@"
' nspawn "$group" "$@" < /dev/null || code=$?
umount /mnt/root
rm -rf /mnt/upper /mnt/work

# A group can be removed when empty only; a process that is being killed keeps it busy for an instant.
tries=200
while [ -d "$group" ] && [ $tries -gt 0 ]; do
  find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || sleep 0.05
  tries=$((tries - 1))
done
exit $code
