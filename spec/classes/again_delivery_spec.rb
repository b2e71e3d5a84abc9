# frozen_string_literal: true

require 'spec_helper'

# How the executable gets to a node, and what finds out that another one lies there.
describe 'common::again' do
  let(:facts) { one_node }

  def folder
    '/var/lib/puppet/tmp/common/again'
  end

  def sum
    '1'.rjust(64, '0')
  end

  def lite
    '2'.rjust(64, '0')
  end

  it 'delivers the archive of the executable, and asks no server what it should be' do
    is_expected.to contain_file("#{folder}/again.gz").only_with(
      'ensure'         => 'file',
      'owner'          => 0,
      'group'          => 0,
      'mode'           => '0644',
      'source'         => 'puppet:///modules/common/again/again-linux-x64.gz',
      'checksum'       => 'sha256lite',
      'checksum_value' => lite,
      'backup'         => false,
      'show_diff'      => false,
    )
  end

  it 'unpacks it where it has changed' do
    is_expected.to contain_exec('common::again unpack').with(command: "/bin/sh #{folder}/deliver unpack #{sum}", refreshonly: true, logoutput: true, loglevel: 'notice')
                                                       .that_subscribes_to("File[#{folder}/again.gz]")
                                                       .that_requires(["File[#{folder}/deliver]", "File[#{folder}/state]"])
  end

  it 'takes care of the executable afterwards, and never makes an empty one' do
    is_expected.to contain_file("#{folder}/again").only_with(
      'owner'   => 0,
      'group'   => 0,
      'mode'    => '0754',
      'backup'  => false,
      'require' => 'Exec[common::again unpack]',
    )
  end

  it 'says afterwards what was delivered' do
    is_expected.to contain_file("#{folder}/again.sha256").only_with(
      'ensure'  => 'file',
      'owner'   => 0,
      'group'   => 0,
      'mode'    => '0644',
      'content' => "#{sum}  again\n",
      'backup'  => false,
      'require' => 'Exec[common::again unpack]',
    )
  end

  context 'with a base folder of its own' do
    let(:pre_condition) { "class { 'common::vardir': base => '/srv/our base' }" }

    it 'quotes it' do
      is_expected.to contain_exec('common::again look').with_unless("/bin/sh '/srv/our base/common/again/deliver' check #{sum}")
      is_expected.to contain_exec('common::again unpack').with_command("/bin/sh '/srv/our base/common/again/deliver' unpack #{sum}")
    end
  end

  context 'on aarch64' do
    let(:facts) { one_node(os: { 'architecture' => 'aarch64' }) }

    it 'names the executable of that CPU' do
      is_expected.to contain_exec('common::again unpack').with_command("/bin/sh #{folder}/deliver unpack #{'3'.rjust(64, '0')}")
      is_expected.to contain_file("#{folder}/again.gz").with_checksum_value('4'.rjust(64, '0'))
    end
  end

  describe 'the look at the executable' do
    let(:facts) { one_node(again: { 'pending' => [], 'internal' => { 'executable' => seen } }) }
    let(:seen) { { 'path' => "#{folder}/again", 'sha256' => sum } }

    it 'was taken by the fact' do
      is_expected.to compile.with_all_deps
      is_expected.not_to contain_exec('common::again look')
    end

    {
      'where the fact saw another executable'       => { 'sha256' => '5'.rjust(64, '0') },
      'where the fact looked at another place'      => { 'path' => '/srv/common/again/again' },
      'where the fact saw none that it knows again' => nil,
    }.each do |where, difference|
      context where do
        let(:facts) { one_node(again: { 'pending' => [], 'internal' => { 'executable' => difference && seen.merge(difference) }.compact }) }

        it 'is taken by an exec, before Puppet looks at the archive' do
          is_expected.to contain_exec('common::again look').only_with(
            'command'  => "/bin/sh #{folder}/deliver prepare #{sum}",
            'unless'   => "/bin/sh #{folder}/deliver check #{sum}",
            'provider' => 'posix',
            'require'  => ["File[#{folder}/deliver]", "File[#{folder}/state]"],
            'before'   => "File[#{folder}/again.gz]",
          )
        end
      end
    end
  end

  describe 'the source' do
    {
      'https://files.example.com/again'              => 'https://files.example.com/again',
      'http://[2001:db8::1]:8080/a/b%20c//'          => 'http://[2001:db8::1]:8080/a/b%20c',
      'file:///srv/again/'                           => 'file:///srv/again',
      'puppet:///files/again'                        => 'puppet:///files/again',
      'puppet://other.example.com/modules/big/again' => 'puppet://other.example.com/modules/big/again',
    }.each do |source, url|
      context source do
        let(:params) { { source: source } }

        it { is_expected.to contain_file("#{folder}/again.gz").with('source' => "#{url}/again-linux-x64.gz", 'checksum_value' => lite) }
      end
    end

    context 'that is no URL' do
      let(:params) { { source: '/srv/again' } }

      it { is_expected.to compile.and_raise_error(%r{parameter 'source' expects a match for Common::Url}) }
    end
  end
end
