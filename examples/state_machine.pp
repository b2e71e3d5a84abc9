# A finite state machine over several runs: a new member of a cluster finds its way from `absent` to `joined`. Only
# the first run is started by hand.
#
#   puppet apply --modulepath MODULES state_machine.pp
#
#   run 1   absent      installs the program                           run again at once
#   run 2   installed   makes its identity, tells the peers            run again 5 seconds later: peers need time
#   run 3   announced   joins the cluster                              run again at once
#   run 4   joined      finds nothing to change, and so it ends
#
# Three rules make such a machine safe:
#
# - The state is a fact, so each run knows from its start where it stands: here an external fact, a file that the manifest writes
#   itself. Better still is a fact that looks at the thing itself.
# - A state does its work first and writes the next state last. Where the work fails, Puppet skips that file: the state
#   stays, nothing is notified, and the next run of any kind tries once more.
# - The change of state notifies. The last state changes nothing, so the chain of runs ends there.
#
# `$facts['again']['chain']` tells how many reruns led here: 0 in a run that `again` did not start.
#
# Everything lies in /opt/cluster and /etc/facter/facts.d, or below the folder that the fact `again_example_folder` names:
#
#   FACTER_again_example_folder=/root/try puppet apply --pluginfactdest /root/try/facts.d …

include common::again

# Joining before the peers have noticed the new member would fail.
common::again::delta { 'peers have noticed':
  delta => 5,
}

if $facts['again_example_folder'] {
  $cluster = "${facts['again_example_folder']}/cluster"
  $external_facts = "${facts['again_example_folder']}/facts.d"
} else {
  $cluster = '/opt/cluster'
  $external_facts = '/etc/facter/facts.d'
}

$state = $facts['cluster_member'].lest || { 'absent' }
notice("state '${state}', reruns that led here: ${facts.dig('again', 'chain')}")

exec { 'folders':
  command => "mkdir -p ${external_facts} ${cluster}",
  creates => $cluster,
  path    => ['/bin', '/usr/bin'],
}

# For each state: its work, the state that follows, and the resource to notify.
case $state {
  'absent': {
    $next = 'installed'
    $then = Exec['again']
    file { "${cluster}/program":
      ensure  => file,
      content => "#!/bin/sh\n",
      mode    => '0755',
    }
    $work = File["${cluster}/program"]
  }
  'installed': {
    $next = 'announced'
    $then = Common::Again::Delta['peers have noticed']
    exec { 'make an identity':
      command => "cp /proc/sys/kernel/random/uuid ${cluster}/identity",
      creates => "${cluster}/identity",
      path    => ['/bin', '/usr/bin'],
    }
    $work = Exec['make an identity']
  }
  'announced': {
    $next = 'joined'
    $then = Exec['again']
    file { "${cluster}/joined":
      ensure => link,
      target => 'identity',
    }
    $work = File["${cluster}/joined"]
  }
  'joined': {
    # Leads to itself: nothing changes, so nothing is notified.
    $next = 'joined'
    $then = []
    $work = []
  }
  default: {
    fail("The fact cluster_member is '${state}': no state of this machine.")
  }
}

file { "${external_facts}/cluster_member.yaml":
  ensure  => file,
  content => "cluster_member: ${next}\n",
  notify  => $then,
}

Exec['folders'] -> $work -> File["${external_facts}/cluster_member.yaml"]
