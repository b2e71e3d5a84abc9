#!/bin/sh
# Ends whatever a test run has left behind, however the test run ends: standard input stays open as long as it lives.
# The first line says which folder; a process belongs to it when its arguments, environment or executable name it.
set -u
IFS= read -r root || exit 1
cat >/dev/null

left() {
  {
    # shellcheck disable=SC2062 # files, not a pattern
    printf '%s\n' "$root" | grep -lsaF -f - /proc/[0-9]*/cmdline /proc/[0-9]*/environ
    find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname "$root/*" 2>/dev/null
  } | cut -d/ -f3 | sort -u
}

tries=0
while pids=$(left) && [ -n "$pids" ] && [ "$tries" -lt 100 ]; do
  # shellcheck disable=SC2086 # one word per process
  kill -KILL $pids 2>/dev/null
  tries=$((tries + 1))
  sleep 0.1
done
rm -rf -- "$root"
[ -z "$(left)" ]
