# @summary A folder on the node in which modules keep what they need between two runs.
#
# The base folder, and whatever is missing above it, is created by `mkdir -p` with mode 0755 and no `file` resource of its own.
# So another module may manage any of these folders, before or after this class, with or without a trailing slash.
# Below the base folder this class manages `common/`.
#
# Other modules read `$common::vardir::module_vardir`: the path of `common/`, with a trailing slash.
#
# Compilation fails with one sentence when
#
# * the base folder is no absolute path,
# * the node's kernel isn't Linux,
# * Puppet runs as an ordinary user and the base folder is still the default one. With a base folder of their own,
#   everything belongs to that user and the user's group.
#
# If `common::again::unsupported` is `warn`, the class only warns in the last two cases, and manages nothing.
#
# @param base
#   The base folder: an absolute path without `.` and `..`, with or without a trailing slash.
#   Without a value, the fact `puppet_vardirtmp` is used, or `/var/lib/puppet/tmp/` where the node has no such fact.
#
# @example A place for another module's files
#   include common::vardir
#
#   file { "${common::vardir::module_vardir}example":
#     ensure => directory,
#   }
#
# @example A base folder that only root can write to, in Hiera
#   common::vardir::base: /var/lib/again/
class common::vardir (
  Optional[Common::Folder] $base = undef,
) {
  $default = '/var/lib/puppet/tmp'

  $fact = $facts['puppet_vardirtmp'] ? {
    undef   => $default,
    ''      => $default,
    default => $facts['puppet_vardirtmp'],
  }
  $given = $base ? {
    undef   => $fact,
    default => $base,
  }
  unless $given =~ Common::Folder {
    fail("The fact puppet_vardirtmp must be an absolute path without '.' and '..', not '${given}'.")
  }

  # A slash goes where another one or the end follows: '//srv//tmp/' is '/srv/tmp'.
  $folder = regsubst($given, '/+(?=/|\z)', '', 'G')

  $identity = $facts['identity'] ? {
    Hash    => $facts['identity'],
    default => {},
  }

  if $identity['privileged'] != false and $identity['uid'] =~ Variant[Undef, Integer[0, 0]] {
    # By number: a file whose owner has a name requires the resource User[root], where a catalog has one, and a class that has it may require this one.
    $owner = 0
    $group = 0
  } else {
    $owner = $identity['uid']
    $group = $identity['gid']
  }

  # Why there can be no such folder on this node, where a site wants no failure for that.
  if !common::is_linux() {
    $refusal = common::refuse_platform($facts['kernel'])
  } elsif $owner != 0 and $folder == $default {
    $advice = "set common::vardir::base to a folder that this user owns instead of ${default}/"
    $refusal = common::refuse("Puppet runs as an ordinary user: ${advice}.")
  } else {
    $refusal = undef
  }

  $module_vardir = "${folder}/common/"

  unless $refusal {
    $quoted_folder = common::shell_quote($folder)
    exec {
      default:
        * => common::without_defaults('Exec'),
      ;

      'common::vardir':
        command  => "mkdir -p ${quoted_folder}",
        creates  => $folder,
        path     => ['/bin', '/usr/bin'],
        provider => 'posix',
        umask    => '022',
      ;
    }

    file {
      default:
        * => common::without_defaults('File'),
      ;

      $module_vardir:
        ensure  => directory,
        owner   => $owner,
        group   => $group,
        mode    => '0755',
        require => Exec['common::vardir'],
      ;
    }
  }
}
