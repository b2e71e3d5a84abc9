# One change, two runs.
#
#   puppet apply --modulepath MODULES again.pp
#
# The first run writes the file and so notifies Exec['again']. When that run has ended, the same command
# starts once more. The second run finds nothing to change and notifies nothing, so no third one follows.
#
# The folder is /tmp, or what the fact `again_example_folder` says: FACTER_again_example_folder=/root …

include common::again

$folder = $facts['again_example_folder'].lest || { '/tmp' }

file { "${folder}/foo":
  ensure  => file,
  content => "x\n",
  notify  => Exec['again'],
}
