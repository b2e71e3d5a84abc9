# Makes the tree of a bare Debian of another release: sh build-base.sh SUITE FOLDER
# Nothing is done when FOLDER exists: it appears complete, by a rename. Run it under a lock (see images.ts),
# in mount and pid namespaces of its own, so that debootstrap's mounts and processes end with it.
set -eu
suite=$1 folder=$2
[ ! -d "$folder" ] || exit 0

# The machine knows a mirror: that of its own release, without the archives for updates.
. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
  awk -v release="$VERSION_CODENAME" '$2 == release { print $1; exit }')
[ -n "$mirror" ] || { echo "apt on this machine has no source for $VERSION_CODENAME" >&2; exit 1; }

rm -rf "$folder.building"
debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus "$suite" "$folder.building" "$mirror" || {
  tail -n 20 "$folder.building/debootstrap/debootstrap.log" >&2
  exit 1
}
rm -rf "$folder.building"/var/cache/apt/archives/*.deb
mv "$folder.building" "$folder"
