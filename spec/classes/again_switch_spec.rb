# frozen_string_literal: true

require 'spec_helper'
require 'tmpdir'

# Reruns that a site does not want: `ensure => absent` and `enable => false`.
describe 'common::again' do
  let(:facts) { one_node }
  let(:pre_condition) do
    <<~MANIFEST
      class { 'common::again': #{parameters} }
      common::again::delta { 'x': delta => 60 }
      common::again::when { 'y': exists => '/dev/mapper/brick1', connects => 'db1.example.com:5432', succeeds => ['/bin/true'] }
      file { '/tmp/foo': content => '', notify => [Exec['again'], Common::Again::Delta['x'], Common::Again::When['y']] }
    MANIFEST
  end
  let(:parameters) { '' }

  def folder
    '/var/lib/puppet/tmp/common/again'
  end

  shared_examples 'no reruns' do |exec|
    it { is_expected.to compile.with_all_deps }

    it 'delivers nothing' do
      refs = catalogue.resources.map(&:ref).grep(%r{\A(File|Exec)\[})
      expect(refs).to contain_exactly(
        *%w[again again-delta-x again-when-y common::vardir].map { |title| "Exec[#{title}]" },
        "Exec[#{exec}]",
        'File[/tmp/foo]',
        'File[/var/lib/puppet/tmp/common/]',
      )
    end

    it 'has execs that do nothing' do
      %w[again again-delta-x again-when-y].each do |title|
        is_expected.to contain_exec(title).with(command: 'true', path: ['/bin', '/usr/bin'], provider: 'posix', refreshonly: true).without_require
      end
    end
  end

  context 'with ensure => absent' do
    let(:parameters) { "ensure => 'absent'" }

    it_behaves_like 'no reruns', 'common::again remove'

    it 'removes the folder, and a link of its own' do
      is_expected.to contain_exec('common::again remove').with(
        command: %(/bin/sh -c 'eval "${AGAIN_REMOVE:?}"' again #{folder} /usr/local/sbin/again),
        environment: "AGAIN_REMOVE=#{File.read('files/again/remove')}",
        onlyif: %r{\A/bin/sh -c 'test -e "\$0" && exit 0; .*; exit 1' #{folder} /usr/local/sbin/again\z},
      )
    end

    context 'and an environment that a site gives to all execs' do
      let(:pre_condition) { "#{super()} Exec <| |> { environment => 'LANG=C' }" }

      it 'fails, instead of removing nothing' do
        exec = catalogue.to_ral.resource('Exec', 'common::again remove')
        output, status = exec.provider.run(exec[:command])
        expect([output.to_s, status.exitstatus]).to match([%r{AGAIN_REMOVE: parameter }, a_value > 0])
      end
    end

    context 'and a link of another name' do
      let(:parameters) { "ensure => 'absent', symlink => '/opt/our tools/again'" }

      it { is_expected.to contain_exec('common::again remove').with_command(%r{ '/opt/our tools/again' /usr/local/sbin/again\z}) }
    end

    context 'and no link' do
      let(:parameters) { "ensure => 'absent', symlink => false" }

      it { is_expected.to contain_exec('common::again remove').with_command(%r{again /usr/local/sbin/again\z}) }
    end

    context 'and enable => true' do
      let(:parameters) { "ensure => 'absent', enable => true" }

      it_behaves_like 'no reruns', 'common::again remove'
    end

    context 'where the module was deployed without a build' do
      let(:facts) { one_node(built: 'switched off') }

      before { build }

      it_behaves_like 'no reruns', 'common::again remove'
    end
  end

  context 'with enable => false' do
    let(:parameters) { 'enable => false' }

    it_behaves_like 'no reruns', 'common::again cancel'

    it 'cancels what is pending of this command' do
      is_expected.to contain_exec('common::again cancel').with_command(%(/bin/sh -c 'exec "$0/again" cancel --this-run' #{folder})).with_onlyif(%r{/state/commands/.*cancel --this-run --check})
    end

    ['our base', "it's $HOME"].each do |name|
      context "and a base folder called #{name}" do
        let(:base) { Dir.mktmpdir }
        let(:pre_condition) { "class { 'common::vardir': base => \"#{base}/#{name.sub('$', '\\$')}\" } class { 'common::again': enable => false }" }
        let(:exec) { catalogue.to_ral.resource('Exec', 'common::again cancel') }

        after { FileUtils.remove_entry(base) }

        it 'has commands that Puppet can start there' do
          there = File.join(base, name, 'common/again')
          FileUtils.mkdir_p(File.join(there, 'state/commands'))
          File.write(File.join(there, 'state/commands/0.json'), '{}')
          File.write(File.join(there, 'again'), "#!/bin/sh\necho \"$0 $*\"\n")
          File.chmod(0o755, File.join(there, 'again'))

          expect(exec.check_all_attributes).to be(true)
          output, status = exec.provider.run(exec[:command])
          expect([output.to_s, status.exitstatus]).to eq(["#{there}/again cancel --this-run\n", 0])
          File.delete(File.join(there, 'state/commands/0.json'))
          expect(exec.check_all_attributes).to be(false)
        end
      end
    end
  end

  {
    "ensure => 'gone'" => %r{parameter 'ensure' expects a match for Enum\['absent', 'present'\], got 'gone'},
    'ensure => true' => %r{parameter 'ensure' expects a match for Enum\['absent', 'present'\]},
    "enable => 'false'" => %r{parameter 'enable' expects a Boolean value, got String},
  }.each do |bad, message|
    context "with #{bad}" do
      let(:parameters) { bad }

      it { is_expected.to compile.and_raise_error(message) }
    end
  end
end
