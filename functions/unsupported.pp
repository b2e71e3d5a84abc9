# @summary Returns what a site wants to happen where a rerun is impossible: the parameter `unsupported` of `common::again`, or the run's environment.
#
# `common::vardir` may ask before that class is declared.
#
# @return
#   `fail` or `warn`.
#
# @api private
function common::unsupported() >> Enum['fail', 'warn'] {
  $parameter = defined('$common::again::unsupported') ? {
    true    => $common::again::unsupported,
    default => lookup('common::again::unsupported', { 'default_value' => 'fail' }),
  }

  $answer = common::internal()['unsupported'] ? {
    'warn'  => 'warn',
    default => $parameter,
  }
  $answer
}
