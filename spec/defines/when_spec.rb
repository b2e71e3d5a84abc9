# frozen_string_literal: true

require 'json'
require 'spec_helper'

describe 'common::again::when' do
  let(:facts) { one_node }
  let(:title) { 'some-name' }
  let(:launcher) { '/bin/sh /var/lib/puppet/tmp/common/again/notify' }
  let(:params) { { exists: '/dev/mapper/brick1' } }

  # The condition that the exec tells the helper.
  def condition(title = 'again-when-some-name')
    variable = catalogue.resource('exec', title)[:environment]
    JSON.parse(variable.delete_prefix('AGAIN_WHEN='))
  end

  on_supported_os.each do |os, os_facts|
    context "on #{os}" do
      let(:facts) { os_facts }
      let(:post_condition) do
        "exec { '/bin/true': onlyif => '/bin/false', notify => Common::Again::When['some-name'] }"
      end

      it { is_expected.to compile.with_all_deps }
      it { is_expected.to contain_class('common::again') }
      it { is_expected.to contain_exec('/bin/true').that_notifies('Common::Again::When[some-name]') }

      it 'gives an exec whose command tells nothing of what is waited for' do
        folder = '/var/lib/puppet/tmp/common/again'
        is_expected.to contain_exec('again-when-some-name').only_with(
          'command'     => "#{launcher} --name some-name --delta 0 --when",
          'environment' => 'AGAIN_WHEN={"exists":["/dev/mapper/brick1"],"connects":[],"succeeds":null,"sensitive":false,"interval":5,"timeout":1800,"onTimeout":"run"}',
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

  context 'with all parameters' do
    let(:params) do
      { exists: %w[/a /über], connects: ['db1.example.com:5432', '[::1]:22'], succeeds: ['/usr/bin/pg_isready', '-q'], interval: 60, delta: 10, timeout: 90, on_timeout: 'drop' }
    end

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_exec('again-when-some-name').with_command("#{launcher} --name some-name --delta 10 --when") }

    # spec/unit/schedule/condition.test.ts holds the helper to the same file.
    it 'tells them all, in the form that the helper reads' do
      is_expected.to contain_exec('again-when-some-name').with_environment("AGAIN_WHEN=#{File.read('spec/fixtures/condition.json').chomp}")
    end
  end

  context 'without anything to wait for' do
    [{}, { exists: [] }, { connects: [], exists: [], interval: 9 }].each do |none|
      context "as #{none.inspect}" do
        let(:params) { none }

        it { is_expected.to compile.and_raise_error(%r{Common::Again::When\['some-name'\]: at least one of the parameters 'exists', 'connects' and 'succeeds' is needed\.}) }
      end
    end
  end

  describe 'exists' do
    ['/', '/a b/$c', '/über', '/a//b/'].each do |path|
      context "as #{path.inspect}" do
        let(:params) { { exists: path } }

        it('is told in ASCII') { expect(catalogue.resource('exec', 'again-when-some-name')[:environment]).to be_ascii_only }
        it { expect(condition['exists']).to eq([path]) }
      end
    end

    { 'dev/x' => 'dev/x', '' => '', "/a\nb" => '/a?b', "/a\u0000" => '/a?' }.each do |path, shown|
      context "as #{path.inspect}" do
        let(:pre_condition) { "common::again::when { 'x': exists => ['/good', #{path.inspect.gsub('\u0000', '\u{0}')}] }" }

        it { is_expected.to compile.and_raise_error(%r{Common::Again::When\['x'\]: parameter 'exists' must be absolute paths without newline or NUL, not '#{Regexp.escape(shown)}'\.}) }
      end
    end

    [5, true, [5], {}].each do |value|
      context "as #{value.inspect}" do
        let(:params) { { exists: value } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'exists' .*expects .*String}) }
      end
    end
  end

  describe 'connects' do
    ['db:1', 'db1.example.com:65535', '192.0.2.1:80', '[2001:db8::1]:443', '[fe80::1%eth0]:22'].each do |endpoint|
      context "as #{endpoint}" do
        let(:params) { { connects: endpoint } }

        it { expect(condition['connects']).to eq([endpoint]) }
      end
    end

    ['', 'db', 'db:', ':22', 'db:0', 'db:022', 'db:65536', 'db:100000', '::1:22', '[db]:22', 'a b:22', 'http://db:80', "db:22\n", '-x:22'].each do |endpoint|
      context "as #{endpoint.inspect}" do
        let(:params) { { connects: ['good:1', endpoint] } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'connects' must be HOST:PORT or \[IPv6\]:PORT with a port from 1 to 65535, not '#{Regexp.escape(endpoint.tr("\n", '?'))}'\.}) }
      end
    end
  end

  describe 'succeeds' do
    ["test -e /a && echo 'it''s' \"$HOME\"", "two\nlines", ['/bin/true'], ['/bin/test', '', "it's"]].each do |command|
      context "as #{command.inspect}" do
        let(:params) { { succeeds: command } }

        it { expect(condition['succeeds']).to eq(command) }
      end
    end

    context 'as a Sensitive' do
      let(:params) { { succeeds: sensitive('echo secret') } }

      it { is_expected.to compile.with_all_deps }
      it { is_expected.to contain_exec('again-when-some-name').with_command("#{launcher} --name some-name --delta 0 --when") }

      it 'has the exec keep it as one' do
        exec = catalogue.resource('exec', 'again-when-some-name')
        expect(exec.sensitive_parameters).to eq([:environment])
        expect(condition).to include('succeeds' => 'echo secret', 'sensitive' => true)
      end
    end

    context 'as a Sensitive list of words' do
      let(:params) { { succeeds: sensitive(['/bin/echo', 'secret']) } }

      it { expect(condition).to include('succeeds' => ['/bin/echo', 'secret'], 'sensitive' => true) }
    end

    { '' => "''", [] => '[]', ['', 'x'] => "['', 'x']" }.each do |command, shown|
      context "as #{command.inspect}" do
        let(:params) { { exists: '/a', succeeds: command } }

        it { is_expected.to compile.and_raise_error(%r{parameter 'succeeds' must be a line or a list of words that begins with a command, without NUL, not #{Regexp.escape(shown)}\.}) }
      end
    end

    context 'as an empty Sensitive, which is not shown' do
      let(:params) { { exists: '/a', succeeds: sensitive(['', 'secret']) } }

      it { is_expected.to compile.and_raise_error(%r{without NUL, not what this Sensitive holds\.}) }
    end

    context 'as more than the kernel takes' do
      let(:params) { { succeeds: 'x' * 33_000 } }

      it { is_expected.to compile.and_raise_error(%r{its parameters take 33\d\d\d characters as JSON, and 32768 are possible}) }
    end
  end

  describe 'the times' do
    { interval: [0, 3601], delta: [-1, 315_360_001], timeout: [0, 315_360_001] }.each do |parameter, values|
      values.each do |value|
        context "#{parameter} as #{value}" do
          let(:params) { { :exists => '/a', parameter => value } }

          it { is_expected.to compile.and_raise_error(%r{parameter '#{parameter}' expects .*, got Integer\[#{value}, #{value}\]}) }
        end
      end
    end

    context 'with a timeout that is no more than the delta' do
      let(:params) { { exists: '/a', delta: 60, timeout: 60 } }

      it { is_expected.to compile.and_raise_error(%r{parameter 'timeout' must be more than 'delta', which is 60, not 60\.}) }
    end

    context 'with another word for on_timeout' do
      let(:params) { { exists: '/a', on_timeout: 'fail' } }

      it { is_expected.to compile.and_raise_error(%r{parameter 'on_timeout' expects .*Enum\['drop', 'run'\], got 'fail'}) }
    end
  end

  describe 'the name' do
    { 'the brick is there' => "'the brick is there'", "it's" => "'it'\\''s'", "\u00fcber" => "'\u00fcber'", '-x' => '-x' }.each do |name, word|
      context name do
        let(:title) { name }

        it { is_expected.to contain_exec("again-when-#{name}").with_command("#{launcher} --name #{word} --delta 0 --when") }
      end
    end

    context 'of two lines' do
      let(:pre_condition) { %(common::again::when { "two\nlines": exists => '/a' }) }

      it { is_expected.to compile.and_raise_error(%r{The name of Common::Again::When\['two\?lines'\] must be one line of 1 to 255 characters without control characters; it has 9\.}) }
    end
  end

  context 'beside a delta of the same name' do
    let(:post_condition) do
      <<~MANIFEST
        common::again::delta { 'some-name': delta => 300 }
        file { '/tmp/foo': content => '', notify => [Exec['again'], Common::Again::When['some-name'], Common::Again::Delta['some-name']] }
      MANIFEST
    end

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_exec('again-delta-some-name').without_environment }
    it { is_expected.to contain_exec('again-when-some-name').with_command("#{launcher} --name some-name --delta 0 --when") }
  end

  context "with a site's own defaults" do
    let(:pre_condition) { "Exec { environment => 'A=1', user => 'nobody', path => '/bin' }" }

    it { is_expected.to contain_exec('again-when-some-name').with_environment(%r{\AAGAIN_WHEN=}).without_user.without_path }
  end

  context 'where no reruns are wanted' do
    let(:pre_condition) { "class { 'common::again': enable => false }" }

    it { is_expected.to compile.with_all_deps }
    it { is_expected.to contain_exec('again-when-some-name').with(command: 'true', refreshonly: true).without_environment }
  end
end
