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

    # By a shell: Puppet looks for the program at the beginning of a command, and knows only some ways to quote it.
    # An executable of version 0.1.0 does not know the option, and ends with 64: nothing is cancelled then.
    'common::again cancel':
      command   => "/bin/sh -c 'exec \"\$0/again\" cancel --this-run' ${quoted_folder}",
      onlyif    => "/bin/sh -c '${is_there}; ${is_below}; ${has_records}' ${quoted_folder}",
      provider  => 'posix',
      returns   => [0, 64],
      logoutput => true,
      loglevel  => 'notice',
      timeout   => 60,
    ;
  }
}
