# @summary What `common::again` keeps on a node: the executable, its launcher and its settings.
#
# @api private
class common::again::delivery {
  $folder = $common::again::folder
  $state = "${folder}/state"

  $quoted_deliver = common::shell_quote("${folder}/deliver")
  $deliver = "/bin/sh ${quoted_deliver}"
  $sum = $common::again::sums[0]

  $internal = common::internal()

  # Which Puppet this run is, or the one that was written down before, if this run could not be started like that: the task common::again starts it. A path that JSON would have to quote is not written down.
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
    'burst'          => $common::again::burst,
    'max_delay'      => $common::again::max_delay,
    'limit'          => $common::again::limit,
    'splay'          => $common::again::splay,
    'grace'          => $common::again::grace,
    'unsupported'    => $common::again::unsupported,
    'logdest'        => $common::again::logdest,
    'rerun'          => $common::again::rerun,
  }

  # No `backup` of what is the module's own: before version 8, Puppet would keep a copy of every executable that it ever replaced.
  $defaults_of_files = common::without_defaults('File') + {
    'ensure' => file,
    'owner'  => $common::vardir::owner,
    'group'  => $common::vardir::group,
    'mode'   => '0644',
    'backup' => false,
  }
  file {
    default:
      * => $defaults_of_files,
    ;

    # The limit of 1 keeps what is below `state/` from being purged. A stray folder goes with all that it holds. The ignored
    # name is that of a file that another run of Puppet is about to write here (`again.gz20261125-4711-1a2b3c`).
    "${folder}/":
      ensure       => directory,
      mode         => '0755',
      recurse      => true,
      recurselimit => 1,
      purge        => true,
      force        => true,
      ignore       => '*[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]-[0-9]*-*',
    ;

    $state:
      ensure => directory,
      mode   => '0700',
    ;

    # The scripts are static, and in the catalog: for a file with a source, Puppet asks the server in every run.
    "${folder}/deliver":
      mode    => '0754',
      content => file('common/again/deliver'),
    ;

    "${folder}/notify":
      mode    => '0754',
      content => file('common/again/notify'),
    ;

    # Of an archive that has been unpacked only the first 512 bytes are kept, which tell it from every other. Given the value to compare
    # with, Puppet asks no server for it.
    "${folder}/again.gz":
      source         => $common::again::archive,
      checksum       => 'sha256lite',
      checksum_value => $common::again::sums[1],
      show_diff      => false,
    ;

    # Without `ensure`: Puppet must not make an empty one.
    "${folder}/again":
      ensure  => undef,
      mode    => '0754',
      require => Exec['common::again unpack'],
    ;

    # The checksum of the delivered executable, as `sha256sum -c` reads it.
    "${folder}/again.sha256":
      content => "${sum}  again\n",
      require => Exec['common::again unpack'],
    ;

    "${folder}/again.json":
      content => epp('common/again.json.epp', $settings),
    ;
  }

  $defaults_of_execs = common::without_defaults('Exec') + { 'provider' => 'posix' }

  # The executable has more than 100 MB: a checksum of it all would cost every run of every node a second. A look at size and times
  # finds one that is not the wanted one, and then it is delivered: as an archive, which is unpacked, compared in full, and put in place
  # by a rename. The fact has looked already, at no cost: each program that Puppet starts costs a run some hundredths of a second.
  $is_known = $internal['executable'] == { 'path' => "${folder}/again", 'sha256' => $sum }
  unless $is_known {
    exec {
      default:
        * => $defaults_of_execs,
      ;

      'common::again look':
        command => "${deliver} prepare ${sum}",
        unless  => "${deliver} check ${sum}",
        require => File["${folder}/deliver", $state],
        before  => File["${folder}/again.gz"],
      ;
    }
  }

  # It prints only what people should know, such as waiters of an older version.
  exec {
    default:
      * => $defaults_of_execs,
    ;

    'common::again unpack':
      command     => "${deliver} unpack ${sum}",
      refreshonly => true,
      logoutput   => true,
      loglevel    => 'notice',
      subscribe   => File["${folder}/again.gz"],
      require     => File["${folder}/deliver", $state],
    ;
  }
}
