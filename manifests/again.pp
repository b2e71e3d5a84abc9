# @summary Gives `Exec['again']`: notify it, and Puppet runs once more after this run has ended.
#
# The exec is refreshonly. When it is notified, it starts a helper, which waits in the background for the end of this run and then becomes
# the same Puppet command. Many notifications of one run lead to one rerun. The exec prints one line: what will run, when, the waiter's
# process id and where the rerun's output goes.
#
# When one of the resources that notify the exec fails, Puppet skips it for all of them ("Skipping because of failed dependencies"):
# a `common::again::delta` for each cause keeps the causes apart.
#
# Reruns that cause reruns form a chain. Its first `burst` reruns start at once; the waits after that double from 30 seconds up
# to `max_delay`, and `limit` can end the chain.
#
# Set the parameters in Hiera: other classes, each `common::again::delta` and each `common::again::when` include this class, and a
# declaration with `class { 'common::again': }` fails when an `include` came first.
#
# Resource defaults of a site (`Exec { ... }`, `File { ... }`) change nothing here, except for `audit`, `noop`, `schedule` and `tag`.
#
# Compilation fails with one sentence for a value outside its range, where `common::vardir` fails, and, unless `unsupported` is `warn`, on
# anything but Linux on x86_64 (amd64) and aarch64 (arm64). A module that was deployed without its executables does not fail
# a compilation: it warns, delivers nothing, and the exec says so. (A `source` in another mount of the Puppet Server may fail one: see below.)
#
# @param ensure
#   * `present`: everything that this class manages is on the node.
#   * `absent`: everything that is pending is cancelled. When its waiters have ended (after 10 seconds at most, else the run fails), the
#     folder of the executable is removed, and so is a link to that executable. `Exec['again']`, deltas and whens stay in the catalog, so
#     that resources that notify them compile; they do nothing.
#
# @param enable
#   `false`: `Exec['again']`, deltas and whens do nothing, nothing is delivered or updated, and the reruns that are pending for the command
#   that runs now are cancelled. Reruns for other commands stay.
#
# @param burst
#   The number of reruns of a chain, 0 to 1000, that start without a growing wait.
#
# @param max_delay
#   The longest of the growing waits, in seconds, 30 to 86400 (a day).
#
# @param limit
#   The number of reruns, 1 to 100000, after which a chain ends with a failed exec that says so. Without a value, a chain has no end.
#
# @param splay
#   The longest extra wait before a rerun, in seconds, 0 to 86400 (a day). Each rerun waits a random part of it, so that many nodes don't
#   ask their server at the same moment.
#
# @param grace
#   The least time between the end of a run and its rerun, in seconds, 0 to 60, so that a script's own next run goes first. It doesn't
#   apply after a rerun, a run of the agent's daemon, or a run that is the main process of its systemd service.
#
# @param unsupported
#   What happens where a rerun is impossible by nature: `bolt apply`, a manifest from standard input, `bundle exec`, Puppet as process 1
#   of a container, an ordinary user without a base folder, a module without its executables, another operating system or CPU.
#
#   * `fail`: the compilation or the exec fails with one sentence.
#   * `warn`: the compilation warns, and the exec prints one line that begins with `Warning:` and succeeds; on another operating
#     system or CPU it does nothing.
#
#   The variable `AGAIN_UNSUPPORTED=warn` in a run's environment has the same effect as `warn`.
#
# @param logdest
#   Where the output of reruns goes.
#
#   * `file`: to a file for each rerun, of which the newest 20 are kept.
#   * `journal`: to the journal of systemd, with the identifier `puppet-again`. Where `systemd-cat` or the journal is missing, it still
#     goes to a file, and the exec says so.
#
#   `again log` shows it in both cases. A rerun that is started as a whole unit writes where that unit writes.
#
# @param rerun
#   What is run again where the notifying run is the main process of a systemd service, such as a oneshot service on a timer.
#
#   * `command`: the command of the run, with the same arguments, environment and directory. The unit is started only where the run's
#     surroundings end with it (`PrivateTmp=`, `RuntimeDirectory=` …).
#   * `unit`: the unit itself is started, so that its limits, `ExecStartPre=`, `ExecStartPost=`, `OnFailure=`, `StandardOutput=` and
#     `systemctl stop` hold for the rerun, too. The unit has to end with the run. Otherwise the command is repeated, and the exec says why:
#     in cron, in a session, in a service that does more than this run, in the daemon's service, in a transient one, in one with
#     `RemainAfterExit=`, `Restart=always`, `Restart=on-success`, `RefuseManualStart=` or `StartLimitAction=`, in a service of the system where
#     the run is an ordinary user's, or in a service of a user's own manager where that user does not linger.
#
# @param symlink
#   A link to the executable for people at a shell, so that `again status` is enough: an absolute path, or `false` for no link. The link
#   replaces anything but a folder at that path; a link that an earlier value made stays. An ordinary user's run does not make the default link. A
#   folder of the link that is missing is made. The fact `again` and the task `common::again` follow the default link to a base folder that isn't the
#   default one.
#
# @param source
#   Where the archives of the executables lie: the URL of a folder with `again-linux-x64.gz` and `again-linux-arm64.gz`, copied from
#   the whole module's `files/again`. It begins with `puppet:`, `http:`, `https:` or `file:`. A node asks there only when it lacks the
#   executable. Its catalog holds the checksum, so it puts in place no other executable than this module was built with, whatever the
#   server sends. A web server must send the archives as they are, without a `Content-Encoding`. The slim module has no archives: it
#   needs this parameter. In another mount of the Puppet Server (`puppet:///files/again`), the archives must be there before a static catalog
#   is compiled: while it compiles, the server looks at the file of each `puppet:///` URL, and the compilation fails if the file is missing.
#
# @example Run Puppet again when a file has changed
#   include common::again
#
#   file { '/tmp/foo':
#     content => "x\n",
#     notify  => Exec['again'],
#   }
#
# @example Spread the reruns of many nodes over five minutes, and end a chain after 20 of them, in Hiera
#   common::again::splay: 300
#   common::again::limit: 20
#
# @example No failure where a run can't be repeated, in Hiera
#   common::again::unsupported: warn
#
# @example The output of reruns in the journal, in Hiera
#   common::again::logdest: journal
#
# @example The service that runs Puppet is started again, in Hiera
#   common::again::rerun: unit
#
# @example No reruns on these nodes for now, in Hiera
#   common::again::enable: false
#
# @example The executables from a web server, in Hiera
#   common::again::source: https://files.example.com/again
#
# @example No command `again` in root's PATH, in Hiera
#   common::again::symlink: false
class common::again (
  Enum['present', 'absent']       $ensure      = 'present',
  Boolean                         $enable      = true,
  Integer[0, 1000]                $burst       = 10,
  Integer[30, 86400]              $max_delay   = 1800,
  Optional[Integer[1, 100000]]    $limit       = undef,
  Integer[0, 86400]               $splay       = 0,
  Integer[0, 60]                  $grace       = 3,
  Enum['fail', 'warn']            $unsupported = 'fail',
  Enum['file', 'journal']         $logdest     = 'file',
  Enum['command', 'unit']         $rerun       = 'command',
  Variant[Boolean[false], String] $symlink     = '/usr/local/sbin/again',
  Common::Url                     $source      = 'puppet:///modules/common/again',
) {
  unless $symlink =~ Variant[Boolean[false], Pattern[/\A(\/+(?!\.{1,2}(\/|\z))[^\/\n\0]+)+\z/]] {
    $shown_symlink = regsubst($symlink[0, 80], '[\n\0]', '?', 'G')
    fail("Class['common::again']: parameter 'symlink' must be an absolute path without '.', '..', newline or NUL that does not end with a slash, or false, not '${shown_symlink}'.")
  }

  $architecture = $facts.dig('os', 'architecture')
  $executable = $architecture ? {
    'x86_64'  => 'again-linux-x64',
    'amd64'   => 'again-linux-x64',
    'aarch64' => 'again-linux-arm64',
    'arm64'   => 'again-linux-arm64',
    # Every node has this fact. Specs of other modules may not, and their catalogs should compile.
    undef     => 'again-linux-x64',
    default   => undef,
  }
  $is_supported = common::is_linux() and $executable

  # On another CPU nothing is managed, so there is no folder. On another system, the class of the folder manages nothing, and says why.
  if common::is_linux() and !$executable {
    $folder_refusal = common::refuse_platform($architecture)
  } else {
    include common::vardir

    $folder = "${common::vardir::module_vardir}again"
    $folder_refusal = $common::vardir::refusal
  }

  # Why there is nothing to start on this node, where that is no reason for the compilation to fail.
  if $folder_refusal {
    $refusal = $folder_refusal
  } elsif $ensure == 'absent' or !$enable {
    $refusal = undef
  } else {
    # The SHA-256 of the executable, and that of the first 512 bytes of its archive.
    $sums = split(file("common/again/${executable}.sums", '/dev/null'), /\s+/)
    $archive = "${regsubst($source, '/+\z', '')}/${executable}.gz"

    # A static catalog must not name a file that is missing: the server looks at each `puppet:///` URL while it compiles. Only that of a module
    # can be checked here.
    $has_archive = $archive ? {
      /\Apuppet:\/\/\/+modules\/+(.+)\z/ => find_file($1) =~ NotUndef,
      default                            => true,
    }

    # The catalog names what a node may put in place: without the checksums, no `source` helps.
    $has_sums = $sums =~ Array[Pattern[/\A\h{64}\z/], 2, 2]

    if $has_sums and $has_archive {
      $refusal = undef
    } else {
      $archive_advice = 'deploy the module common whole, not slim, or set common::again::source to a folder that has the file'
      $refusal = $has_sums ? {
        true  => "${archive}, which this node needs, does not exist: ${archive_advice}.",
        false => "The module common was deployed without ${executable}, which this node needs: deploy a release, or run `npm run build`.",
      }
      warning($refusal)
    }
  }

  # `$attributes` are those of `Exec['again']`, of each delta and of each when; where `$is_delivered`, these two add their arguments.
  $is_delivered = $refusal =~ Undef and $ensure == 'present' and $enable
  if $is_delivered {
    contain common::again::delivery

    # Root's alone by default: an ordinary user can't write there. Like the exec below, it is not contained.
    if $symlink and ($common::vardir::owner == 0 or $symlink != '/usr/local/sbin/again') {
      class { 'common::again::link':
        stage => 'main',
      }
    }

    $quoted_launcher = common::shell_quote("${folder}/notify")
    # The helper takes directory, umask and environment from the run itself.
    $attributes = {
      'command'  => "/bin/sh ${quoted_launcher}",
      'provider' => 'posix',
      'timeout'  => 60,
      # The files and not their class: an order that others give to the class must not make a cycle.
      'require'  => File["${folder}/again", "${folder}/notify", "${folder}/again.json", "${folder}/state"],
    }
  } elsif $refusal =~ Undef {
    if $ensure == 'absent' {
      contain common::again::removal
    } else {
      contain common::again::pause
    }
    $attributes = { 'command' => 'true', 'path' => ['/bin', '/usr/bin'], 'provider' => 'posix' }
  } elsif $is_supported {
    $quoted_refusal = common::shell_quote($refusal)
    $script = common::unsupported() ? {
      'warn' => 'echo "Warning: $0"',
      'fail' => 'if [ "$AGAIN_UNSUPPORTED" = warn ]; then echo "Warning: $0"; else echo "again: $0" >&2; exit 1; fi',
    }
    $attributes = { 'command' => "/bin/sh -c '${script}' ${quoted_refusal}", 'provider' => 'posix' }
  } elsif $facts['kernel'] == 'windows' {
    $system32 = $facts.dig('os', 'windows', 'system32').lest || { 'C:\Windows\System32' }
    $attributes = { 'command' => 'cmd.exe /c exit 0', 'path' => $system32 }
  } else {
    $attributes = { 'command' => 'true', 'path' => ['/bin', '/usr/bin'] }
  }

  # Not contained, and in the stage of what notifies the exec: a class may require this one and notify the exec, without a cycle.
  class { 'common::again::exec':
    stage => 'main',
  }
}
