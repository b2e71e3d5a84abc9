# frozen_string_literal: true

require 'spec_helper'

# The Linux families on which the executable runs (glibc 2.28 or later), in all their releases of which facterdb has facts. They are no part of
# metadata.json, for no column of the matrix has shown them; their catalogs are the same as Debian's.
#
# facterdb 4 needs Ruby 3.2: its facts are looked at by `npm run test:long`, on Debian 13. It has none of CentOS 8, for which RHEL 8 stands, and none of
# SLES 15 SP3 and later, for which SP2 does, whose glibc is older. Of some releases it has none that are newer than Facter 4.7's or 4.2's.
describe 'common::again' do
  let(:pre_condition) do
    <<~MANIFEST
      include common::again
      common::again::delta { 'x': delta => 60 }
      file { '/tmp/foo': content => '', notify => [Exec['again'], Common::Again::Delta['x']] }
    MANIFEST
  end
  let(:folder) { '/var/lib/puppet/tmp/common/again' }

  families = {
    RSpec.configuration.default_facter_version => {
      'RedHat'      => %w[8 9],
      'AlmaLinux'   => %w[8 9],
      'Rocky'       => %w[8 9],
      'OracleLinux' => %w[8 9],
      'CentOS'      => %w[9 10],
      'Fedora'      => %w[40 41],
      'Ubuntu'      => %w[20.04 22.04 24.04],
      'openSUSE'    => %w[15],
      'Debian'      => %w[11 12 13],
    },
    '4.7' => {
      'Fedora' => %w[36 37 38 39],
    },
    '4.2' => {
      'Ubuntu' => %w[21.04 21.10 22.10],
      'SLES'   => %w[15],
      'Amazon' => %w[2022],
    },
  }
  later_families = {
    '5.6' => {
      'RedHat'      => %w[10],
      'AlmaLinux'   => %w[10],
      'Rocky'       => %w[10],
      'OracleLinux' => %w[10],
      'Amazon'      => %w[2023],
    },
    '5.1' => {
      'Fedora'   => %w[42 43],
      'openSUSE' => %w[16],
    },
  }
  families = families.merge(later_families) if Gem.loaded_specs['facterdb'].version >= Gem::Version.new('4.5')

  families.each do |facterversion, releases_of|
    supported_os = releases_of.map { |name, releases| { 'operatingsystem' => name, 'operatingsystemrelease' => releases } }
    found = on_supported_os(supported_os: supported_os, facterversion: facterversion, hardwaremodels: %w[x86_64 aarch64])
    missing = releases_of.flat_map { |name, releases| releases.map { |release| "#{name.downcase}-#{release}-x86_64" } } - found.keys
    raise "facterdb has no facts of #{missing.join(', ')}" if missing.any?

    found.each do |os, os_facts|
      context "on #{os}" do
        let(:facts) { os_facts }
        let(:archive) { os.end_with?('aarch64') ? 'again-linux-arm64.gz' : 'again-linux-x64.gz' }

        it 'delivers the executable and gives the execs, as on Debian' do
          is_expected.to compile.with_all_deps
          is_expected.to contain_file("#{folder}/again.gz").with(source: "puppet:///modules/common/again/#{archive}", owner: 0, group: 0)
          is_expected.to contain_file("#{folder}/again").with(mode: '0754', owner: 0, group: 0)
          is_expected.to contain_exec('again').with(command: "/bin/sh #{folder}/notify", provider: 'posix')
          is_expected.to contain_exec('again-delta-x').with(command: "/bin/sh #{folder}/notify --name x --delta 60", provider: 'posix')
          is_expected.to contain_file('/usr/local/sbin/again').with_target("#{folder}/again")
        end
      end
    end
  end
end
