# @summary Gives `Exec['again']`: notify it, and Puppet runs once more after this run has ended.
#
# The exec is refreshonly. Notified, it starts a helper, which waits in the background for the end of this run and then becomes the same
# Puppet command. Many notifications of one run lead to one rerun. The exec prints one line: what will run, when, the waiter's process
# id and where the rerun's output goes.
#
# Puppet skips the exec for everybody when one of the resources that notify it fails ("Skipping because of failed dependencies"):
# a `common::again::delta` for each cause keeps the causes apart.
#
# Reruns that cause reruns form a chain. Its first `burst` reruns start at once; the waits after that double from 30 seconds up
# to `max_delay`, and `limit` can end the chain.
#
# Other classes and each `common::again::delta` include this class: set its parameters in Hiera, for a declaration with
# `class { 'common::again': }` fails when an `include` came first.
#
# Compilation fails with one sentence on anything but Linux on x86_64 (amd64) and aarch64 (arm64), for a value outside its range, and where
# `common::vardir` fails.
#
# @param burst
#   The number of reruns of a chain, 0 to 1000, that start without a growing wait.
#
# @param max_delay
#   The longest of the growing waits, in seconds, 30 to 86400 (a day).
#
# @param limit
#   The number of reruns, 1 to 100000, after which a chain ends with a failed exec that says so. Unset: no end.
#
# @param splay
#   The longest extra wait before a rerun, in seconds, 0 to 86400 (a day). Each rerun waits a random part of it, so that many nodes don't
#   ask their server at the same moment.
#
# @param symlink
#   A link to the executable for people at a shell, so that `again status` is enough: an absolute path, or `false` for no link. What else
#   lies at that path gives way to it; a link that an earlier value made stays. An ordinary user's run leaves the default one out. The
#   folder of the link must exist. The fact `again` and the task `common::again` follow the default link to a base folder that isn't the
#   default one.
#
# @param source
#   Where the archives of the executables lie: the URL of a folder with `again-linux-x64.gz` and `again-linux-arm64.gz`, copied from
#   this module's `files/again`. It begins with `puppet:`, `http:`, `https:` or `file:`. A node asks there only when it lacks the
#   executable, and puts in place no other one than this module was built with. A web server must send the archives as they are, without
#   a `Content-Encoding`.
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
# @example The executables from a web server, in Hiera
#   common::again::source: https://files.example.com/again
#
# @example No command `again` in root's PATH, in Hiera
#   common::again::symlink: false
class common::again (
  Integer[0, 1000]                                                             $burst     = 10,
  Integer[30, 86400]                                                           $max_delay = 1800,
  Optional[Integer[1, 100000]]                                                 $limit     = undef,
  Integer[0, 86400]                                                            $splay     = 0,
  Variant[Boolean[false], Pattern[/\A(\/+(?!\.{1,2}(\/|\z))[^\/\n\0]+)+\z/]] $symlink   = '/usr/local/sbin/again',
  Common::Url                                                                  $source    = 'puppet:///modules/common/again',
) {
  include common::vardir

  $architecture = $facts.dig('os', 'architecture')
  case $architecture {
    'x86_64', 'amd64':  { $executable = 'again-linux-x64' }
    'aarch64', 'arm64': { $executable = 'again-linux-arm64' }
    # Every node has this fact. Specs of other modules may not, and their catalogs should compile.
    undef:              { $executable = 'again-linux-x64' }
    default: {
      fail("The module common supports Linux on x86_64 (amd64) and aarch64 (arm64), not ${architecture}.")
    }
  }

  $folder = "${common::vardir::module_vardir}again"

  # What a notification needs; the deltas require it as well.
  $parts = ["${folder}/again", "${folder}/notify", "${folder}/again.json", "${folder}/state"]

  $quoted_launcher = common::shell_quote("${folder}/notify")
  $command = "/bin/sh ${quoted_launcher}"

  $quoted_deliver = common::shell_quote("${folder}/deliver")
  $deliver = "/bin/sh ${quoted_deliver}"

  # Of the executable, and of the first 512 bytes of its archive. A module that was not built has neither: then the delivery fails, for
  # want of an archive.
  $sums = split(common::cached("common/again/${executable}.sums", '/dev/null'), /\s+/)
  $sum = $sums[0]

  $seen = $facts['again'] ? {
    Hash    => $facts['again'],
    default => {},
  }

  $internal = $seen['internal'] ? {
    Hash    => $seen['internal'],
    default => {},
  }

  # Which Puppet this run is: the task common::again starts that one. A path that JSON would have to quote is not written down.
  $puppet = $internal['puppet'] ? {
    Array[Pattern[/\A\/[^"\\[:cntrl:]]*\z/], 2, 2] => $internal['puppet'],
    default                                         => undef,
  }

  $puppet_version = $facts['puppetversion'] ? {
    undef   => '',
    default => $facts['puppetversion'],
  }

  $settings = {
    'puppet_version' => $puppet_version,
    'puppet'         => $puppet,
    'burst'          => $burst,
    'max_delay'      => $max_delay,
    'limit'          => $limit,
    'splay'          => $splay,
  }

  # No `backup` of what is the module's own: before version 8, Puppet would keep a copy of every executable that it ever replaced.
  file {
    default:
      ensure => file,
      owner  => $common::vardir::owner,
      group  => $common::vardir::group,
      mode   => '0644',
      backup => false,
    ;

    # The limit of 1 keeps what is below `state/` from being purged. A stray folder goes with all that it holds. What is ignored is the
    # name of a file that another run of Puppet is about to write here (`again.gz20261125-4711-1a2b3c`).
    "${folder}/":
      ensure       => directory,
      mode         => '0755',
      recurse      => true,
      recurselimit => 1,
      purge        => true,
      force        => true,
      ignore       => '*[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]-[0-9]*-*',
    ;

    "${folder}/state":
      ensure => directory,
      mode   => '0700',
    ;

    # The scripts are static, and in the catalog: for a file with a source, Puppet asks the server in every run.
    "${folder}/deliver":
      mode    => '0754',
      content => common::cached('common/again/deliver'),
    ;

    "${folder}/notify":
      mode    => '0754',
      content => common::cached('common/again/notify'),
    ;

    # Of an archive that has been unpacked only the first 512 bytes are kept, which tell it from every other. Given the value to compare
    # with, Puppet asks nobody for it.
    "${folder}/again.gz":
      source         => "${regsubst($source, '/+\z', '')}/${executable}.gz",
      checksum       => 'sha256lite',
      checksum_value => $sums[1],
      show_diff      => false,
    ;

    # Without `ensure`: Puppet must not make an empty one.
    "${folder}/again":
      ensure  => undef,
      mode    => '0754',
      require => Exec['common::again unpack'],
    ;

    # What was delivered, as `sha256sum -c` reads it.
    "${folder}/again.sha256":
      content => "${sum}  again\n",
      require => Exec['common::again unpack'],
    ;

    "${folder}/again.json":
      content => common::cached('common/again.json.epp', $settings),
    ;
  }

  # The executable has more than 100 MB: a checksum of it all would cost every run of every node a second. A look at size and times
  # finds one that is not the wanted one, and then it is delivered: as an archive, which is unpacked, compared in full, and put in place
  # by a rename. The fact has looked already, at no cost: each program that Puppet starts costs a run some hundredths of a second.
  $is_known = $internal['executable'] == { 'path' => "${folder}/again", 'sha256' => $sum }
  unless $is_known {
    exec { 'common::again look':
      command  => "${deliver} prepare ${sum}",
      unless   => "${deliver} check ${sum}",
      provider => 'posix',
      require  => File["${folder}/deliver", "${folder}/state"],
      before   => File["${folder}/again.gz"],
    }
  }

  exec { 'common::again unpack':
    command     => "${deliver} unpack ${sum}",
    provider    => 'posix',
    refreshonly => true,
    subscribe   => File["${folder}/again.gz"],
    require     => File["${folder}/deliver", "${folder}/state"],
  }

  # Root's alone by default: an ordinary user can't write there.
  if $symlink and ($common::vardir::owner == 'root' or $symlink != '/usr/local/sbin/again') {
    # Minimal systems lack /usr/local/sbin. It is no file resource: another module may declare it.
    $symlink_folder = regsubst($symlink, '/[^/]+$', '')
    $quoted_symlink_folder = common::shell_quote($symlink_folder)
    exec { "common::again ${symlink_folder}":
      command  => "mkdir -p ${quoted_symlink_folder}",
      creates  => "${symlink_folder}/",
      path     => ['/bin', '/usr/bin'],
      provider => 'posix',
      umask    => '022',
    }

    file { $symlink:
      ensure  => link,
      target  => "${folder}/again",
      require => Exec["common::again ${symlink_folder}"],
    }
  }

  # The helper takes directory, umask and environment from the run itself: nothing of that is set here.
  exec { 'again':
    command     => $command,
    provider    => 'posix',
    refreshonly => true,
    logoutput   => true,
    loglevel    => 'notice',
    timeout     => 60,
    require     => File[$parts],
  }
}
