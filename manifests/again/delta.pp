# @summary Notify it, and Puppet runs once more, some time after this run has ended.
#
# It works like `Exec['again']` of `common::again`, but waits `delta` seconds more, and has a name of its own: a notification
# replaces an earlier one of the same name that is still pending, and leaves those of other names alone. The define includes `common::again`
# itself. The exec inside is `Exec["again-delta-${name}"]`.
#
# Compilation fails with one sentence for a value outside its range, and for a name that is longer than 255
# characters or holds a control character, such as a newline or a tab. Any other character is fine in a name.
#
# @param delta
#   The wait, in seconds, 0 to 315360000 (ten years): an Integer, or a String of decimal digits.
#
# @param start_timer_now
#   Where the wait begins: at the end of the run (`false`), or at the notification (`true`). No rerun starts before this
#   run has ended.
#
# @example Run Puppet again two minutes after this run
#   common::again::delta { 'some-name':
#     delta => 120,
#   }
#
#   exec { '/usr/local/sbin/start-formatting':
#     creates => '/var/lib/formatting',
#     notify  => Common::Again::Delta['some-name'],
#   }
#
# @example Count the two minutes from the notification
#   common::again::delta { 'some-name':
#     delta           => 120,
#     start_timer_now => true,
#   }
define common::again::delta (
  Variant[Integer[0, 315360000], String] $delta           = 0,
  Boolean                                $start_timer_now = false,
) {
  include common::again

  unless $name =~ /\A[^[:cntrl:]]{1,255}\z/ {
    $shown_name = regsubst($name[0, 40], '[[:cntrl:]]', '?', 'G')
    fail("The name of Common::Again::Delta['${shown_name}'] must be one line of 1 to 255 characters without control characters; it has ${name.length}.")
  }

  # At most 9 digits after the leading zeros: more would overflow Puppet's integers, which is another message.
  $digits = regsubst(String($delta), '\A0+(?=[0-9])', '')
  unless $digits =~ /\A[0-9]{1,9}\z/ and Integer($digits) <= 315360000 {
    $shown_delta = regsubst(String($delta)[0, 40], '[\n\0]', '?', 'G')
    fail("Common::Again::Delta['${name}']: parameter 'delta' must be 0 to 315360000 seconds in decimal digits, not '${shown_delta}'.")
  }

  $timer = $start_timer_now ? {
    true  => ' --start-timer-now',
    false => '',
  }

  $quoted_name = common::shell_quote($name)
  $arguments = $common::again::is_delivered ? {
    true  => " --name ${quoted_name} --delta ${digits}${timer}",
    false => '',
  }

  exec {
    default:
      * => common::without_defaults('Exec'),
    ;

    "again-delta-${name}":
      refreshonly => true,
      logoutput   => true,
      loglevel    => 'notice',
      *           => $common::again::attributes + { 'command' => "${common::again::attributes['command']}${arguments}" },
    ;
  }
}
