/**
 * A Puppet of some milliseconds: a shell by the name of `ruby` that reads a script by the name of `puppet`, which is what the executable looks for. It takes the agent's
 * lock as Puppet does, calls the launcher, and writes a report. What a run does is in a plan, which is shell, too: `work MILLISECONDS`, `again NAME DELTA [ARGUMENT]`,
 * `when NAME DELTA TIMEOUT ON_TIMEOUT CONDITION`, `report STATUS`. Each thing that happens is a line in `events`: the time (milliseconds of CLOCK_MONOTONIC, in steps of 10), the pid, and what.
 */
export function stubPuppet(base: string): string {
  return `set -u
state=${base}/var/state lock=${base}/var/state/agent_catalog_run.lock
note() {
  IFS=. read -r seconds rest </proc/uptime
  printf '%s %s %s\\n' "$seconds\${rest%% *}0" $$ "$*" >>${base}/events
}
work() { sleep "$1"; }
again() {
  note asks "$1"
  name=$1 delta=$2
  shift 2
  /bin/sh ${base}/again/notify --name "$name" --delta "$delta" "$@" >${base}/out.$$ 2>&1
  code=$?
  # The launcher says this and nothing behind it (no \`deliver\` is here that could) where its helper ended without a verdict.
  if [ $code != 0 ] && grep -qx 'again: ' ${base}/out.$$; then code=silent; fi
  note asked "$name" $code "$delta" "$@"
}
when() {
  note waits "$1" "$3" "$4"
  AGAIN_WHEN=$5
  export AGAIN_WHEN
  again "$1" "$2" --when
  unset AGAIN_WHEN
}
report() { status=$1; }

mode=$1 arguments="$*" status=changed kind=run
case \${AGAIN_PROCESS-} in $$:*) kind=rerun ;; esac
set -- /proc/$$/fd/*
note start $mode $kind $#
if [ $mode = agent ]; then
  if [ -e $state/agent_disabled.lock ]; then
    echo 'Notice: Skipping run of Puppet configuration client; administratively disabled'
    note end skipped
    exit 1
  fi
  echo $$ >$lock.$$
  until ln $lock.$$ $lock 2>/dev/null; do
    holder=
    read -r holder 2>/dev/null <$lock
    if [ "$holder" ] && ! [ -d /proc/$holder ]; then
      mv $lock $lock.stale 2>/dev/null
      continue
    fi
    case $arguments in
      *--waitforlock*) sleep 0.01 ;;
      *)
        echo 'Notice: Run of Puppet configuration client already in progress; skipping'
        rm -f $lock.$$
        note end skipped
        exit 1
        ;;
    esac
  done
  rm -f $lock.$$
fi
note begin $mode
time=$(date -u +%Y-%m-%dT%H:%M:%S.%N+00:00)
echo "Notice: $kind"
if [ $kind = rerun ]; then work 0.01; else . "$STUB_PLAN"; fi
if [ $status != none ]; then
  printf '%s\\n' '---' "time: '$time'" "status: $status" 'noop: false' 'transaction_completed: true' \\
    'cached_catalog_status: not_used' 'environment: production' >$state/report.$$
  mv $state/report.$$ $state/last_run_report.yaml
fi
note end
if [ $mode = agent ]; then rm -f $lock; fi
`;
}
