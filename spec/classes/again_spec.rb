# frozen_string_literal: true

require 'json'
require 'spec_helper'

describe 'common::again' do
  let(:facts) { one_node }
  let(:folder) { '/var/lib/puppet/tmp/common/again' }
  let(:settings) { JSON.parse(catalogue.resource('File', "#{folder}/again.json")[:content]) }

  on_supported_os.each do |os, os_facts|
    context "on #{os}" do
      let(:facts) { override_facts(os_facts, puppetversion: '8.31.2') }

      it { is_expected.to compile.with_all_deps }
      it { is_expected.to contain_class('common::vardir') }

      it "purges strays beside state/, and doesn't look below it" do
        is_expected.to contain_file("#{folder}/").with(
          'ensure'       => 'directory',
          'owner'        => 0,
          'group'        => 0,
          'mode'         => '0755',
          'backup'       => false,
          'recurse'      => true,
          'recurselimit' => 1,
          'purge'        => true,
          'force'        => true,
        )
        is_expected.to contain_file("#{folder}/state").only_with(
          'ensure' => 'directory',
          'owner'  => 0,
          'group'  => 0,
          'mode'   => '0700',
          'backup' => false,
        )
      end

      it 'has the scripts in the catalog' do
        %w[deliver notify].each do |script|
          is_expected.to contain_file("#{folder}/#{script}").only_with(
            'ensure'  => 'file',
            'owner'   => 0,
            'group'   => 0,
            'mode'    => '0754',
            'content' => File.read(File.join(__dir__, '../../files/again', script)),
            'backup'  => false,
          )
        end
      end

      it 'renders the settings with their defaults' do
        is_expected.to contain_file("#{folder}/again.json").with(
          'ensure' => 'file',
          'owner'  => 0,
          'group'  => 0,
          'mode'   => '0644',
          'backup' => false,
        )
        expect(settings).to eq(
          'puppet_version' => '8.31.2',
          'puppet'         => nil,
          'burst'          => 10,
          'max_delay'      => 1800,
          'limit'          => nil,
          'splay'          => 0,
          'grace'          => 3,
          'logdest'        => 'file',
          'rerun'          => 'command',
          'unsupported'    => 'fail',
        )
      end

      it 'gives an exec that sets neither directory nor umask nor environment' do
        is_expected.to contain_exec('again').only_with(
          'command'     => "/bin/sh #{folder}/notify",
          'provider'    => 'posix',
          'refreshonly' => true,
          'logoutput'   => true,
          'loglevel'    => 'notice',
          'timeout'     => 60,
          'require'     => %w[again notify again.json state].map { |name| "File[#{folder}/#{name}]" },
        )
      end
    end
  end

  it 'creates folders before what lies in them' do
    expect(applied_before?('/var/lib/puppet/tmp/common', folder)).to be_truthy
    expect(%w[again again.gz again.sha256 deliver notify again.json state].map { |name| applied_before?(folder, "#{folder}/#{name}") }).to all(be_truthy)
  end

  context 'notified by a file' do
    let(:post_condition) { %q(file { '/tmp/foo': content => "x\n", notify => Exec['again'] }) }

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_file('/tmp/foo').that_notifies('Exec[again]') }
  end

  context 'included by several classes' do
    let(:pre_condition) do
      <<~MANIFEST
        class one { include common::again file { '/tmp/one': content => '', notify => Exec['again'] } }
        class two { include common::again file { '/tmp/two': content => '', notify => Exec['again'] } }
        class three { require one contain common::again }
        include one, two, three
      MANIFEST
    end

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_exec('again').that_subscribes_to(['File[/tmp/one]', 'File[/tmp/two]']) }
    it { is_expected.to have_exec_resource_count(5) }
  end

  describe 'an order of classes that makes no cycle' do
    {
      'a class that requires this one and notifies the exec' => <<~MANIFEST,
        class app { require common::again file { '/tmp/app': notify => Exec['again'] } }
        include app
      MANIFEST
      'a class that requires this one and notifies a delta of its own' => <<~MANIFEST,
        class app { require common::again common::again::delta { 'x': } file { '/tmp/app': notify => Common::Again::Delta['x'] } }
        include app
      MANIFEST
      'a class between this one and the exec' => <<~MANIFEST,
        class db { file { '/tmp/db': } }
        include common::again, db
        Class['common::again'] -> Class['db'] ~> Exec['again']
      MANIFEST
      'a class between this one and a delta' => <<~MANIFEST,
        class db { file { '/tmp/db': } }
        include common::again, db
        common::again::delta { 'x': }
        Class['common::again'] -> Class['db'] ~> Common::Again::Delta['x']
      MANIFEST
      'a class before this one that notifies the exec' => <<~MANIFEST,
        class db { file { '/tmp/db': notify => Exec['again'] } }
        include common::again, db
        Class['db'] -> Class['common::again']
      MANIFEST
      'a class that contains this one, before another that notifies the exec' => <<~MANIFEST,
        class app { contain common::again file { '/tmp/app': notify => Exec['again'] } }
        class db { file { '/tmp/db': notify => Exec['again'] } }
        include app, db
        Class['app'] -> Class['db']
      MANIFEST
      'this one in an earlier stage' => <<~MANIFEST,
        stage { 'early': before => Stage['main'] }
        class { 'common::again': stage => 'early' }
        common::again::delta { 'x': }
        file { '/tmp/app': notify => [Exec['again'], Common::Again::Delta['x']] }
      MANIFEST
      'this one in an earlier stage, and the folder of its link in a later one' => <<~MANIFEST,
        stage { 'early': before => Stage['main'] }
        class { 'common::again': stage => 'early' }
        file { '/usr/local/sbin': ensure => directory, notify => Exec['again'] }
      MANIFEST
      'the class of the base folder, and this one, in an earlier stage' => <<~MANIFEST,
        stage { 'early': before => Stage['main'] }
        class { ['common::vardir', 'common::again']: stage => 'early' }
        include common::vardir
        file { '/tmp/app': notify => Exec['again'] }
      MANIFEST
      "a class that requires this one and manages root's account" => <<~MANIFEST,
        class app { require common::again user { 'root': notify => Exec['again'] } group { 'root': notify => Exec['again'] } }
        include app
      MANIFEST
      'a class that requires this one and manages the folder of its link' => <<~MANIFEST,
        class app { require common::again file { '/usr/local/sbin': ensure => directory, notify => Exec['again'] } }
        include app
      MANIFEST
      'a class that notifies a delta, in a stage after main' => <<~MANIFEST,
        stage { 'late': require => Stage['main'] }
        class app { common::again::delta { 'x': } file { '/tmp/app': notify => Common::Again::Delta['x'] } }
        class { 'app': stage => 'late' }
        include common::again
      MANIFEST
      'a class that requires this one, and another that manages the base folder' => <<~MANIFEST,
        class base { file { '/var/lib/puppet/tmp': ensure => directory } }
        class app { require common::again, base file { '/tmp/app': notify => Exec['again'] } }
        include app
      MANIFEST
    }.each do |what, manifest|
      context what do
        let(:pre_condition) { manifest }

        it { is_expected.to compile.with_all_deps }
        it { is_expected.to contain_exec('again').that_requires("File[#{folder}/again]") }
      end
    end
  end

  # docs/FAULTS.md says what to do.
  describe 'an order that is a cycle' do
    {
      'a class that requires this one and manages the base folder' => <<~MANIFEST,
        class app { require common::again file { '/var/lib/puppet/tmp': ensure => directory } }
        include app
      MANIFEST
      'a class with a delta before this one' => <<~MANIFEST,
        class db { common::again::delta { 'x': } }
        include common::again, db
        Class['db'] -> Class['common::again']
      MANIFEST
      'a resource in a stage after main that notifies the exec' => <<~MANIFEST,
        stage { 'late': require => Stage['main'] }
        class app { file { '/tmp/app': notify => Exec['again'] } }
        class { 'app': stage => 'late' }
        include common::again
      MANIFEST
      'the class of the base folder in main, and then this one in an earlier stage' => <<~MANIFEST,
        include common::vardir
        stage { 'early': before => Stage['main'] }
        class { 'common::again': stage => 'early' }
      MANIFEST
      'this one in a stage after main' => <<~MANIFEST,
        stage { 'late': require => Stage['main'] }
        class { 'common::again': stage => 'late' }
      MANIFEST
      'a delta in a stage before main' => <<~MANIFEST,
        stage { 'early': before => Stage['main'] }
        class app { common::again::delta { 'x': } }
        class { 'app': stage => 'early' }
        include common::again
      MANIFEST
    }.each do |what, manifest|
      context what do
        let(:pre_condition) { manifest }

        it { expect(catalogue.to_ral.relationship_graph.find_cycles_in_graph).not_to be_empty }
      end
    end
  end

  context 'with a base folder of its own' do
    let(:pre_condition) { "class { 'common::vardir': base => '/srv/our base' }" }

    it { is_expected.to compile.with_all_deps }

    it 'puts everything there' do
      ['', 'again/', *%w[again again.gz again.sha256 deliver notify again.json state].map { |name| "again/#{name}" }].each do |name|
        is_expected.to contain_file("/srv/our base/common/#{name}").with_owner(0).with_group(0)
      end
    end

    it { is_expected.to contain_exec('again').with_command("/bin/sh '/srv/our base/common/again/notify'") }
  end

  context 'for an ordinary user with a base folder of his own' do
    let(:facts) { one_node(puppet_vardirtmp: '/home/bob/tmp', identity: { 'uid' => 1000, 'gid' => 1001, 'user' => 'bob', 'privileged' => false }) }

    it { is_expected.to compile.with_all_deps }

    it 'gives him everything' do
      ['', 'again/', *%w[again again.gz again.sha256 deliver notify again.json state].map { |name| "again/#{name}" }].each do |name|
        is_expected.to contain_file("/home/bob/tmp/common/#{name}").with_owner(1000).with_group(1001)
      end
    end
  end

  context 'for an ordinary user without one' do
    let(:facts) { one_node(identity: { 'uid' => 1000, 'gid' => 1001, 'user' => 'bob', 'privileged' => false }) }

    it { is_expected.to compile.and_raise_error(%r{Puppet runs as an ordinary user: set common::vardir::base}) }
  end

  describe 'the architecture' do
    { 'x86_64' => 'x64', 'amd64' => 'x64', 'aarch64' => 'arm64', 'arm64' => 'arm64' }.each do |architecture, cpu|
      context architecture do
        let(:facts) { one_node(os: { 'architecture' => architecture }) }

        it { is_expected.to compile.with_all_deps }
        it { is_expected.to contain_file("#{folder}/again.gz").with_source("puppet:///modules/common/again/again-linux-#{cpu}.gz") }
      end
    end

    %w[i386 armv7l riscv64 ppc64le].each do |architecture|
      context architecture do
        let(:facts) { one_node(os: { 'architecture' => architecture }) }

        it { is_expected.to compile.and_raise_error(%r{supports Linux on x86_64 \(amd64\) and aarch64 \(arm64\), not #{architecture}\.}) }
      end
    end
  end

  context 'on another kernel' do
    let(:facts) { one_node(kernel: 'FreeBSD') }

    it { is_expected.to compile.and_raise_error(%r{supports Linux on x86_64 \(amd64\) and aarch64 \(arm64\), not FreeBSD\.}) }
  end

  context 'on a node that lacks every fact it reads' do
    let(:facts) { one_node.except(:kernel, :identity, :os, :puppetversion) }

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_file("#{folder}/again.gz").with_source('puppet:///modules/common/again/again-linux-x64.gz') }
  end

  describe 'the link for people' do
    let(:bob) { { 'uid' => 1000, 'gid' => 1001, 'user' => 'bob', 'privileged' => false } }

    it { is_expected.to contain_file('/usr/local/sbin/again').with('ensure' => 'link', 'target' => "#{folder}/again").that_requires("File[#{folder}/again]") }

    it 'has a folder to lie in, also where a minimal system lacks it' do
      is_expected.to contain_exec('common::again /usr/local/sbin').with(command: 'mkdir -p /usr/local/sbin', creates: '/usr/local/sbin/')
                                                                  .that_comes_before('File[/usr/local/sbin/again]')
    end

    it { is_expected.not_to contain_file('/usr/local/sbin') }

    context 'moved' do
      let(:params) { { symlink: '/opt/our tools/again' } }

      it { is_expected.to compile.with_all_deps }
      it { is_expected.to contain_file('/opt/our tools/again').with('ensure' => 'link', 'target' => "#{folder}/again") }
      it { is_expected.not_to contain_file('/usr/local/sbin/again') }
    end

    context 'off' do
      let(:params) { { symlink: false } }

      it { is_expected.to compile.with_all_deps }
      it { is_expected.not_to contain_file('/usr/local/sbin/again') }
    end

    context 'in a folder that another module manages' do
      let(:post_condition) { "file { '/usr/local/sbin/': ensure => directory }" }

      it { is_expected.to compile.with_all_deps }
      it { expect(applied_before?('/usr/local/sbin', '/usr/local/sbin/again')).to be_truthy }
    end

    context 'for an ordinary user' do
      let(:facts) { one_node(puppet_vardirtmp: '/home/bob/tmp', identity: bob) }

      it { is_expected.not_to contain_file('/usr/local/sbin/again') }

      context 'who wants one' do
        let(:params) { { symlink: '/home/bob/bin/again' } }

        it { is_expected.to contain_file('/home/bob/bin/again').with_target('/home/bob/tmp/common/again/again') }
      end
    end

    ['', '/', 'again', 'bin/again', '/usr/local/sbin/', '/usr/../again', "/usr/again\n"].each do |value|
      context "as #{value.inspect}" do
        let(:params) { { symlink: value } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'symlink' must be an absolute path .*, or false, not '#{Regexp.escape(value.tr("\n", '?'))}'\.}) }
      end
    end

    context 'as true' do
      let(:params) { { symlink: true } }

      it { is_expected.to compile.and_raise_error(%r{parameter 'symlink' expects}) }
    end
  end

  describe 'the Puppet that the task starts' do
    context 'as the fact says' do
      let(:facts) { one_node(again: { 'pending' => [], 'chain' => 0, 'internal' => { 'puppet' => ['/opt/a b/ruby', '/opt/puppet'] } }) }

      it { expect(settings).to include('puppet' => ['/opt/a b/ruby', '/opt/puppet']) }
    end

    # Whatever the fact says, the catalog compiles, and the settings are JSON.
    [
      'x', {}, { 'puppet' => nil }, { 'puppet' => '/x' }, { 'puppet' => ['/x'] }, { 'puppet' => ['/x', 'y'] },
      { 'puppet' => ['/x', '/y"'] }, { 'puppet' => ['/x', '/y\\'] }, { 'puppet' => ['/x', "/y\n"] },
    ].each do |fact|
      context "where the fact is #{fact}" do
        let(:facts) { one_node(again: fact) }

        it { expect(settings).to include('puppet' => nil) }
      end
    end
  end

  describe 'the settings' do
    context 'as parameters, at their lower ends' do
      let(:params) { { burst: 0, max_delay: 30, limit: 1, splay: 0, grace: 0, unsupported: 'warn', logdest: 'journal', rerun: 'unit' } }

      it do
        expect(settings).to include(
          'burst' => 0, 'max_delay' => 30, 'limit' => 1, 'splay' => 0, 'grace' => 0, 'unsupported' => 'warn', 'logdest' => 'journal',
          'rerun' => 'unit'
        )
      end
    end

    context 'as parameters, at their upper ends' do
      let(:params) { { burst: 1000, max_delay: 86_400, limit: 100_000, splay: 86_400, grace: 60 } }

      it { expect(settings).to include('burst' => 1000, 'max_delay' => 86_400, 'limit' => 100_000, 'splay' => 86_400, 'grace' => 60) }
    end

    context 'from Hiera' do
      let(:facts) { one_node(hiera_data: 'settings') }

      it { expect(settings).to include('burst' => 3, 'max_delay' => 600, 'limit' => 20, 'splay' => 300) }
    end

    context 'from Hiera, and a parameter' do
      let(:facts) { one_node(hiera_data: 'settings') }
      let(:params) { { limit: 5 } }

      it { expect(settings).to include('burst' => 3, 'max_delay' => 600, 'limit' => 5, 'splay' => 300) }
    end

    { burst: [-1, 1001], max_delay: [29, 86_401], limit: [0, 100_001], splay: [-1, 86_401], grace: [-1, 61] }.each do |parameter, values|
      values.each do |value|
        context "with #{parameter} #{value}" do
          let(:params) { { parameter => value } }

          it { is_expected.to compile.and_raise_error(%r{parameter '#{parameter}' expects .*, got Integer\[#{value}, #{value}\]}) }
        end
      end

      ['10', 1.5, true].each do |value|
        context "with #{parameter} #{value.inspect}" do
          let(:params) { { parameter => value } }

          it { is_expected.to compile.and_raise_error(%r{parameter '#{parameter}' expects .*Integer.*, got (String|Float|Boolean)}) }
        end
      end
    end

    ['', 'Unit', 'service', true].each do |value|
      context "with rerun #{value.inspect}" do
        let(:params) { { rerun: value } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'rerun' expects .*}) }
      end
    end

    ['', 'Journal', 'syslog', true].each do |value|
      context "with logdest #{value.inspect}" do
        let(:params) { { logdest: value } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'logdest' expects .*}) }
      end
    end

    ['', 'Warn', 'ignore', true, 0].each do |value|
      context "with unsupported #{value.inspect}" do
        let(:params) { { unsupported: value } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'unsupported' expects a match for Enum\['fail', 'warn'\]}) }
      end
    end
  end
end
