# @summary Whether this node runs Linux. A node without the fact counts: every node has it, but specs of other modules may not.
#
# @return
#   Whether it does.
#
# @api private
function common::is_linux() >> Boolean {
  $facts['kernel'] in [undef, 'Linux']
}
