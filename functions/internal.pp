# @summary What the fact `again` tells this module alone, or nothing where the node has no such fact yet.
#
# @return
#   `puppet`: interpreter and script of the node's Puppet. `executable`: `path` and `sha256` of the one that lies there, if its marks are known.
#   `unsupported`: `AGAIN_UNSUPPORTED` of the run's environment. Each may be missing.
#
# @api private
function common::internal() >> Hash {
  $internal = $facts['again'] ? {
    Hash    => $facts['again']['internal'],
    default => undef,
  }

  $found = $internal ? {
    Hash    => $internal,
    default => {},
  }
  $found
}
