# @summary A member of the cluster, as the others know it. Exported by each host, collected by all.
#
# @param cluster
#   The cluster's name.
#
# @param state
#   How far the member has come.
define cluster::member (
  String[1]      $cluster,
  Cluster::State $state,
) {
  file { "/etc/cluster/members/${name}":
    ensure  => file,
    content => "${state}\n",
  }
}
