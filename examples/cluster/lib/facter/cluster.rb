# frozen_string_literal: true

require 'json'

# The cluster as this host knows it: the members by their names, with the states that they have told. There is a file for each of them; the
# answer that `cluster-next` has got from PuppetDB since the last run is newer.
Facter.add(:cluster) do
  confine kernel: 'Linux'
  setcode do
    members = {}
    Dir['/etc/cluster/members/*'].each { |path| members[File.basename(path)] = File.read(path).strip }
    heard = '/run/cluster-peers.json'
    peers = File.exist?(heard) ? JSON.parse(File.read(heard)) : []
    peers.each { |peer| members[peer['certname']] = peer['parameters']['state'] }
    members
  end
end
