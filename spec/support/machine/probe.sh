#!/bin/sh
# Run by an exec of a manifest, so by Puppet itself: keeps what /proc says about the run in a folder of the journal.
#
#   probe.sh JOURNAL LABEL
#
# `run` is the Puppet process that executes the catalog, `parent` the process above it (the daemon, where there is
# one), `child` this script: what Puppet's own children inherit.
set -u
journal=$1
label=$2

record() { # WHO PID
  mkdir "$folder/$1"
  for file in cmdline environ status limits stat oom_score_adj cgroup; do
    cat "/proc/$2/$file" >"$folder/$1/$file" 2>/dev/null
  done
  readlink "/proc/$2/cwd" >"$folder/$1/cwd"
  readlink "/proc/$2/exe" >"$folder/$1/exe"
  stat -L -c %i "/proc/$2/exe" >"$folder/$1/exe-inode"
  find "/proc/$2/fd" -mindepth 1 -printf '%f %l\n' >"$folder/$1/fd" 2>/dev/null
}

read -r uptime _ </proc/uptime
name=$(date +%s%N)-$PPID-$label
folder=$journal/.$name
mkdir "$folder"
echo "$uptime" >"$folder/uptime"
# The name in parentheses may hold spaces.
parent=$(sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$PPID/stat")
record run "$PPID"
record parent "$parent"
record child $$
# This shell blocks all signals for the moment in which it starts `cat`; what a child has is what counts.
cat /proc/self/status >"$folder/child/status"
mv "$folder" "$journal/$name"
