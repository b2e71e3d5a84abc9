# @summary The link to the executable for people.
#
# It is a class of its own without an order, so that classes that require `common::again` can manage the folders above the link.
#
# @api private
class common::again::link {
  $symlink = $common::again::symlink

  # Minimal systems lack /usr/local/sbin. It is no file resource: another module may declare it.
  $symlink_folder = regsubst($symlink, '/[^/]+$', '')
  $quoted_symlink_folder = common::shell_quote($symlink_folder)
  exec {
    default:
      * => common::without_defaults('Exec') + { 'provider' => 'posix' },
    ;

    "common::again ${symlink_folder}":
      command => "mkdir -p ${quoted_symlink_folder}",
      creates => "${symlink_folder}/",
      path    => ['/bin', '/usr/bin'],
      umask   => '022',
    ;
  }

  file {
    default:
      * => common::without_defaults('File'),
    ;

    $symlink:
      ensure  => link,
      target  => "${common::again::folder}/again",
      require => [Exec["common::again ${symlink_folder}"], File["${common::again::folder}/again"]],
    ;
  }
}
