# @summary A cluster whose hosts wait for each other, and that nobody has to touch until it works.
#
# Each host exports itself with the state that it has come to, and collects the others from PuppetDB:
#
#   alone        knows nobody else
#   peers seen   knows others, but not the majority
#   quorum       knows the majority: writes the configuration, as far as it is known
#   configured   knows all, and all have come to the quorum: the configuration is complete
#
# The state is computed from what lies on the host, as the fact `cluster` reads it. A run that is not in the last state
# asks for another one: at once when it has learnt something, else in `patience` seconds, or later, by the back-off of
# the chain of reruns.
#
# @param size
#   The number of hosts.
#
# @param cluster
#   The cluster's name, for PuppetDB may know others.
#
# @param patience
#   The seconds from a run that has learnt nothing to the next one.
#
# @param again
#   Whether a host asks for reruns. Without, it waits for Puppet's own next run each time.
class cluster (
  Integer[1]          $size,
  String[1]           $cluster  = 'blue',
  Integer[0, 3600]    $patience = 10,
  Boolean             $again    = true,
) {
  $me = $trusted['certname']
  $members = $facts['cluster'].lest || { ({}) }
  $known = ($members.keys + $me).unique.sort
  $ready = $members.filter |$_name, $state| { $state in ['quorum', 'configured'] }

  if $known.length == $size and ($ready.keys + $me).unique.length == $size {
    $state = 'configured'
  } elsif $known.length > $size / 2 {
    $state = 'quorum'
  } elsif $known.length > 1 {
    $state = 'peers seen'
  } else {
    $state = 'alone'
  }

  file { ['/etc/cluster', '/etc/cluster/members']:
    ensure => directory,
  }

  @@cluster::member { $me:
    cluster => $cluster,
    state   => $state,
  }

  # The majority decides; before that, nobody's word is the cluster's.
  $nodes = $state ? {
    Enum['quorum', 'configured'] => $known,
    default                      => [],
  }
  file { '/etc/cluster/cluster.conf':
    ensure  => file,
    content => "state = ${state}\nnodes = ${join($nodes, ' ')}\n",
  }

  if $again and $state != 'configured' {
    include common::again

    common::again::delta { 'cluster: go on':
      delta => 2,
    }
    common::again::delta { 'cluster: wait for the others':
      delta => $patience,
    }

    # Which of the two is known when all members are in their places: the mark says that something is new.
    exec { 'cluster: there is news':
      command     => 'touch /run/cluster-news',
      path        => ['/bin', '/usr/bin'],
      refreshonly => true,
      notify      => Common::Again::Delta['cluster: go on'],
    }
    exec { 'cluster: there is no news':
      command => 'true',
      unless  => 'rm /run/cluster-news',
      path    => ['/bin', '/usr/bin'],
      require => Exec['cluster: there is news'],
      notify  => Common::Again::Delta['cluster: wait for the others'],
    }

    Cluster::Member <<| cluster == $cluster and title != $me |>> ~> Exec['cluster: there is news']
  } else {
    Cluster::Member <<| cluster == $cluster and title != $me |>>
  }
}
