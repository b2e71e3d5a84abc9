# @summary Removes from a node what `common::again::delivery` keeps there.
#
# @api private
class common::again::removal {
  $quoted_folder = common::shell_quote($common::again::folder)

  # Of links, only one that leads to this executable goes: also the default one, which a node may have from before `symlink` was set.
  $links = unique([$common::again::symlink, '/usr/local/sbin/again'].filter |$link| { $link =~ String })
  $quoted_links = join($links.map |$link| { common::shell_quote($link) }, ' ')

  exec {
    default:
      * => common::without_defaults('Exec'),
    ;

    'common::again remove':
      command     => "/bin/sh -c 'eval \"\$AGAIN_REMOVE\"' again ${quoted_folder} ${quoted_links}",
      environment => "AGAIN_REMOVE=${file('common/again/remove')}",
      onlyif      => "test -e ${quoted_folder}",
      path        => ['/bin', '/usr/bin'],
      provider    => 'posix',
      logoutput   => true,
      loglevel    => 'notice',
      timeout     => 60,
    ;
  }
}
