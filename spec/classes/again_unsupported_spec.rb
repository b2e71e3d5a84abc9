# frozen_string_literal: true

require 'open3'
require 'spec_helper'

# Where a rerun is impossible by nature, as far as that is known when the catalog is compiled. rspec-puppet keeps the catalogs of equal facts: the
# examples of a module that was built in another way have a fact of their own, and of one catalog's examples, the one about warnings comes first.
describe 'common::again' do
  let(:pre_condition) do
    <<~MANIFEST
      include common::vardir
      common::again::delta { 'x': delta => 60 }
      common::again::when { 'y': exists => '/dev/mapper/brick1', connects => 'db1.example.com:5432', succeeds => ['/bin/true'] }
      file { '#{cause}': content => '', notify => [Exec['again'], Common::Again::Delta['x'], Common::Again::When['y']] }
    MANIFEST
  end
  let(:logged) { [] }

  before do
    Puppet::Util::Log.newdestination(Puppet::Test::LogCollector.new(logged))
    # The first destination of a process is told what was logged without one: by other specs.
    logged.clear
  end

  def bob
    { 'uid' => 1000, 'gid' => 1001, 'user' => 'bob', 'privileged' => false }
  end

  def warnings
    catalogue
    logged.select { |message| message.level == :warning }.map(&:message).grep(%r{common})
  end

  # The resource that notifies them all, by a path that there can be.
  def cause
    (facts[:kernel] == 'windows') ? 'C:/tmp/foo' : '/tmp/foo'
  end

  def execs
    %w[again again-delta-x again-when-y]
  end

  # The output and the exit status on a node, by a real shell, for the exec, a delta and a when.
  def outcomes(environment = {})
    execs.map do |title|
      output, error, status = Open3.capture3({ 'AGAIN_UNSUPPORTED' => nil }.merge(environment), catalogue.resource('Exec', title)[:command])
      [output, error, status.exitstatus]
    end.uniq
  end

  shared_examples 'nothing but execs' do |others = []|
    it { is_expected.to compile.with_all_deps }

    it 'manages nothing else on the node' do
      refs = catalogue.resources.map(&:ref).grep(%r{\A(File|Exec)\[})
      expect(refs).to contain_exactly(*execs.map { |title| "Exec[#{title}]" }, "File[#{cause}]", *others)
    end

    it 'has execs that only a notification starts, and that are told nothing' do
      execs.each { |title| is_expected.to contain_exec(title).with_refreshonly(true).without_require.without_environment }
    end
  end

  shared_examples 'a warning, and nothing done' do |name, attributes|
    it { expect(warnings).to eq ["The module common supports Linux on x86_64 (amd64) and aarch64 (arm64), not #{name}."] }

    it 'has execs that do nothing' do
      execs.each { |title| is_expected.to contain_exec(title).only_with(refreshonly: true, logoutput: true, loglevel: 'notice', **attributes) }
    end
  end

  # Facts that were collected on such a system.
  def facts_of(name, release, facterversion = RSpec.configuration.default_facter_version)
    on_supported_os(supported_os: [{ 'operatingsystem' => name, 'operatingsystemrelease' => [release] }], facterversion: facterversion).values.first
  end

  context 'on another CPU, where a warning is enough' do
    let(:facts) { one_node(hiera_data: 'warn', os: { 'architecture' => 'riscv64' }) }

    it_behaves_like 'a warning, and nothing done', 'riscv64', command: 'true', path: ['/bin', '/usr/bin']
    # The folder for other modules, which this manifest asks for.
    it_behaves_like 'nothing but execs', ['Exec[common::vardir]', 'File[/var/lib/puppet/tmp/common/]']

    context 'and where nothing asks for the folder' do
      let(:pre_condition) { super().sub('include common::vardir', '') }

      it_behaves_like 'a warning, and nothing done', 'riscv64', command: 'true', path: ['/bin', '/usr/bin']
      it_behaves_like 'nothing but execs'
    end
  end

  # The choice that the fact has from the run's environment there.
  {
    'on another CPU' => [%w[Debian 12], 'riscv64', { os: { 'architecture' => 'riscv64' } }, { command: 'true', path: ['/bin', '/usr/bin'] }],
    'on macOS' => [%w[Darwin 20 4.2.2], 'Darwin', {}, { command: 'true', path: ['/bin', '/usr/bin'] }],
    'on Windows' => [%w[windows 2022], 'windows', {}, { command: 'cmd.exe /c exit 0', path: 'C:\Windows\system32' }],
  }.each do |where, (system, name, overrides, attributes)|
    context "#{where}, where the environment says that a warning is enough" do
      let(:facts) { override_facts(facts_of(*system), again: { 'internal' => { 'unsupported' => 'warn' } }, **overrides) }
      let(:pre_condition) { super().sub('include common::vardir', '') }

      it_behaves_like 'a warning, and nothing done', name, **attributes
      it_behaves_like 'nothing but execs'
    end
  end

  # Of macOS, facterdb has no facts but those of version 11, by Facter 4.2.
  {
    'on FreeBSD' => [%w[FreeBSD 14]],
    'on macOS' => [%w[Darwin 20 4.2.2]],
    'on macOS with an ARM CPU' => [%w[Darwin 20 4.2.2], { os: { 'architecture' => 'arm64' } }],
    'on macOS, where Puppet is not root' => [%w[Darwin 20 4.2.2], { identity: { 'uid' => 501, 'privileged' => false } }],
  }.each do |where, (system, overrides)|
    context "#{where}, where a warning is enough" do
      let(:facts) { override_facts(facts_of(*system), hiera_data: 'warn', **overrides.to_h) }

      it_behaves_like 'a warning, and nothing done', system.first, command: 'true', path: ['/bin', '/usr/bin']
      it_behaves_like 'nothing but execs'
    end
  end

  {
    'on Windows 10' => ['10', 'C:\Windows\system32'],
    'on Windows 11' => ['11', 'C:\WINDOWS\system32'],
    'on Windows Server 2022' => ['2022', 'C:\Windows\system32'],
    'on Windows, on another drive' => ['2022', 'D:\Windows\system32', { os: { 'windows' => { 'system32' => 'D:\Windows\system32' } } }],
    'on Windows, by facts that do not tell its folder' => ['2022', 'C:\Windows\System32', { os: { 'windows' => nil } }],
  }.each do |where, (release, system32, overrides)|
    context "#{where}, where a warning is enough" do
      let(:facts) { override_facts(facts_of('windows', release), hiera_data: 'warn', **overrides.to_h) }

      it_behaves_like 'a warning, and nothing done', 'windows', command: 'cmd.exe /c exit 0', path: system32
      it_behaves_like 'nothing but execs'
    end
  end

  # Where there is nothing to remove or to cancel, and no shell for it.
  ["ensure => 'absent'", 'enable => false', "ensure => 'absent', enable => false"].each do |switch|
    {
      'on macOS' => [%w[Darwin 20 4.2.2], 'Darwin', { command: 'true', path: ['/bin', '/usr/bin'] }],
      'on Windows' => [%w[windows 2022], 'windows', { command: 'cmd.exe /c exit 0', path: 'C:\Windows\system32' }],
    }.each do |where, (system, name, attributes)|
      context "#{where}, where a warning is enough, with #{switch}" do
        let(:facts) { override_facts(facts_of(*system), hiera_data: 'warn') }
        let(:pre_condition) { "class { 'common::again': #{switch} }\n#{super()}" }

        it_behaves_like 'a warning, and nothing done', name, **attributes
        it_behaves_like 'nothing but execs'
      end
    end
  end

  context 'for an ordinary user without a folder' do
    let(:sentence) { 'Puppet runs as an ordinary user: set common::vardir::base to a folder that this user owns instead of /var/lib/puppet/tmp/.' }

    {
      'where a warning is enough' => { hiera_data: 'warn' },
      'where the environment says that one is' => { again: { 'internal' => { 'unsupported' => 'warn' } } },
    }.each do |where, overrides|
      context where do
        let(:facts) { one_node(identity: bob, **overrides) }

        it_behaves_like 'nothing but execs'
        it { expect(warnings).to eq [sentence] }
        it { expect(outcomes).to eq [["Warning: #{sentence}\n", '', 0]] }
      end
    end

    context 'where the parameter says that a warning is enough' do
      let(:facts) { one_node(identity: bob) }
      let(:pre_condition) { nil }
      let(:params) { { unsupported: 'warn' } }

      it { is_expected.to compile.with_all_deps }
    end

    context 'where the fact says something else' do
      let(:facts) { one_node(identity: bob, again: { 'internal' => { 'unsupported' => 'fail' } }) }

      it { is_expected.to compile.and_raise_error(%r{Puppet runs as an ordinary user}) }
    end
  end

  describe 'a module that was deployed without a build' do
    let(:sentence) { 'The module common was deployed without again-linux-x64, which this node needs: deploy a release, or run `npm run build`.' }

    # Of the slim module, where no place for the archives is set.
    def no_archive(in_module)
      "puppet:///modules/#{in_module}/again/again-linux-x64.gz, which this node needs, does not exist: " \
        'deploy the module common whole, not slim, or set common::again::source to a folder that has the file.'
    end

    { 'without checksums' => %w[gz], 'without an archive' => %w[sums], 'without both' => [] }.each do |what, parts|
      context what do
        let(:facts) { one_node(built: what) }
        let(:sentence) { (parts == %w[sums]) ? no_archive('common') : super() }

        before { build('again-linux-x64', 'again-linux-arm64', parts: parts) }

        it_behaves_like 'nothing but execs', ['Exec[common::vardir]', 'File[/var/lib/puppet/tmp/common/]']
        it { expect(warnings).to eq [sentence] }
        it { expect(outcomes).to eq [['', "again: #{sentence}\n", 1]] }
        it { expect(outcomes('AGAIN_UNSUPPORTED' => 'warn')).to eq [["Warning: #{sentence}\n", '', 0]] }

        context 'where a warning is enough' do
          let(:facts) { super().merge(hiera_data: 'warn') }

          it { expect(outcomes).to eq [["Warning: #{sentence}\n", '', 0]] }
        end
      end
    end

    context 'with an executable for another CPU alone' do
      let(:facts) { one_node(built: 'arm64') }

      before { build('again-linux-arm64') }

      it { expect(warnings).to eq [sentence] }
    end

    context 'without an archive, where nodes fetch that elsewhere' do
      let(:facts) { one_node }
      let(:pre_condition) { nil }
      let(:params) { { source: 'https://files.example.com/again' } }

      before { build('again-linux-x64', parts: %w[sums]) }

      it { expect(warnings).to be_empty }
      it { is_expected.to contain_file('/var/lib/puppet/tmp/common/again/again.gz') }
    end

    context 'where nodes fetch the archive from a module that lacks it' do
      let(:facts) { one_node }
      let(:pre_condition) { nil }
      let(:params) { { source: 'puppet:///modules/other/again' } }

      it { expect(warnings).to eq [no_archive('other')] }
    end
  end
end
