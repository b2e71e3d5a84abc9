# @summary Removes from a node what `common::again::delivery` keeps there.
#
# @api private
class common::again::removal {
  $quoted_folder = common::shell_quote($common::again::folder)

  # Of links, only one that leads to this executable goes: also the default one, which a node may have from before `symlink` was set.
  $links = unique([$common::again::symlink, '/usr/local/sbin/again'].filter |$link| { $link =~ String })
  $quoted_links = join($links.map |$link| { common::shell_quote($link) }, ' ')

  # The folder, or a link that was left when that was removed.
  $is_there = 'test -e "$0" && exit 0; for link; do test "$(readlink "$link")" != "$0/again" || exit 0; done; exit 1'

  exec {
    default:
      * => common::without_defaults('Exec'),
    ;

    'common::again remove':
      command     => "/bin/sh -c 'eval \"\${AGAIN_REMOVE:?}\"' again ${quoted_folder} ${quoted_links}",
      environment => "AGAIN_REMOVE=${file('common/again/remove')}",
      onlyif      => "/bin/sh -c '${is_there}' ${quoted_folder} ${quoted_links}",
      path        => ['/bin', '/usr/bin'],
      provider    => 'posix',
      logoutput   => true,
      loglevel    => 'notice',
      timeout     => 60,
    ;
  }
}
