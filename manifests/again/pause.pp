# @summary Cancels what is pending for the command that runs now, and leaves everything else on the node as it is.
#
# @api private
class common::again::pause {
  $quoted_folder = common::shell_quote($common::again::folder)
  $is_there = 'test -x "$0/again" || exit 1'
  # Below an `again run`, that has them.
  $is_below = 'test -z "$AGAIN_RUN" || exit 0'
  $has_records = 'for record in "$0"/state/commands/*.json; do if test -e "$record"; then exit 0; fi; done; exit 1'

  exec {
    default:
      * => common::without_defaults('Exec'),
    ;

    # An executable of version 0.1.0 does not know the option, and ends with 64: nothing is cancelled then.
    'common::again cancel':
      command   => "${quoted_folder}/again cancel --this-run",
      onlyif    => "/bin/sh -c '${is_there}; ${is_below}; ${has_records}' ${quoted_folder}",
      provider  => 'posix',
      returns   => [0, 64],
      logoutput => true,
      loglevel  => 'notice',
      timeout   => 60,
    ;
  }
}
