# frozen_string_literal: true

require 'spec_helper'

describe 'common::again::delta' do
  let(:facts) { one_node }
  let(:title) { 'some-name' }
  let(:launcher) { '/bin/sh /var/lib/puppet/tmp/common/again/notify' }

  on_supported_os.each do |os, os_facts|
    context "on #{os}" do
      let(:facts) { os_facts }
      let(:params) { { delta: 120, start_timer_now: false } }
      let(:post_condition) do
        "exec { '/bin/true': onlyif => '/bin/false', notify => Common::Again::Delta['some-name'] }"
      end

      it { is_expected.to compile.with_all_deps }
      it { is_expected.to contain_class('common::again') }
      it { is_expected.to contain_exec('/bin/true').that_notifies('Common::Again::Delta[some-name]') }

      it 'gives an exec that sets neither directory nor umask nor environment' do
        folder = '/var/lib/puppet/tmp/common/again'
        is_expected.to contain_exec('again-delta-some-name').only_with(
          'command'     => "#{launcher} --name some-name --delta 120",
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

  context 'with start_timer_now' do
    let(:params) { { delta: 120, start_timer_now: true } }

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_exec('again-delta-some-name').with_command("#{launcher} --name some-name --delta 120 --start-timer-now") }
  end

  context 'without parameters' do
    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_exec('again-delta-some-name').with_command("#{launcher} --name some-name --delta 0") }
  end

  describe 'delta' do
    {
      0             => 0,
      315_360_000   => 315_360_000,
      '0'           => 0,
      '000'         => 0,
      '120'         => 120,
      '010'         => 10,
      '00315360000' => 315_360_000,
    }.each do |value, seconds|
      context "as #{value.inspect}" do
        let(:params) { { delta: value } }

        it { is_expected.to contain_exec('again-delta-some-name').with_command("#{launcher} --name some-name --delta #{seconds}") }
      end
    end

    [-1, 315_360_001].each do |value|
      context "as #{value}" do
        let(:params) { { delta: value } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'delta' expects .*, got Integer\[#{value}, #{value}\]}) }
      end
    end

    ['', ' ', '-1', '+1', '1.5', '1e3', '0x10', '1 ', 'two', '315360001', '9999999999', '99999999999999999999', "1\u0661"].each do |value|
      context "as #{value.inspect}" do
        let(:params) { { delta: value } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'delta' must be 0 to 315360000 seconds in decimal digits, not '#{Regexp.escape(value)}'\.}) }
      end
    end

    context 'as digits with a newline at the end' do
      let(:params) { { delta: "5\n" } }

      it { is_expected.to compile.and_raise_error(%r{parameter 'delta' must be 0 to 315360000 seconds in decimal digits, not '5\?'\.}) }
    end

    [1.5, true, [1]].each do |value|
      context "as #{value.inspect}" do
        let(:params) { { delta: value } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'delta' expects .*Integer.* or String, got (Float|Boolean|Tuple)}) }
      end
    end
  end

  describe 'start_timer_now' do
    ['true', 1].each do |value|
      context "as #{value.inspect}" do
        let(:params) { { start_timer_now: value } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'start_timer_now' expects a Boolean value, got (String|Integer)}) }
      end
    end
  end

  describe 'the name' do
    {
      'with spaces'    => "'with spaces'",
      "it's"           => "'it'\\''s'",
      'a "quoted" one' => "'a \"quoted\" one'",
      '$HOME'          => "'$HOME'",
      'a; reboot'      => "'a; reboot'",
      "it's `id` !"    => "'it'\\''s `id` !'",
      "\u00fcber"      => "'\u00fcber'",
      '-x'             => '-x',
      'x' * 255        => 'x' * 255,
    }.each do |name, word|
      context name[0, 40] do
        let(:title) { name }

        it { is_expected.to compile.with_all_deps }
        it { is_expected.to contain_exec("again-delta-#{name}").with_command("#{launcher} --name #{word} --delta 0") }
      end
    end

    { "two\nlines" => 'two?lines', "a\tb" => 'a?b', "a\u0000b" => 'a?b', 'x' * 256 => 'x' * 40 }.each do |name, shown|
      context name[0, 40].inspect do
        let(:pre_condition) { "common::again::delta { #{name.inspect.gsub('\u0000', '\u{0}')}: }" }

        it { is_expected.to compile.and_raise_error(%r{The name of Common::Again::Delta\['#{Regexp.escape(shown)}'\] must be one line of 1 to 255 characters without control characters; it has #{name.length}\.}) }
      end
    end
  end

  context 'beside another delta and the plain exec' do
    let(:params) { { delta: 5 } }
    let(:post_condition) do
      <<~MANIFEST
        common::again::delta { 'other': delta => 300, start_timer_now => true }
        file { '/tmp/foo': content => '', notify => [Exec['again'], Common::Again::Delta['some-name', 'other']] }
      MANIFEST
    end

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_exec('again-delta-some-name').with_command("#{launcher} --name some-name --delta 5") }
    it { is_expected.to contain_exec('again-delta-other').with_command("#{launcher} --name other --delta 300 --start-timer-now") }
    it { is_expected.to contain_file('/tmp/foo').that_notifies(['Exec[again]', 'Common::Again::Delta[some-name]', 'Common::Again::Delta[other]']) }
  end

  describe 'consumer classes' do
    context 'that a class requires which uses again as well' do
      let(:pre_condition) do
        <<~MANIFEST
          class consumer {
            common::again::delta { 'x': delta => 60 }
            exec { '/bin/start': notify => Common::Again::Delta['x'] }
          }
          class other {
            require consumer
            include common::again
            file { '/tmp/other': content => '', notify => Exec['again'] }
          }
          include other
          Class['consumer'] -> exec { '/bin/after': }
        MANIFEST
      end

      it { is_expected.to compile.with_all_deps }
      it { is_expected.to contain_exec('/bin/start').that_notifies('Common::Again::Delta[x]') }
      it { is_expected.to contain_exec('again-delta-x').that_comes_before(['File[/tmp/other]', 'Exec[/bin/after]']) }
    end

    # As modules have written them since 2014: a switch that says whether Puppet may run again.
    context 'that wrap a delta with a fixed name' do
      let(:pre_condition) do
        <<~MANIFEST
          class disks($again = true) {
            include common::again
            common::again::delta { 'disks-exec-again': delta => '120', start_timer_now => true }
            exec { '/bin/disks': notify => $again ? { false => undef, default => Common::Again::Delta['disks-exec-again'] } }
          }
          class cluster($again = true) {
            include common::again
            common::again::delta { 'cluster-exec-again': delta => 60 }
            exec { '/bin/cluster': notify => $again ? { false => undef, default => Common::Again::Delta['cluster-exec-again'] } }
          }
          class { 'disks': }
          class { 'cluster': again => false }
        MANIFEST
      end

      it { is_expected.to compile.with_all_deps }
      it { is_expected.to contain_exec('/bin/disks').that_notifies('Common::Again::Delta[disks-exec-again]') }
      it { is_expected.to contain_exec('again-delta-disks-exec-again').with_command("#{launcher} --name disks-exec-again --delta 120 --start-timer-now") }
      it { is_expected.to contain_exec('/bin/cluster').without_notify }
      it { is_expected.to contain_exec('again-delta-cluster-exec-again').with_command("#{launcher} --name cluster-exec-again --delta 60") }
    end
  end
end
