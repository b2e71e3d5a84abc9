# @summary A cluster whose hosts wait for each other until it works, without any action by hand.
#
# Each host exports itself with the state that it has reached, and collects the others from PuppetDB:
#
#   alone        knows no other host
#   peers seen   knows others, but not the majority
#   quorum       knows the majority: writes the configuration, as far as it is known
#   configured   knows all hosts, and all have reached the quorum: the configuration is complete
#
# The state is computed from what the host knows, as the fact `cluster` reads it. A run that is not in the last state asks for another one.
#
# @param size
#   The number of hosts.
#
# @param cluster
#   The cluster's name. PuppetDB may know other clusters.
#
# @param reruns
#   When a host that is not in the last state runs again.
#
#   * `events`: as soon as the quorum, or after it the last state, can be reached, by what is on the host or by what PuppetDB knows.
#   * `delays`: two seconds after a run that has found something new, else after `patience` seconds, or later, by the back-off of the chain of reruns.
#   * `none`: with Puppet's own next run.
#
# @param interval
#   The seconds between two checks, with `events`.
#
# @param timeout
#   The seconds after a run at which the host stops waiting for its next state, with `events`.
#
# @param on_timeout
#   What happens then, with `events`: `run` Puppet anyway, or `drop` the rerun. Puppet's own next run asks again.
#
# @param puppetserver
#   The URL of the Puppet Server, with `events`. No host runs while the server does not answer.
#
# @param puppetdb
#   The URL of PuppetDB, with `events`. Default: port 8081 of the Puppet Server.
#
# @param ssldir
#   The folder of the host's certificate, with `events`.
#
# @param patience
#   The seconds from a run that has found nothing new to the next one, with `delays`.
class cluster (
  Integer[1]                       $size,
  String[1]                        $cluster      = 'blue',
  Enum['events', 'delays', 'none'] $reruns       = 'events',
  Integer[1, 3600]                 $interval     = 7,
  Integer[1]                       $timeout      = 1800,
  Enum['run', 'drop']              $on_timeout   = 'run',
  String[1]                        $puppetserver = "https://${servername}:8140",
  String[1]                        $puppetdb     = "https://${servername}:8081",
  String[1]                        $ssldir       = '/var/lib/puppet/ssl',
  Integer[0, 3600]                 $patience     = 10,
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

  # The majority decides; before there is one, no host speaks for the cluster.
  $nodes = $state ? {
    Enum['quorum', 'configured'] => $known,
    default                      => [],
  }
  file { '/etc/cluster/cluster.conf':
    ensure  => file,
    content => "state = ${state}\nnodes = ${join($nodes, ' ')}\n",
  }

  if $reruns == 'events' {
    # The answer that `cluster-next` has got from PuppetDB: the fact has read it, and the members that this run collects are newer.
    file { '/run/cluster-peers.json':
      ensure => absent,
      backup => false,
    }

    if $state != 'configured' {
      include common::again

      file { '/usr/local/sbin/cluster-next':
        ensure  => file,
        mode    => '0755',
        # In the catalog: with one of an earlier run, there may be no server to ask for it.
        content => file('cluster/cluster-next'),
      }

      common::again::when { 'cluster: the next state':
        succeeds   => ['/usr/local/sbin/cluster-next', $state, $cluster, String($size), $me, $puppetserver, $puppetdb, $ssldir],
        interval   => $interval,
        timeout    => $timeout,
        on_timeout => $on_timeout,
      }

      exec { 'cluster: not configured yet':
        command => 'true',
        path    => ['/bin', '/usr/bin'],
        notify  => Common::Again::When['cluster: the next state'],
      }
    }
  }

  if $reruns == 'delays' and $state != 'configured' {
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
