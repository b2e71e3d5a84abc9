# Makes a store of podman's that holds one image, `localhost/debian`, of the layers of a system: sh build-store.sh FOLDER LOWERS
# LOWERS: folders for overlayfs, joined by colons. Nothing is done when FOLDER exists: it appears complete, by a rename. Run it under a lock
# (see images.ts), in mount and pid namespaces of its own.
set -eu
store=$1 lowers=$2
[ ! -d "$store" ] || exit 0

rm -rf "$store.building"
mount -t tmpfs tmpfs /mnt
mkdir /mnt/root /mnt/run
# podman keeps locks in /run, and notes in /var/lib/containers: not on the machine.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /var/lib/containers
mount -t tmpfs tmpfs /var/lib/containers
TMPDIR=/mnt
export TMPDIR
mount -t overlay overlay -o "lowerdir=$lowers" /mnt/root
tar --create --directory=/mnt/root --file=/mnt/system.tar .
podman --root "$store.building" --runroot /mnt/run --storage-driver vfs --cgroup-manager cgroupfs --events-backend none \
  import --quiet /mnt/system.tar localhost/debian
mv "$store.building" "$store"
