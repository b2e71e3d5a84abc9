# @summary `Exec['again']`, in a class of its own without an order, so that classes that notify the exec can require `common::again`.
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
