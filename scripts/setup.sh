#!/bin/sh
# Installs what the other scripts need, and only what is missing. Says before what it is going to install.
#
#   sh scripts/setup.sh npm     node_modules, as package-lock.json says; any user can do that
#   sh scripts/setup.sh demo    Puppet from Debian, where there is no `puppet` command; root
#   sh scripts/setup.sh test    the Debian packages that `npm test` needs; root
#   sh scripts/setup.sh fleet   what `npm run fleet` needs besides, to make pictures; root
#   sh scripts/setup.sh bench   what `npm run bench` compares with; root
#
# Several words can be given. Nothing that a package brings is started.
set -eu
cd "$(dirname "$0")/.."

# The one list of Debian packages. Facter asks augparse, of augeas-tools, for its version; without it every run of
# Puppet reads all of Augeas' lenses to tell it, which takes a second.
demo_packages='puppet-agent'
test_packages="puppet-agent puppetserver
  systemd-container debootstrap podman
  qemu-user-static libstdc++6-arm64-cross
  psmisc procps sudo iproute2 moreutils augeas-tools
  bundler ruby-dev build-essential
  busybox ksh shellcheck"
fleet_packages='librsvg2-bin fonts-dejavu-core'
bench_packages='at'

fail() {
  echo "setup: $1" >&2
  exit 1
}

# npm itself runs on the Node it was installed with: inside `npm run`, `node` is that of node_modules.
npm() {
  if [ -n "${npm_execpath:-}" ]; then
    "${npm_node_execpath:-node}" "$npm_execpath" "$@"
  else
    command npm "$@"
  fi
}

install_node_modules() {
  mark=node_modules/.package-lock.json # npm writes it last
  if [ -e "$mark" ] && [ -z "$(find package-lock.json -newer "$mark")" ]; then
    return
  fi
  echo 'setup: npm ci, into node_modules (about 400 MB)'
  NODE_OPTIONS="--require=./scripts/npm-node.cjs ${NODE_OPTIONS:-}" \
    npm ci --include=dev --include=optional --loglevel=error ||
    fail 'npm ci failed: see the lines above; it needs the npm registry'
  # npm 9 leaves this link out. With it, `node` inside `npm run` is the Node that builds and tests.
  base=$(echo node_modules/node-linux-*/bin/node)
  [ -e node_modules/.bin/node ] || [ ! -x "$base" ] || ln -s "../../$base" node_modules/.bin/node
  touch "$mark"
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_packages() {
  missing=
  for package in $1; do
    is_installed "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0

  command -v apt-get >/dev/null || fail "needs$missing, and this machine has no apt-get: install them by hand"
  [ "$(id -u)" -eq 0 ] || fail "needs the packages$missing: only root can install them"
  echo "setup: apt-get install$missing"
  forbid_services
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq -o DPkg::Lock::Timeout=300 update || fail 'apt-get update failed: see the lines above'
  # shellcheck disable=SC2086 # one word per package
  apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install $missing </dev/null ||
    fail "apt-get install$missing failed: see the lines above"
  allow_services
}

# Packages ask this before they start a daemon (deb-systemd-invoke, invoke-rc.d): 101 means no.
policy=/usr/sbin/policy-rc.d

forbid_services() {
  [ ! -e "$policy" ] || return 0
  trap allow_services EXIT
  trap 'exit 130' INT TERM HUP
  printf '#!/bin/sh\n# again: set-up is running\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}

allow_services() {
  if grep -qs '^# again: set-up is running$' "$policy"; then
    rm -f "$policy"
  fi
}

for part in "$@"; do
  case $part in
    npm) install_node_modules ;;
    demo) command -v puppet >/dev/null || install_packages "$demo_packages" ;;
    test) install_packages "$test_packages" ;;
    fleet) install_packages "$fleet_packages" ;;
    bench) install_packages "$bench_packages" ;;
    *)
      echo "setup: unknown part '$part': npm, demo, test, fleet, bench" >&2
      exit 64
      ;;
  esac
done
