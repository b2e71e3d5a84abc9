# @summary Cancels what is pending for the command that runs now, and leaves everything else on the node as it is.
#
# @api private
class common::again::pause {
  $quoted_folder = common::shell_quote($common::again::folder)
  $is_there = 'test -x "$0/again" || exit 1'
  # What is pending is recorded there, or below an `again run` held by that: only then is it worth a start of `again` to ask whose it is.
  $has_records = 'set -- "$0"/state/commands/*.json; test -e "$1" || test -n "$AGAIN_RUN" || exit 1'
  # It ends with 3 where nothing is pending; an executable of version 0.1.0 does not know the options, and ends with 64. Anything else is for the command to say.
  $is_pending = '"$0/again" cancel --this-run --check >/dev/null 2>&1; set -- $?; test $1 -ne 3 && test $1 -ne 64'

  exec {
    default:
      * => common::without_defaults('Exec'),
    ;

    # By a shell: Puppet looks for the program at the beginning of a command, and knows only some ways to quote it.
    'common::again cancel':
      command   => "/bin/sh -c 'exec \"\$0/again\" cancel --this-run' ${quoted_folder}",
      onlyif    => "/bin/sh -c '${is_there}; ${has_records}; ${is_pending}' ${quoted_folder}",
      provider  => 'posix',
      returns   => 0,
      logoutput => true,
      loglevel  => 'notice',
      timeout   => 60,
    ;
  }
}
