# @summary Notify it, and Puppet runs once more as soon as something is there: a path, a port that answers, a command that succeeds.
#
# It works like `Exec['again']` of `common::again`, but from the end of this run on, it checks whether the things that it waits for are
# there. Once a look finds all of them, the rerun is due, and stays due. A thing that is there already is found at once, so wait for one
# that this run did not have yet. A notification replaces an earlier one of the same name that is still pending; a `common::again::delta`
# of the same name is separate. The define includes `common::again` itself. The exec inside is `Exec["again-when-${name}"]`.
#
# A look checks the paths, then the ports, then the command, and ends at the first that is not there. Paths are also watched by inotify,
# and seen within 200 milliseconds where the file system supports it. The command runs with the environment, directory and user of the
# notifying run, without input or output, one at a time, and is ended with its children after 30 seconds, or `interval` where that is
# longer. A command that can't be started counts as not true; the journal says so once (below `again run`, a line on its standard error).
#
# The words of the command are in no argument list of `again`, no log, no journal, no report, and no file on the node's disk except
# Puppet's cached catalog.
#
# At least one of `exists`, `connects` and `succeeds` is needed. Compilation fails with one sentence for a value outside its range, and
# for a name that is longer than 255 characters or holds a control character, such as a newline or a tab.
#
# @param exists
#   One or several absolute paths, all of which must be there. A link counts only if its target is there.
#
# @param connects
#   One or several `HOST:PORT` (or `[IPv6]:PORT`), all of which must take a TCP connection within 10 seconds.
#
# @param succeeds
#   A command that must end with 0: a String is a line for `/bin/sh`, an Array is started as it is. With a `Sensitive`,
#   `again status` does not show the command. Root can still read it in Puppet's cached catalog. The catalog marks it as sensitive, so Puppet warns in each run:
#   "Unable to mark 'environment' as sensitive". The warning is harmless, since Puppet never logs the environment of an exec.
#
# @param interval
#   The time between two looks, in seconds, 1 to 3600.
#
# @param delta
#   The time after the end of the run before the first look, in seconds, 0 to 315360000 (ten years).
#
# @param timeout
#   The time after the end of the run at which the wait is over, in seconds, 1 to 315360000; it must be more than `delta`. Where the
#   back-off of a chain takes longer than that, looks continue for one interval after the back-off.
#
# @param on_timeout
#   What happens at the timeout: with `run`, Puppet runs anyway; with `drop`, it does not; the journal says so (below `again run`, a line on
#   its standard error).
#
# @example Run Puppet again as soon as a disk is formatted
#   common::again::when { 'the brick is there':
#     exists => '/dev/mapper/brick1',
#   }
#
#   exec { '/usr/local/sbin/start-formatting':
#     creates => '/var/lib/formatting',
#     notify  => Common::Again::When['the brick is there'],
#   }
#
# @example As soon as a database answers, or never
#   common::again::when { 'database':
#     connects   => 'db1.example.com:5432',
#     succeeds   => ['/usr/bin/pg_isready', '-q', '-h', 'db1.example.com'],
#     on_timeout => 'drop',
#   }
#
# @example As soon as a unit is active
#   common::again::when { 'storage':
#     succeeds => '/bin/systemctl is-active --quiet storage.service',
#     interval => 2,
#   }
#
# @example As soon as a peer has exported a resource (docs/HOWTO.md has the script)
#   common::again::when { 'gluster2 has exported':
#     succeeds => ['/usr/local/sbin/peer-has-exported', 'gluster2.example.com', 'Cluster::Member'],
#     interval => 15,
#   }
define common::again::when (
  Variant[String, Array[String]]                                                      $exists     = [],
  Variant[String, Array[String]]                                                      $connects   = [],
  Optional[Variant[String, Array[String], Sensitive[Variant[String, Array[String]]]]] $succeeds   = undef,
  Integer[1, 3600]                                                                    $interval   = 5,
  Integer[0, 315360000]                                                               $delta      = 0,
  Integer[1, 315360000]                                                               $timeout    = 1800,
  Enum['run', 'drop']                                                                 $on_timeout = 'run',
) {
  include common::again

  unless $name =~ /\A[^[:cntrl:]]{1,255}\z/ {
    $shown_name = regsubst($name[0, 40], '[[:cntrl:]]', '?', 'G')
    fail("The name of Common::Again::When['${shown_name}'] must be one line of 1 to 255 characters without control characters; it has ${name.length}.")
  }

  $resource = "Common::Again::When['${name}']"
  $paths = [$exists].flatten
  $endpoints = [$connects].flatten

  unless $paths =~ Array[Common::Again::Path] {
    $wrong_paths = $paths.filter |$path| { $path !~ Common::Again::Path }
    $shown_path = regsubst($wrong_paths[0][0, 40], '[\n\0]', '?', 'G')
    fail("${resource}: parameter 'exists' must be absolute paths without newline or NUL, not '${shown_path}'.")
  }

  unless $endpoints =~ Array[Common::Again::Endpoint] {
    $wrong_endpoints = $endpoints.filter |$endpoint| { $endpoint !~ Common::Again::Endpoint }
    $shown_endpoint = regsubst($wrong_endpoints[0][0, 40], '[\n\0]', '?', 'G')
    fail("${resource}: parameter 'connects' must be HOST:PORT or [IPv6]:PORT with a port from 1 to 65535, not '${shown_endpoint}'.")
  }

  $is_sensitive = $succeeds =~ Sensitive
  $check = $is_sensitive ? {
    true  => $succeeds.unwrap,
    false => $succeeds,
  }
  unless $check =~ Undef or $check =~ Common::Again::Check {
    $shown_check = $is_sensitive ? {
      true  => 'what this Sensitive holds',
      false => String($check, '%p'),
    }
    fail("${resource}: parameter 'succeeds' must be a line or a list of words that begins with a command, without NUL, not ${shown_check[0, 80]}.")
  }

  if $paths.empty and $endpoints.empty and $check =~ Undef {
    fail("${resource}: at least one of the parameters 'exists', 'connects' and 'succeeds' is needed.")
  }

  unless $timeout > $delta {
    fail("${resource}: parameter 'timeout' must be more than 'delta', which is ${delta}, not ${timeout}.")
  }

  $condition = common::again_condition({
    'exists'    => $paths,
    'connects'  => $endpoints,
    'succeeds'  => $check,
    'sensitive' => $is_sensitive,
    'interval'  => $interval,
    'timeout'   => $timeout,
    'onTimeout' => $on_timeout,
  })
  if $condition.length > 32768 {
    fail("${resource}: its parameters take ${condition.length} characters as JSON, and 32768 are possible: put the command into a script.")
  }

  if $common::again::is_delivered {
    $quoted_name = common::shell_quote($name)
    # Puppet logs the command of an exec, and ps shows it, but not its environment.
    $variable = "AGAIN_WHEN=${condition}"
    $attributes = {
      'command'     => "${common::again::attributes['command']} --name ${quoted_name} --delta ${delta} --when",
      'environment' => $is_sensitive ? {
        true  => Sensitive($variable),
        false => $variable,
      },
    }
  } else {
    $attributes = {}
  }

  exec {
    default:
      * => common::without_defaults('Exec'),
    ;

    "again-when-${name}":
      refreshonly => true,
      logoutput   => true,
      loglevel    => 'notice',
      *           => $common::again::attributes + $attributes,
    ;
  }
}
