# frozen_string_literal: true

require 'spec_helper'

describe 'common::vardir' do
  let(:facts) { one_node }

  # The variable that another module reads.
  let(:post_condition) { 'notify { "module_vardir is ${common::vardir::module_vardir}": }' }

  shared_examples 'a base folder' do |folder|
    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_file("#{folder}/common/").with_ensure('directory').with_mode('0755') }
    it { is_expected.to contain_notify("module_vardir is #{folder}/common/") }
    it { is_expected.to contain_exec('common::vardir').with_command("mkdir -p #{folder}").with_creates(folder) }

    it 'manages nothing above common/' do
      expect(catalogue.resources.select { |resource| resource.type == 'File' }.map(&:title)).to eq ["#{folder}/common/"]
    end
  end

  on_supported_os.each do |os, os_facts|
    context "on #{os}" do
      let(:facts) { os_facts }

      it_behaves_like 'a base folder', '/var/lib/puppet/tmp'

      it 'creates missing folders as root, with mode 0755' do
        is_expected.to contain_exec('common::vardir').only_with(
          'command'  => 'mkdir -p /var/lib/puppet/tmp',
          'creates'  => '/var/lib/puppet/tmp',
          'path'     => ['/bin', '/usr/bin'],
          'provider' => 'posix',
          'umask'    => '022',
        )
        is_expected.to contain_file('/var/lib/puppet/tmp/common/').with(
          'ensure' => 'directory',
          'owner'  => 0,
          'group'  => 0,
          'mode'   => '0755',
        ).that_requires('Exec[common::vardir]')
      end

      it 'purges nothing of what other modules keep in common/' do
        is_expected.to contain_file('/var/lib/puppet/tmp/common/').without_purge.without_recurse
      end
    end
  end

  describe 'the base folder' do
    context 'as a parameter' do
      let(:params) { { base: '/srv/again' } }

      it_behaves_like 'a base folder', '/srv/again'
    end

    context 'with slashes at the end and doubled' do
      let(:params) { { base: '//srv///again//' } }

      it_behaves_like 'a base folder', '/srv/again'
    end

    context 'from Hiera' do
      let(:facts) { one_node(hiera_data: 'base') }

      it_behaves_like 'a base folder', '/srv/hiera'
    end

    context 'from the fact puppet_vardirtmp' do
      let(:facts) { one_node(puppet_vardirtmp: '/srv/fact/') }

      it_behaves_like 'a base folder', '/srv/fact'
    end

    context 'from Hiera and the fact' do
      let(:facts) { one_node(hiera_data: 'base', puppet_vardirtmp: '/srv/fact/') }

      it_behaves_like 'a base folder', '/srv/hiera'
    end

    context 'as a parameter, from Hiera and the fact' do
      let(:params) { { base: '/srv/parameter' } }
      let(:facts) { one_node(hiera_data: 'base', puppet_vardirtmp: '/srv/fact/') }

      it_behaves_like 'a base folder', '/srv/parameter'
    end

    context 'with an empty fact puppet_vardirtmp' do
      let(:facts) { one_node(puppet_vardirtmp: '') }

      it_behaves_like 'a base folder', '/var/lib/puppet/tmp'
    end

    context "with a name that a shell wouldn't take as it is" do
      let(:params) { { base: "/srv/it's $HOME" } }

      it { is_expected.to compile.with_all_deps }
      it { is_expected.to contain_exec('common::vardir').with_command("mkdir -p '/srv/it'\\''s $HOME'") }
      it { is_expected.to contain_file("/srv/it's $HOME/common/") }
    end

    ['', '/', '//', 'srv/again', '/srv/../again', '/srv/.', "/srv\n/again", "/srv/again\n", 5].each do |value|
      context "as #{value.inspect}" do
        let(:params) { { base: value } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'base' expects .*got (#{Regexp.escape("'#{value}'")}|Integer)}m) }
      end
    end

    ['srv/fact', '/', '/srv/../fact', 5].each do |value|
      context "from the fact puppet_vardirtmp as #{value.inspect}" do
        let(:facts) { one_node(puppet_vardirtmp: value) }

        it { is_expected.to compile.and_raise_error(%r{fact puppet_vardirtmp must be an absolute path .*not '#{Regexp.escape(value.to_s)}'\.}) }
      end
    end
  end

  describe 'parent folders that another module manages' do
    %w[/var /var/ /var/lib/puppet /var/lib/puppet/ /var/lib/puppet/tmp /var/lib/puppet/tmp/].each do |path|
      context "declared before: #{path}" do
        let(:pre_condition) { "file { '#{path}': ensure => directory, mode => '0711' }" }

        it { is_expected.to compile.with_all_deps }
        it { is_expected.to contain_file(path).with_mode('0711') }
        it { expect(applied_before?(path, '/var/lib/puppet/tmp/common')).to be_truthy }
      end

      context "declared after: #{path}" do
        let(:post_condition) { "file { '#{path}': ensure => directory, mode => '0711' }" }

        it { is_expected.to compile.with_all_deps }
        it { is_expected.to contain_file(path).with_mode('0711') }
        it { expect(applied_before?(path, '/var/lib/puppet/tmp/common')).to be_truthy }
      end
    end
  end

  describe 'an ordinary user' do
    let(:bob) { { 'uid' => 1000, 'gid' => 1001, 'user' => 'bob', 'group' => 'users', 'privileged' => false } }
    let(:facts) { one_node(identity: bob) }
    let(:refusal) { %r{Puppet runs as an ordinary user: set common::vardir::base to a folder that this user owns instead of /var/lib/puppet/tmp/\.} }

    context 'with a base folder of his own' do
      let(:params) { { base: '/home/bob/tmp' } }

      it_behaves_like 'a base folder', '/home/bob/tmp'
      it { is_expected.to contain_file('/home/bob/tmp/common/').with_owner(1000).with_group(1001) }
    end

    context 'with a base folder of his own from the fact puppet_vardirtmp' do
      let(:facts) { one_node(identity: bob, puppet_vardirtmp: '/home/bob/tmp/') }

      it_behaves_like 'a base folder', '/home/bob/tmp'
      it { is_expected.to contain_file('/home/bob/tmp/common/').with_owner(1000).with_group(1001) }
    end

    context 'without a base folder' do
      it { is_expected.to compile.and_raise_error(refusal) }
    end

    context 'with the default base folder, spelled out' do
      let(:params) { { base: '/var//lib/puppet/tmp/' } }

      it { is_expected.to compile.and_raise_error(refusal) }
    end

    [{ 'uid' => 1000 }, { 'privileged' => false }].each do |identity|
      context "known by #{identity} alone" do
        let(:facts) do
          facts = one_node
          facts[:identity] = identity
          facts
        end

        it { is_expected.to compile.and_raise_error(refusal) }
      end
    end
  end

  describe 'an identity that the facts lack, in part or in full' do
    [{ 'uid' => 0 }, { 'privileged' => true }, {}, nil, ''].each do |identity|
      context identity.inspect do
        let(:facts) do
          facts = one_node
          facts[:identity] = identity
          facts
        end

        it { is_expected.to contain_file('/var/lib/puppet/tmp/common/').with_owner(0).with_group(0) }
      end
    end
  end

  describe 'the kernel' do
    %w[FreeBSD windows Darwin].each do |kernel|
      context kernel do
        let(:facts) { one_node(kernel: kernel) }

        it { is_expected.to compile.and_raise_error(%r{supports Linux on x86_64 \(amd64\) and aarch64 \(arm64\), not #{kernel}\.}) }
      end
    end
  end

  context 'on a node that lacks every fact it reads' do
    let(:facts) { one_node.except(:kernel, :identity) }

    it_behaves_like 'a base folder', '/var/lib/puppet/tmp'
  end
end
