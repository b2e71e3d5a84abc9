# @summary `Exec['again']`, in a class that nobody orders: `common::again` can be required by what notifies the exec.
#
# @api private
class common::again::exec {
  exec {
    default:
      * => common::without_defaults('Exec'),
    ;

    'again':
      refreshonly => true,
      logoutput   => true,
      loglevel    => 'notice',
      *           => $common::again::attributes,
    ;
  }
}
