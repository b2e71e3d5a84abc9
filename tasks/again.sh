#!/bin/sh
# The task common::again, and those that do only one thing of it, so that a role can allow one: common::again_status, again_cancel, again_hold, again_release, again_now,
# again_run; and common::again_progress, which is the plan's. Needs nothing but a POSIX shell and what every Linux has. Parameters come as PT_…, the name of the task as
# PT__task; the result goes out as JSON. With PT__noop it says what it would do. A console keeps the results, and others can read them there, so they hold no command
# lines, nor a word of one.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C # `stat` and `date` print words
link=/usr/local/sbin/again
default=/var/lib/puppet/tmp/common/again
executable=''

main() {
  find_folder
  case ${PT__task:-} in
    common::again_status) action=describe ;;
    common::again_cancel) action=cancel ;;
    common::again_hold) action=hold ;;
    common::again_release) action=release ;;
    common::again_now) action=due ;;
    common::again_run) action=run ;;
    common::again_progress) action=progress ;;
    *)
      action=${PT_action:-status}
      case $action in
        describe | progress) action= ;;
      esac
      ;;
  esac
  case $action in
    describe)
      describe
      ;;
    status)
      pending
      printf '{%s"pending":%s}\n' "$hold" "$said"
      ;;
    cancel)
      cancel
      ;;
    hold)
      hold
      ;;
    release)
      release
      ;;
    due)
      due
      ;;
    # `now` was its name before there was `again now`.
    run | now)
      run
      ;;
    progress)
      progress
      ;;
    *)
      fail "action '${PT_action:-}': must be status, cancel, hold, release, due or run"
      ;;
  esac
}

# The executable runs as this user, root as a rule: so it must be one that no other user can have put there. The file that was checked is the one that is run.
find_folder() {
  if [ -n "${PT_folder:-}" ]; then
    find_executable "$PT_folder/again"
  else
    reason=
    [ ! -L "$link" ] || find_executable "$link"
    # No link is needed to the default folder, and none that others can change is followed.
    if [ -z "$executable" ] && { [ -z "$reason" ] || [ -e "$default/again" ]; }; then
      find_executable "$default/again"
    fi
  fi
  [ -n "$executable" ] || fail "$reason"
  folder=${executable%/*}
}

# The file that $1 leads to is in $executable, unless there is a $reason against it.
find_executable() {
  executable=
  # Debian's /var/lib/puppet is closed to ordinary users, and the executable is root's alone.
  hidden='' advice=''
  [ "$(id -u)" -eq 0 ] || hidden=", or $(user_name) may not look there" advice='run the task as root (--run-as root), '
  advice="${advice}apply common::again there with Puppet, or give the parameter folder"
  if [ ! -e "$1" ]; then
    # A link that leads nowhere is there; what is missing is where it leads.
    missing=$(readlink "$1" || printf '%s' "$1")
    reason="there is no $missing$hidden: $advice"
  elif ! resolve "$1"; then
    reason="$1 is not run as $(user_name): $reason"
  elif [ ! -x "$resolved" ] || [ "${resolved##*/}" != again ]; then
    reason="$1 is not an executable that $(user_name) can run: $advice"
  else
    executable=$resolved
  fi
}

user_name() {
  # `id -un` prints the number of a user who has no name, and fails.
  if name=$(id -un 2>/dev/null); then echo "$name"; else echo "user $(id -u)"; fi
}

# again ARGUMENT...: the output of the executable is in $said; a refusal ends the task.
again() {
  said=$(env -i "PATH=$PATH" "$executable" "$@" 2>&1) || fail "${said#again: }"
}

# The pending entries are in $said, and the hold is in $hold, as the member of an object: empty if there is none, or if the executable does not know holds yet.
pending() {
  hold=$(env -i "PATH=$PATH" "$executable" status --hold --json 2>/dev/null)
  case $hold in
    '{'*) hold="\"hold\":$hold," ;;
    *) hold= ;;
  esac
  shown status
}

# shown SUBCOMMAND...: its JSON, a member a line, is in $said without the command lines of Puppet and of conditions, and without the reason why a rerun did not
# start: that names an option which Puppet refused, or a file of the command that is gone.
shown() {
  again "$@" --json
  case $said in
    '['*']') ;;
    *) fail "\`$executable $* --json\` has printed no list" ;;
  esac
  # shellcheck disable=SC2016 # the marks of `describeCheck`
  said=$(printf '%s\n' "$said" | sed '
    /^    "command": /d
    s/^\(      "what": "[^`]*\)`.*` succeeds",$/\1its command succeeds",/
    s/^\(    "result": "not run\): .*",$/\1",/
  ')
}

# The output of the executable, for people, and the pending entries now.
answer() {
  output=$(json "$said")
  pending
  report_all
}

report_all() {
  printf '{"_output":"%s",%s"pending":%s}\n' "$output" "$hold" "$said"
}

is_noop() {
  [ "${PT__noop:-}" = true ]
}

# would WORDS OTHERWISE: for _noop, the names of what is pending and meant by the parameter `name`, after these words.
would() {
  pending
  names=$(printf '%s\n' "$said" | sed -n 's/^    "name": "\(.*\)",$/\1/p')
  if [ -n "${PT_name:-}" ]; then
    meant=$(json "$PT_name")
    [ "$meant" != again ] || meant="again
Exec['again']"
    names=$(printf '%s\n' "$names" | grep -Fx -e "$meant") ||
      fail "nothing is pending under the name \"$(json "$PT_name")\": see \`again status\`"
  fi
  output=$2
  [ -z "$names" ] || output="$1: $(printf '%s\n' "$names" | sed -e ':a' -e '$!N' -e '$!ba' -e 's/\n/, /g')"
  report_all
}

# Versions that can't be told, as of an executable that knows no --licenses, are null.
describe() {
  pending
  printf '{"version":%s,"node":%s,%s"pending":%s}\n' \
    "$(quoted "$(env -i "$executable" --version 2>/dev/null)")" \
    "$(quoted "$(env -i "$executable" --licenses 2>/dev/null | sed -n 's/^  Node\.js \([0-9.]*\),.*/\1/p')")" "$hold" "$said"
}

quoted() {
  if [ -n "$1" ]; then printf '"%s"' "$(json "$1")"; else printf null; fi
}

cancel() {
  case ${PT_all:-false}:${PT_name:-} in
    true: | false:?*) ;;
    *) fail 'cancel needs either a name or all=true' ;;
  esac
  if is_noop; then
    would 'Would cancel' 'Nothing is pending.'
  elif [ -n "${PT_name:-}" ]; then
    again cancel -- "$PT_name"
    answer
  else
    again cancel --all
    answer
  fi
}

hold() {
  if is_noop; then
    pending
    output="Would keep every rerun from starting, for $(json "${PT_for:-8h}")"
    report_all
  else
    # A reason that begins with `-` is none of the options.
    again hold ${PT_for:+"--for=$PT_for"} ${PT_reason:+-- "$PT_reason"}
    answer
  fi
}

release() {
  if is_noop; then
    pending
    output='Nothing is held.'
    [ -z "$hold" ] || output='Would end the hold'
    report_all
  else
    again release
    answer
  fi
}

due() {
  if is_noop; then
    would 'Would be due now' 'Nothing is pending.'
  else
    again now ${PT_name:+-- "$PT_name"}
    answer
  fi
}

# Starts the Puppet that the last run of this node was, by its own Ruby, with root's bare environment and not with this task's. A run that is going
# is joined instead: the answer says which one, and when it took the lock, or was begun by this task. Its report is written later than that, and all others were
# written before.
run() {
  [ "$(id -u)" -eq 0 ] || fail 'only root can start a run of the agent'
  find_puppet
  running=$(running_agent)
  since=$(place agent_catalog_run_lockfile)
  if [ -z "$running" ]; then
    running=$(begun_run)
    since=$folder/state/begun
  fi
  if [ -n "$running" ] && time=$(stat -c %Y "$since" 2>/dev/null); then
    printf '{"pid":%s,"time":%s,"joined":true}\n' "$running" "$time"
    return
  fi
  disabled=$(place agent_disabled_lockfile)
  [ ! -e "$disabled" ] || fail "the agent is disabled: $disabled holds $(cat "$disabled")"
  if is_noop; then
    printf '{"_output":"Would start a run of the agent"}\n'
    return
  fi

  remove_old_logs
  log=$folder/state/logs/$(date -u +%Y%m%dT%H%M%SZ)-now-$$.log
  (umask 077 && mkdir -p "${log%/*}" && : >"$log") 2>/dev/null || fail "$log cannot be written"
  time=$(date +%s)
  # Without --verbose the log would be empty.
  puppet agent --onetime --no-daemonize --no-splay --verbose --color=false >"$log" 2>&1 &
  (umask 077 && process "$!" >"$folder/state/begun")
  printf '{"pid":%s,"time":%s,"log":"%s"}\n' "$!" "$time" "$(json "$log")"
}

# Makes room for one more log of such a run; `again` itself does this for those of reruns. Names sort by time.
remove_old_logs() {
  set -- "$folder"/state/logs/*-now-*.log
  while [ $# -gt 19 ]; do
    rm -f "$1" 2>/dev/null
    shift
  done
}

# The pid of the run that this task has begun, while it lives: it has no lock yet at its beginning.
begun_run() {
  begun=$(cat "$folder/state/begun" 2>/dev/null)
  [ -z "$begun" ] || [ "$(process "${begun% *}")" != "$begun" ] || printf '%s' "${begun% *}"
}

# A process, by its pid and the time of its start, which a later one of that pid does not have; nothing where it has ended.
process() {
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # The name, in parentheses, may hold anything. After it: the state, and the start as the 20th word.
  # shellcheck disable=SC2086 # its words
  set -- "$1" ${stat##*\) }
  [ "$2" = Z ] || printf '%s %s\n' "$1" "${21}"
}

# Whether this node still converges. The order matters: a run that has ended meanwhile has what it asked for among what is pending, and a
# rerun that has started meanwhile is the newest of the history.
progress() {
  [ "$(id -u)" -eq 0 ] || fail 'only root can see how far the agent is'
  find_puppet
  running=$(running_agent)
  [ -n "$running" ] || running=$(begun_run)
  shown status
  pending=$said
  shown history -n 1
  printf '{"running":%s,"pending":%s,"history":%s,"report":%s}\n' "${running:-null}" "$pending" "$said" "$(report)"
}

# Of Puppet's newest report: what came of that run, and when it was written, at that run's end. (The time in it is that of a moment before the run
# takes the lock.)
report() {
  file=$(place lastrunreport)
  status=$(sed -n 's/^status: //p' "$file" 2>/dev/null)
  if [ -n "$status" ] && time=$(stat -c %Y "$file" 2>/dev/null); then
    printf '{"status":"%s","time":%s}' "$(json "$status")" "$time"
  else
    printf null
  fi
}

find_puppet() {
  settings=$folder/again.json
  resolve "$settings" || fail "it isn't sure which Puppet to start: $reason"
  # Written by manifests/again.pp as "puppet": ["RUBY", "SCRIPT"], in one line and without quotes inside.
  recorded=$(sed -n 's/^ *"puppet": \["\(.*\)"\],\{0,1\}$/\1/p' "$settings")
  ruby=${recorded%%'", "'*}
  puppet=${recorded##*'", "'}
  [ -n "$recorded" ] || fail "$settings doesn't say which Puppet the last run was: run Puppet once"
  for file in "$ruby" "$puppet"; do
    resolve "$file" || fail "$file, of the last run, is not started: $reason"
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
  umask 022 && cd / && exec setsid env -i "PATH=/usr/local/sbin:/usr/local/bin:$PATH" HOME=/root LANG=C.UTF-8 "$ruby" "$puppet" "$@" </dev/null
}

place() {
  printf '%s\n' "$places" | sed -n "s/^$1 = //p"
}

# Goes the way that the kernel goes with the absolute path of a file, from / on and through every link, and puts into $resolved where it ends. Fails, with
# the $reason, where another user can change anything on that way, or the file. What others can't change stays as it was seen: so nothing
# can be exchanged between this look and what is done then. The rules are those of src/state/folder.ts.
resolve() {
  resolved='' reason='' left=$1 links=0
  while :; do
    may_be_changed "${resolved:-/}" && return 1
    while [ "${left#/}" != "$left" ]; do left=${left#/}; done
    [ -n "$left" ] || break
    name=${left%%/*}
    left=${left#"$name"}
    case $name in
      .) continue ;;
      ..)
        resolved=${resolved%/*}
        continue
        ;;
    esac
    if [ -L "$resolved/$name" ]; then
      may_be_changed "$resolved/$name" && return 1
      target=$(readlink "$resolved/$name")
      left=$target$left
      [ "${target#/}" = "$target" ] || resolved=''
      links=$((links + 1))
      [ "$links" -le 40 ] || { reason="$1 is a circle of links" && return 1; } # as many as the kernel follows
    else
      resolved=$resolved/$name
    fi
  done
  [ -f "$resolved" ] || { reason="$resolved is no file" && return 1; }
}

# Whether others than root and this user can change a file, a folder or a link, or exchange what lies in a folder; the $reason names them.
may_be_changed() {
  seen=$(stat -c '%u %g %A' "$1" 2>/dev/null) || { reason="$1 is not there" && return 0; }
  mode=${seen##* } owner=${seen%% *} group=${seen#* }
  group=${group% *}
  users=" 0 $(id -u) " groups=' 0 '
  [ "$users" = ' 0 0 ' ] || groups=" 0 $(id -g) "
  case $mode in
    # Debian's packages give /var/lib/puppet to an account from which root's Puppet loads code: see docs/SECURITY.md. No program is that account's.
    d*)
      users="$users$(sed -n 's/^puppet:[^:]*:\([0-9]*\):.*/\1/p' /etc/passwd) "
      groups="$groups$(sed -n 's/^puppet:[^:]*:[0-9]*:\([0-9]*\):.*/\1/p' /etc/passwd) "
      ;;
  esac
  by=
  case $users in
    *" $owner "*) ;;
    *) by="user $owner" ;;
  esac
  case $mode in
    # A link has no mode of its own. In a sticky folder (/tmp) no user can exchange what is another user's.
    l* | d*[tT]) ;;
    ????????w*) by=${by:-every user} ;;
    ?????w*)
      case $groups in
        *" $group "*) ;;
        *) by=${by:-group $group} ;;
      esac
      ;;
  esac
  [ -n "$by" ] || return 1
  reason="$1 can be changed by $by ($mode), and only root and this user may change it"
}

# Puppet's own idea of a lock that holds (lib/puppet/util/pidlock.rb): a crashed agent leaves its lock behind.
is_puppet() {
  case $1 in
    '' | *[!0-9]*) return 1 ;;
  esac
  name=$(cat "/proc/$1/comm" 2>/dev/null) || return 1
  case $name in
    *puppet | puppet-*) return 0 ;;
    *ruby*) { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null | grep -q puppet ;;
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
