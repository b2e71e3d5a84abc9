# @summary Tells how far a node has converged, from what the task `common::again_progress` has seen there.
#
# @param seen
#   What the task has answered, or its error.
#
# @param since
#   When the node was told to run Puppet, or when the run that was already going then began, in seconds since 1970; 0 if neither is known. A report of
#   Puppet that is older than this is not used.
#
# @param refusal
#   Why the node would not run Puppet.
#
# @param log
#   The file with the output of the run that the task has started there, if it has started one.
#
# @return
#   `state`: `busy`, `converged` or `failed`. `text`: one line about it, for people. `link`: the number of the newest rerun in its chain.
#
# @api private
function common::convergence(Hash $seen, Integer $since, Optional[String] $refusal, Optional[String] $log = undef) >> Hash {
  $rerun = $seen.dig('history', 0).lest || { ({}) }
  $link = $rerun['link']
  $next = $seen.dig('pending', 0)

  # Why the newest rerun counts as failed, unless there is a report that is newer than its start: that is its own, or that of a run that began later.
  $loss = $rerun['result'] ? {
    'not run' => "rerun ${link} was not run: see `again history` there",
    'unknown' => "it is not known how rerun ${link} ended: see `again log` there",
    'failed'  => "rerun ${link} has failed: see `again log` there",
    default   => undef,
  }

  if $seen['_error'] {
    $state = 'failed'
    $text = $seen['_error']['msg']
  } elsif $seen['running'] {
    $state = 'busy'
    $text = 'Puppet runs'
  } elsif $rerun['result'] == 'running' {
    $state = 'busy'
    $text = "rerun ${link} has begun"
  } elsif $next {
    $state = 'busy'
    $text = $next['waitsFor']['kind'] ? {
      'enable'    => "rerun ${next['link']} waits for `puppet agent --enable`",
      'hold'      => "rerun ${next['link']} is held until ${next['waitsFor']['until']}",
      # When a rerun comes that waits for a condition, too, is not known.
      'timer'     => $next['dueIn'] ? { undef => "rerun ${next['link']} waits for its condition", default => "rerun ${next['link']} in ${next['dueIn']} s" },
      'condition' => "rerun ${next['link']} waits for its condition",
      default     => "rerun ${next['link']} is about to begin",
    }
  } elsif $refusal {
    $state = 'failed'
    $text = $refusal
  } elsif $loss and Timestamp($rerun['start']) >= Timestamp(max($since, $seen.dig('report', 'time').lest || { 0 })) {
    $state = 'failed'
    $text = $loss
  } elsif $seen['report'] =~ Undef or $seen['report']['time'] < $since {
    $state = 'failed'
    $output = $log.lest || { '`again log`' }
    $text = "Puppet has written no report of its last run: see ${output} there"
  } elsif $seen['report']['status'] == 'failed' {
    $state = 'failed'
    $text = 'the last run failed, and nothing is pending'
  } else {
    $state = 'converged'
    $text = "the last run: ${seen['report']['status']}"
  }

  $result = { 'state' => $state, 'text' => $text, 'link' => $link }
  $result
}
