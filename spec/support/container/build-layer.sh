# Installs packages above other layers: sh build-layer.sh RESULT LOWERS PACKAGES [COMMAND...]
# LOWERS: folders for overlayfs, joined by colons. PACKAGES: separated by spaces. Each COMMAND is run by `sh
# -c` in the new system afterwards, with the machine's network. RESULT is the overlay's upper folder, or, when
# it is named *.tar, that folder as an archive. Nothing is done when it exists. Run it under a lock (see
# images.ts), in mount and pid namespaces of its own.
set -eu
result=$1 lowers=$2 packages=$3
shift 3
[ ! -e "$result" ] || exit 0

work=$result.building
rm -rf "$work"
trap 'umount --recursive --lazy /mnt; rm -rf "$work"' EXIT
mkdir -p "$work/upper" "$work/work"
mount -t tmpfs tmpfs /mnt
mkdir /mnt/root
root=/mnt/root
mount -t overlay overlay -o "lowerdir=$lowers,upperdir=$work/upper,workdir=$work/work" "$root"
mount -t proc proc "$root/proc"
# The machine's own: below an overlay of `/` there may be nothing, not even the `null` that apt needs to
# verify.
mount --bind /dev "$root/dev"

# apt in there reaches what apt on the machine reaches: same settings of its transport (proxies, time-outs,
# checks), same certificates, same name servers. Proxies in the environment are inherited. Not the machine's
# other settings: their hooks call programs that are missing there.
apt-config dump | grep '^Acquire::' > "$root/etc/apt/apt.conf.d/99again-spec"
[ ! -e "$root/etc/resolv.conf" ] || mv "$root/etc/resolv.conf" "$root/etc/resolv.conf.again-spec"
cat /etc/resolv.conf > "$root/etc/resolv.conf"
certificates=/etc/ssl/certs/ca-certificates.crt
if [ -f "$certificates" ] && [ ! -e "$root$certificates" ]; then
  mkdir -p "$root/etc/ssl/certs"
  cp "$certificates" "$root$certificates"
fi
# Other programs than apt are told so by a variable, whatever certificates a package brings.
trusted=/etc/ssl/again-spec.crt
[ ! -f "$certificates" ] || cp "$certificates" "$root$trusted"

# No service may start in here, neither by systemd (there is none) nor by its init script.
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

inside() {
  chroot "$root" /usr/bin/env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 SSL_CERT_FILE="$trusted" "$@"
}
inside apt-get --quiet update
# shellcheck disable=SC2086 # a list
inside apt-get --quiet --yes --no-install-recommends install $packages
# Debian may enable these. A test starts what it wants.
for unit in puppet puppet-master puppetserver puppetdb; do
  [ ! -e "$root/lib/systemd/system/$unit.service" ] || inside systemctl disable "$unit.service"
done
for command in "$@"; do
  inside sh -c "$command"
done

inside apt-get clean
rm -f "$root/usr/sbin/policy-rc.d" "$root$trusted" "$root/etc/apt/apt.conf.d/99again-spec" "$root/etc/resolv.conf"
[ ! -e "$root/etc/resolv.conf.again-spec" ] || mv "$root/etc/resolv.conf.again-spec" "$root/etc/resolv.conf"
umount "$root/dev" "$root/proc" "$root"

case $result in
  *.tar)
    # Whiteouts are devices, opaque folders have an attribute: tar keeps the one always, the other when told.
    tar --create --xattrs --xattrs-include='trusted.overlay.*' --file="$work/tar" --directory="$work/upper" .
    mv "$work/tar" "$result"
    ;;
  *)
    mv "$work/upper" "$result"
    ;;
esac
