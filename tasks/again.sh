#!/bin/sh
# The task common::again. Needs nothing but a POSIX shell and what every Linux has; parameters come as PT_…, the result goes out as JSON.
set -u
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
link=/usr/local/sbin/again

main() {
  find_folder
  case ${PT_action:-status} in
    status)
      again status --json
      printf '{"pending":%s}\n' "$said"
      ;;
    cancel)
      cancel
      ;;
    now)
      now
      ;;
    progress)
      progress
      ;;
    *)
      fail "action '$PT_action': must be status, cancel or now"
      ;;
  esac
}

find_folder() {
  folder=${PT_folder:-}
  if [ -z "$folder" ] && [ -L "$link" ]; then
    target=$(readlink -f "$link")
    folder=${target%/*}
  fi
  folder=${folder:-/var/lib/puppet/tmp/common/again}
  [ -x "$folder/again" ] ||
    fail "there is no $folder/again that this user can run: has Puppet applied common::again here? Else give the parameter folder"
}

# again ARGUMENT...: what the executable says is in $said; what it refuses ends the task.
again() {
  said=$(env -i "PATH=$PATH" "$folder/again" "$@" 2>&1) || fail "${said#again: }"
}

cancel() {
  case ${PT_all:-false}:${PT_name:-} in
    true:) again cancel --all ;;
    false:?*) again cancel -- "$PT_name" ;;
    *) fail 'cancel needs either a name or all=true' ;;
  esac
  output=$said
  again status --json
  printf '{"_output":"%s","pending":%s}\n' "$(json "$output")" "$said"
}

# Starts the Puppet that the last run of this node was, by its own Ruby, with root's bare environment and not with this task's.
now() {
  [ "$(id -u)" -eq 0 ] || fail 'only root can start a run of the agent'
  find_puppet
  disabled=$(place agent_disabled_lockfile)
  [ ! -e "$disabled" ] || fail "the agent is disabled: $disabled holds $(cat "$disabled")"
  running=$(running_agent)
  [ -z "$running" ] || fail "a run of the agent is going: pid $running"

  log=$folder/state/logs/$(date -u +%Y%m%dT%H%M%SZ)-now-$$.log
  (umask 077 && mkdir -p "${log%/*}" && : >"$log") 2>/dev/null || fail "$log cannot be written"
  time=$(date +%s)
  # Without --verbose the log would be empty.
  puppet agent --onetime --no-daemonize --no-splay --verbose --color=false >"$log" 2>&1 &
  printf '{"pid":%s,"time":%s,"log":"%s"}\n' "$!" "$time" "$(json "$log")"
}

# Whether this node still converges. The order matters: a run that has ended meanwhile has what it asked for among what is pending, and a
# rerun that has started meanwhile is the newest of the history.
progress() {
  [ "$(id -u)" -eq 0 ] || fail 'only root can see how far the agent is'
  find_puppet
  running=$(running_agent)
  [ -n "$running" ] || ! is_puppet "${PT_pid:-}" || running=$PT_pid
  again status --json
  pending=$said
  again history --json -n 1
  printf '{"running":%s,"pending":%s,"history":%s,"report":%s}\n' "${running:-null}" "$pending" "$said" "$(report)"
}

# Of Puppet's newest report: what came of that run, and when it began.
report() {
  file=$(place lastrunreport)
  status=$(sed -n 's/^status: //p' "$file" 2>/dev/null)
  time=$(sed -n "s/^time: *//p" "$file" 2>/dev/null | tr -d "'\"")
  if [ -n "$status" ] && seconds=$(date --date "$time" +%s 2>/dev/null); then
    printf '{"status":"%s","time":%s}' "$(json "$status")" "$seconds"
  else
    printf null
  fi
}

find_puppet() {
  settings=$folder/again.json
  is_roots_alone "$settings" || fail "$settings is not there, or not root's alone: it says which Puppet to start"
  # Written by manifests/again.pp as "puppet": ["RUBY", "SCRIPT"], in one line and without quotes inside.
  recorded=$(sed -n 's/^ *"puppet": \["\(.*\)"\],\{0,1\}$/\1/p' "$settings")
  ruby=${recorded%%'", "'*}
  puppet=${recorded##*'", "'}
  [ -n "$recorded" ] || fail "$settings doesn't say which Puppet the last run was: run Puppet once"
  for file in "$ruby" "$puppet"; do
    is_roots_alone "$file" || fail "$file, of the last run, is not there any more, or can be changed by others than root"
    leads_to_root "$file" || fail "$file, of the last run, lies in a folder that others than root can change"
  done

  places=$(puppet config print agent_catalog_run_lockfile agent_disabled_lockfile lastrunreport --section agent 2>&1) ||
    fail "$puppet doesn't say where its locks and its report are: $places"
}

running_agent() {
  holder=$(cat "$(place agent_catalog_run_lockfile)" 2>/dev/null)
  ! is_puppet "$holder" || printf '%s' "$holder"
}

# Replaces the shell that it is called in: the pid of `puppet … &` is Puppet's.
puppet() {
  umask 022 && cd / && exec setsid env -i "PATH=$PATH" HOME=/root LANG=C.UTF-8 "$ruby" "$puppet" "$@" </dev/null
}

place() {
  printf '%s\n' "$places" | sed -n "s/^$1 = //p"
}

# A file of root's that nobody else may write, behind whatever links.
is_roots_alone() {
  [ -n "$(find -H "$1" -maxdepth 0 -type f -user 0 ! -perm /022 2>/dev/null)" ]
}

# In a sticky folder (/tmp) nobody can exchange what is root's.
leads_to_root() {
  at=$(readlink -f "$1")
  while at=$(dirname "$at"); do
    [ -n "$(find "$at" -maxdepth 0 -user 0 '(' ! -perm /002 -o -perm -1000 ')')" ] || return 1
    [ "$at" != / ] || return 0
  done
}

# Puppet's own idea of a lock that holds (lib/puppet/util/pidlock.rb): a crashed agent leaves its lock behind.
is_puppet() {
  case $1 in
    '' | *[!0-9]*) return 1 ;;
  esac
  name=$(cat "/proc/$1/comm" 2>/dev/null) || return 1
  case $name in
    *puppet | puppet-*) return 0 ;;
    *ruby*) tr '\0' ' ' <"/proc/$1/cmdline" | grep -q puppet ;;
    *) return 1 ;;
  esac
}

fail() {
  printf '{"_error":{"kind":"common/again","msg":"%s","details":{}}}\n' "$(json "$1")"
  exit 1
}

# A text as the inside of a JSON string, on one line.
json() {
  printf '%s' "$1" | LC_ALL=C tr '\000-\037\177' ' ' | sed 's/[\\"]/\\&/g'
}

main
