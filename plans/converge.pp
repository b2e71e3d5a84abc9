# @summary Runs Puppet's agent on targets, and waits until none of them has a rerun pending.
#
# The plan starts a run of the agent on each target, or joins a run that is already going there. Then, every `interval` seconds, it asks the targets that
# are still busy what is running there, and what is pending. Each look is one run of a task on all of them, and prints a line. The plan ends when all
# targets are quiet or the time is up, and prints a table. A target has failed if it has given up (nothing is pending, and its last run has failed, or its last
# rerun was not run or left no result), could not be asked, or was not done in time.
#
# The targets need `common::again` from an earlier run of Puppet, and root. The plan does without `parallelize`, which the plans of Puppet Enterprise lack, but it was
# tested with Bolt and OpenBolt only.
#
# @param targets
#   Where to run Puppet.
#
# @param timeout
#   Seconds, 1 to 86400 (a day), after which the plan gives up on targets that are still busy; if there are several batches, this holds for each of them.
#   Reruns that are pending on those targets keep waiting.
#
# @param interval
#   Seconds between two looks, 1 to 3600. The last look is at the end of `timeout`.
#
# @param batch
#   How many targets run at a time, 1 or more. The next ones begin when all of these are quiet. Without a value, all run at once.
#
# @param fail_plan_on_errors
#   `true`: the plan fails if a target has failed, and begins no further batch. `false`: the plan continues, and returns the failures.
#
# @param folder
#   The folder of the executable on the targets, if the task does not find it by itself.
#
# @return [ResultSet]
#   A result for each target; a failed one has the `_error` `common/not-converged`. The value of a result has `state` (`converged`, `busy` when the
#   time was up, or `failed`), `text`, and `link`, the number of the newest rerun in its chain. The failure of the plan has the same set in its details, as
#   `result_set`, with `failed_targets` and `skipped_targets`.
#
# @example Let the hosts of a cluster converge, for ten minutes at most
#   bolt plan run common::converge --targets cluster timeout=600 --run-as root
#
# @example Fifty hosts at a time, even if some of them fail
#   bolt plan run common::converge --targets web batch=50 fail_plan_on_errors=false --run-as root
plan common::converge (
  TargetSpec                  $targets,
  Integer[1, 86400]           $timeout             = 1800,
  Integer[1, 3600]            $interval            = 10,
  Optional[Integer[1]]        $batch               = undef,
  Boolean                     $fail_plan_on_errors = true,
  Optional[Pattern[/\A\//]] $folder              = undef,
) {
  $hosts = get_targets($targets)
  $batches = $hosts.slice($batch.lest || { max(1, $hosts.length) })

  $results = $batches.reduce([]) |$before, $batch_hosts| {
    if $fail_plan_on_errors and !ResultSet.new($before).ok {
      $before
    } else {
      $parameters = { 'targets' => $batch_hosts, 'timeout' => $timeout, 'interval' => $interval, 'folder' => $folder }
      $before + run_plan('common::converge::batch', $parameters)
    }
  }
  $set = ResultSet.new($results)

  $width = max(6, *$set.names.map |$name| { $name.length })
  $rows = $results.map |$result| {
    sprintf("%-${width}s  %-9s  %5s  %s", $result.target.name, $result['state'], $result['link'].lest || { '' }, $result['text'])
  }
  out::message([sprintf("%-${width}s  %-9s  %5s  %s", 'target', 'state', 'rerun', 'what was seen'), *$rows].join("\n"))

  if $fail_plan_on_errors and !$set.ok {
    $failed = $set.error_set.names
    $skipped = $hosts.filter |$host| { !($host.name in $set.names) }.map |$host| { $host.name }
    $rest = $skipped.length ? {
      0       => '',
      default => "; not begun: ${skipped.join(', ')}",
    }
    $details = { 'result_set' => $set, 'failed_targets' => $failed, 'skipped_targets' => $skipped }
    fail_plan("${failed.length} of ${hosts.length} have not converged: ${failed.join(', ')}${rest}", 'common/not-converged', $details)
  }
  return $set
}
