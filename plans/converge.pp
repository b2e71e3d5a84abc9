# @summary Runs Puppet's agent on targets, and waits until none of them has a rerun pending.
#
# Starts a run of the agent on each target, or joins the one that goes on there. Then it looks every `interval` seconds what is going on and
# what is pending, prints a line about it, and ends when all targets are quiet or the time is up. It prints a table, and fails where a target has given
# up (its last run has failed and nothing is pending), could not be asked, or was not done in time.
#
# The targets need `common::again` from an earlier run of Puppet, and root.
#
# @param targets
#   Where to run Puppet.
#
# @param timeout
#   Seconds after which the plan gives up.
#
# @param interval
#   Seconds between two looks.
#
# @param folder
#   The folder of the executable on the targets, where the task does not find it by itself.
#
# @return
#   For each target: `target`, `state` (`converged`, `busy` when the time was up, or `failed`), `text`, and `link`, the number of the newest rerun in
#   its chain.
#
# @example Let the hosts of a cluster converge, for ten minutes at most
#   bolt plan run common::converge --targets cluster timeout=600 --run-as root
plan common::converge (
  TargetSpec                  $targets,
  Integer[1, 86400]           $timeout  = 1800,
  Integer[1, 3600]            $interval = 10,
  Optional[Pattern[/\A\//]] $folder   = undef,
) {
  $hosts = get_targets($targets)
  $place = $folder ? {
    undef   => {},
    default => { 'folder' => $folder },
  }
  $end = Timestamp() + Timespan({ 'seconds' => $timeout })

  $orders = without_default_logging() || {
    run_task('common::again', $hosts, $place + { 'action' => 'run', '_catch_errors' => true })
  }
  $looks = Array(Integer[0, $timeout / $interval])
  $found = $looks.reduce([]) |$last, $look| {
    if $look > 0 and ($last.all |$row| { $row['state'] != 'busy' } or Timestamp() >= $end) {
      $last
    } else {
      if $look > 0 { ctrl::sleep($interval) }
      $rows = without_default_logging() || {
        parallelize($hosts) |$host| {
          $order = $orders.find($host.name)
          $pid = $order['pid'] ? {
            undef   => {},
            default => { 'pid' => $order['pid'] },
          }
          $answer = run_task('common::again', $host, $place + $pid + { 'action' => 'progress', '_catch_errors' => true })
          $refusal = $order.ok ? {
            true    => undef,
            default => $order.error.message,
          }
          $since = $order['time'].lest || { 0 }
          $row = { 'target' => $host.name } + common::convergence($answer[0].value, $since, $refusal)
          $row
        }
      }
      $busy = $rows.filter |$row| { $row['state'] == 'busy' }
      $now = Timestamp().strftime('%T')
      $details = $busy.map |$row| { "${row['target']}: ${row['text']}" }
      $line = ["${now}  ${rows.length - $busy.length} of ${rows.length} quiet"] + $details
      out::message($line.join('; '))
      $rows
    }
  }

  $width = max(6, *$found.map |$row| { $row['target'].length })
  $table = $found.map |$row| {
    sprintf("%-${width}s  %-9s  %5s  %s", $row['target'], $row['state'], $row['link'].lest || { '' }, $row['text'])
  }
  out::message([sprintf("%-${width}s  %-9s  %5s  %s", 'target', 'state', 'rerun', 'what was seen'), *$table].join("\n"))

  $open = $found.filter |$row| { $row['state'] != 'converged' }
  unless $open.empty {
    $names = $open.map |$row| { $row['target'] }
    fail_plan("${open.length} of ${found.length} have not converged: ${names.join(', ')}", 'common/not-converged', { 'targets' => $found })
  }
  return $found
}
