# @summary Returns the part of the fact `again` that is for this module alone; it is empty if the node has no such fact yet.
#
# @return
#   `puppet`: interpreter and script of the node's Puppet, as this run has them or as `again.json` names them. `executable`: `path` and `sha256` of the executable that is there, if its marks are known.
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
