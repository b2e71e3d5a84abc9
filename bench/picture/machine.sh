# A machine with Puppet folders, processes and a name of its own, made from this one: sh machine.sh MODULE MANIFEST COMMAND...
# Delivers the module's executable, and then runs the command beside the manifest, on a terminal of 104 columns. Run it in mount, pid and uts namespaces of its own:
# nothing of what it changes is outside of them.
set -eu
module=$1 manifest=$2
shift 2
for folder in /etc/puppet /var/lib/puppet /var/cache/puppet /var/log/puppet /usr/local/sbin /srv; do
  mount -t tmpfs -o mode=755 tmpfs "$folder"
done
mkdir -p /etc/puppet/code/modules
ln -s "$module" /etc/puppet/code/modules/common
hostname web
cp "$manifest" /srv/
cd /srv
# Facts of the network are of no interest here, and some take long to be missed.
puppet apply -e 'include common::again' >/srv/first-run 2>&1 || {
  cat /srv/first-run >&2
  exit 1
}
stty cols 104 rows 50
printf '\036' # the record begins here
"$@"
