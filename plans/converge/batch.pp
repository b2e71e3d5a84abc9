# @summary Runs Puppet's agent on targets, and looks at those that are still busy, until all are quiet or the time is up. For `common::converge`.
#
# @param targets
#   Where to run Puppet.
#
# @param timeout
#   Seconds after which the plan gives up on targets that are still busy.
#
# @param interval
#   Seconds between two looks.
#
# @param folder
#   The folder of the executable on the targets, if the task does not find it by itself.
#
# @return [Array[Result]]
#   A result for each target.
#
# @api private
plan common::converge::batch (
  TargetSpec                  $targets,
  Integer[1, 86400]           $timeout,
  Integer[1, 3600]            $interval,
  Optional[Pattern[/\A\//]] $folder,
) {
  $hosts = get_targets($targets)
  $place = $folder ? {
    undef   => {},
    default => { 'folder' => $folder },
  }
  $parameters = $place + { '_catch_errors' => true }
  $end = Timestamp() + Timespan({ 'seconds' => $timeout })

  $orders = without_default_logging() || { run_task('common::again_run', $hosts, $parameters) }

  # There is no loop that ends by a condition: looks that come after the end do nothing. The last one is at the end itself.
  $looks = Array(Integer[0, ($timeout + $interval - 1) / $interval])
  $rows = $looks.reduce({}) |$last, $look| {
    $busy = $hosts.filter |$host| { $look == 0 or $last[$host.name]['state'] == 'busy' }
    $left = Float($end - Timestamp())
    if $busy.empty or ($look > 0 and $left <= 0) {
      $last
    } else {
      if $look > 0 { ctrl::sleep(min($interval, $left)) }
      $answers = without_default_logging() || { run_task('common::again_progress', $busy, $parameters) }
      $now = $answers.reduce($last) |$seen, $answer| {
        $name = $answer.target.name
        $order = $orders.find($name)
        $refusal = $order.ok ? {
          true    => undef,
          default => $order.error.message,
        }
        $seen + { $name => common::convergence($answer.value, $order['time'].lest || { 0 }, $refusal, $order['log']) }
      }
      $still = $busy.filter |$host| { $now[$host.name]['state'] == 'busy' }
      $details = $still.map |$host| { "${host.name}: ${now[$host.name]['text']}" }
      $time = Timestamp().strftime('%T')
      $line = ["${time}  ${hosts.length - $still.length} of ${hosts.length} quiet"] + $details
      out::message($line.join('; '))
      $now
    }
  }

  return $hosts.map |$host| {
    $row = $rows[$host.name]
    $error = { 'kind' => 'common/not-converged', 'details' => {} }
    $value = $row['state'] ? {
      'converged' => $row,
      'busy'      => $row + { '_error' => $error + { 'msg' => "not done after ${timeout} s: ${row['text']}" } },
      default     => $row + { '_error' => $error + { 'msg' => $row['text'] } },
    }
    Result.new($host, $value)
  }
}
