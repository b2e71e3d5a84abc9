# frozen_string_literal: true

require 'spec_helper'
require 'benchmark'
require 'facter'
require 'json'
require 'open3'
require 'rbconfig'
require 'tmpdir'
require_relative '../../../lib/facter/again'

describe AgainFact do
  subject(:fact) { described_class.value }

  let(:base) { Dir.mktmpdir }
  let(:state) { File.join(base, 'common/again/state') }

  before do
    %w[commands history].each { |name| FileUtils.mkdir_p(File.join(state, name)) }
    allow(described_class).to receive_messages(base_by_fact: base, link: File.join(base, 'link'), channel_places: [base])
  end

  after { FileUtils.remove_entry(base) }

  def boot
    File.read('/proc/sys/kernel/random/boot_id').chomp
  end

  def me
    { 'pid' => Process.pid, 'start' => described_class.start_of(Process.pid) }
  end

  # As the executable has it in its record of this process.
  def machine
    described_class.machine
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC, :millisecond)
  end

  def write(name, content)
    File.write(File.join(state, name), content.is_a?(String) ? content : JSON.generate(content))
  end

  def entry(**more)
    { 'delta' => 60, 'startTimerNow' => false, 'wait' => 60_000, 'link' => 1, 'notifiedAt' => now - 5000, 'run' => me }.merge(more.transform_keys(&:to_s))
  end

  def record(*entries, **more)
    { 'version' => 1, 'boot' => boot, 'waiter' => me, 'entries' => entries }.merge(more.transform_keys(&:to_s))
  end

  def with_environment(variables)
    before = ENV.to_h
    ENV.update(variables)
    yield
  ensure
    ENV.replace(before)
  end

  it 'is a structured fact' do
    expect(Facter.fact(:again)).not_to be_nil
  end

  describe 'a hold' do
    def hold(from, to, **more)
      at = (Time.now.to_f * 1000).round
      write('hold.json', { 'version' => 1, 'since' => at + from, 'until' => at + to }.merge(more.transform_keys(&:to_s)))
      fact['hold']
    end

    it 'is told as long as it holds, with its reason' do
      iso = match(%r{\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z})
      expect(hold(-1000, 60_000, reason: 'kernel update')).to match('since' => iso, 'until' => iso, 'reason' => 'kernel update')
    end

    it 'is told without a reason' do
      expect(hold(-1000, 60_000).keys).to eq(%w[since until])
    end

    {
      'is over' => [-60_000, -1],
      'would hold longer, as the clock was set' => [400_000, 500_000],
    }.each do |title, times|
      it "is not told where it #{title}" do
        expect(hold(*times)).to be_nil
      end
    end

    ['', 'x', '{}', '[]', '{"version":2,"since":1,"until":99999999999999}', '{"version":1,"since":"x","until":null}'].each do |content|
      it "is not told of #{content.inspect}" do
        write('hold.json', content)
        is_expected.not_to have_key('hold')
      end
    end
  end

  it 'says so where there is nothing' do
    is_expected.to include('pending' => [], 'chain' => 0)
    is_expected.not_to include('last_rerun')
  end

  describe 'internal: executable' do
    let(:path) { File.join(base, 'common/again/again') }

    before do
      File.write(path, 'an executable')
      write('delivered', "0123 #{`TZ=UTC0 stat -c '%s %i %y %z' #{path}`}")
    end

    it 'is what was delivered' do
      expect(fact['internal']['executable']).to eq('path' => path, 'sha256' => '0123')
    end

    it 'is found where the base folder is said in another way' do
      allow(described_class).to receive(:base_by_fact).and_return("#{base}//")
      expect(fact['internal']['executable']).to eq('path' => path, 'sha256' => '0123')
    end

    it 'is known no more when it was touched, exchanged, made shorter, or is gone' do
      [
        -> { FileUtils.touch(path) },
        -> { File.truncate(path, 5) },
        -> { File.chmod(0o700, path) },
        -> { FileUtils.cp(path, "#{path}2", preserve: true) && File.rename("#{path}2", path) },
        -> { File.unlink(path) },
      ].each do |harm|
        expect(described_class.value['internal']).to have_key('executable')
        harm.call
        expect(described_class.value['internal']).not_to have_key('executable')
        File.write(path, 'an executable')
        write('delivered', "0123 #{`TZ=UTC0 stat -c '%s %i %y %z' #{path}`}")
      end
    end
  end

  describe 'pending' do
    def due_in(entry)
      Time.iso8601(entry.fetch('due')) - Time.now
    end

    it 'has what living waiters hold, the soonest first' do
      write('commands/0123456789abcdef.json', record(entry(name: 'later', runEndedAt: now), entry(name: 'waits for the run')))
      write('commands/fedcba9876543210.json', record(entry(startTimerNow: true, wait: 10_000)))

      expect(fact['pending'].map { |one| one['name'] }).to eq(["Exec['again']", 'later', 'waits for the run'])
      expect(due_in(fact['pending'][0])).to be_within(2).of(5)
      expect(due_in(fact['pending'][1])).to be_within(2).of(60)
      expect(fact['pending'][2]).to eq('name' => 'waits for the run', 'kind' => 'timer')
    end

    it 'says of a condition when it was met, and no time before that' do
      condition = { 'id' => 'a', 'what' => '/x exists', 'interval' => 5000, 'timeout' => 60_000, 'onTimeout' => 'run', 'splay' => 30_000 }
      waits = entry(name: 'waits', runEndedAt: now, condition: condition)
      met = entry(name: 'met', runEndedAt: now, condition: condition.merge('metAt' => now))
      write('commands/0123456789abcdef.json', record(waits, met, version: 2))
      expect(fact['pending']).to match([a_hash_including('name' => 'met', 'kind' => 'condition'), { 'name' => 'waits', 'kind' => 'condition' }])
      expect(due_in(fact['pending'][0])).to be_within(2).of(30)
    end

    it 'has the records of both versions, and of no other' do
      write('commands/0123456789abcdef.json', record(entry(name: 'one', runEndedAt: now)))
      write('commands/0123456789abcdee.json', record(entry(name: 'two', runEndedAt: now, notBefore: now + 9_000_000, kind: 'delta'), version: 2))
      write('commands/0123456789abcded.json', record(entry(name: 'three'), version: 3))
      expect(fact['pending'].map { |one| one['name'] }).to contain_exactly('one', 'two')
      expect(fact['pending'].map { |one| due_in(one) }).to all(be_within(2).of(60))
    end

    it 'leaves out another boot, waiters that are gone, other processes of the same pid, and rubbish' do
      write('commands/0000000000000001.json', record(entry, boot: '11111111-2222-3333-4444-555555555555'))
      write('commands/0000000000000002.json', record(entry, waiter: { 'pid' => 4_194_305, 'start' => 1 }))
      write('commands/0000000000000003.json', record(entry, waiter: { 'pid' => Process.pid, 'start' => 1 }))
      write('commands/0000000000000004.json', "\xff{")
      write('commands/0000000000000005.json', '')
      write('commands/0000000000000006.json', 'null')
      File.mkfifo(File.join(state, 'commands/0000000000000007.json'))
      File.symlink('/dev/zero', File.join(state, 'commands/0000000000000008.json'))
      write('commands/0000000000000009.json', "[#{'1,' * 1_000_000}1]")
      Dir.mkdir(File.join(state, 'commands/000000000000000a.json'))
      is_expected.to include('pending' => [])
    end

    it 'is empty where a record has another form' do
      write('commands/0123456789abcdef.json', record(entry(wait: 'long', runEndedAt: now)))
      is_expected.to include('pending' => [], 'chain' => 0)
    end
  end

  describe 'below an `again run`' do
    # As its socket's folder lies there; `again run` is the process that has this name.
    def channel(mode, *entries, **more)
      folder = File.join(base, 'again-run-0123abcd-1-0123456789ab')
      FileUtils.mkdir_p(folder, mode: mode)
      File.write(File.join(folder, 'pending.json'), JSON.generate(record(*entries, **more)))
    end

    # Runs the block in a child of a process that is called `again-run`.
    def below(comm)
      script = 'File.write("/proc/self/comm", ARGV[0]); $stdout.puts($$); $stdout.flush; $stdin.read'
      IO.popen([RbConfig.ruby, '-e', script, comm], 'r+') do |child|
        pid = Integer(child.gets)
        allow(described_class).to receive(:ancestor?) { |other| other == pid }
        with_environment('AGAIN_PROCESS' => "#{pid}:#{described_class.start_of(pid)}:#{boot}", 'AGAIN_LINK' => '3') { yield pid }
      end
    end

    it 'is what that has pending' do
      channel(0o700, entry(name: 'peers', runEndedAt: now))
      expect(fact['pending']).to contain_exactly(a_hash_including('name' => 'peers', 'due' => String))
    end

    it 'is not what others could have written, or what has ended' do
      channel(0o755, entry)
      expect(fact['pending']).to eq([])
      FileUtils.chmod(0o700, Dir[File.join(base, 'again-run-*')])
      channel(0o700, entry, waiter: { 'pid' => Process.pid, 'start' => 1 })
      expect(described_class.value['pending']).to eq([])
    end

    it 'is the link of its chain, also where a wrapper stands between, and since when' do
      below('again-run') do |pid|
        channel(0o700, waiter: { 'pid' => pid, 'start' => described_class.start_of(pid) }, since: '2026-11-26T00:00:00.000Z')
        expect(described_class.value).to include('chain' => 3, 'since' => '2026-11-26T00:00:00.000Z')
      end
    end

    it 'is no link where the process is another one' do
      below('something') { expect(described_class.value).to include('chain' => 0) }
    end

    it 'finds its ancestors' do
      expect([Process.ppid, 99_999_999].map { |pid| described_class.ancestor?(pid) }).to eq([true, false])
    end
  end

  describe 'chain' do
    let(:name) { "#{Process.pid}:#{me['start']}:#{boot}" }

    it 'is the link in the environment of a rerun' do
      with_environment('AGAIN_PROCESS' => name, 'AGAIN_LINK' => '7') { is_expected.to include('chain' => 7) }
    end

    it 'is 0 where the variables are meant for another process' do
      with_environment('AGAIN_PROCESS' => name.sub(%r{\A\d+}, '1'), 'AGAIN_LINK' => '7') { is_expected.to include('chain' => 0) }
    end

    ['', 'x', '7.5'].each do |link|
      it "is 0 for the link #{link.inspect}" do
        with_environment('AGAIN_PROCESS' => name, 'AGAIN_LINK' => link) { is_expected.to include('chain' => 0) }
      end
    end

    it 'is what was noted for a rerun that systemd started' do
      write('commands/0123456789abcdef.chain', 'boot' => boot, 'invocation' => 'c0ffee', 'chain' => 'ab', 'link' => 4)
      with_environment('INVOCATION_ID' => 'c0ffee') { expect(described_class.value).to include('chain' => 4) }
      with_environment('INVOCATION_ID' => 'decaf') { expect(described_class.value).to include('chain' => 0) }
    end

    it 'is that also where sudo, for example, has taken the name of the start away, which systemd knows' do
      write('commands/0123456789abcdef.chain', 'boot' => boot, 'invocation' => 'c0ffee', 'chain' => 'ab', 'link' => 4)
      allow(File).to receive(:read).and_call_original
      allow(File).to receive(:read).with('/proc/self/cgroup').and_return("0::/system.slice/nightly.service\n")
      allow(File).to receive(:readlink).and_call_original
      allow(File).to receive(:readlink).with('/run/systemd/units/invocation:nightly.service').and_return('c0ffee')
      with_environment('INVOCATION_ID' => nil) { expect(described_class.value).to include('chain' => 4) }
    end
  end

  describe 'since' do
    def rerun(time, **more)
      write("history/20261122T#{time}00Z-aaaaaa.json", { 'startedAt' => time, 'chain' => 'ab', 'link' => 1 }.merge(more.transform_keys(&:to_s)))
    end

    def in_rerun(&block)
      with_environment('AGAIN_PROCESS' => "#{me.values.join(':')}:#{boot}", 'AGAIN_LINK' => '2', &block)
    end

    it 'is when the first rerun of this chain started' do
      rerun('0700', chain: 'older')
      %w[0800 0830 0900].each.with_index(1) { |time, link| rerun(time, link: link) }
      in_rerun { is_expected.to include('since' => '0800') }
    end

    it 'is that also where an older chain of the same key ended just before' do
      %w[0700 0800 0830].zip([1, 1, 2]) { |time, link| rerun(time, link: link) }
      in_rerun { is_expected.to include('since' => '0800') }
    end

    it 'is that also where other chains came in between' do
      %w[0700 0705 0710 0800 0805 0810].zip(%w[cd ab cd ab cd ab], [9, 1, 10, 2, 11, 3]) { |time, chain, link| rerun(time, chain: chain, link: link) }
      in_rerun { is_expected.to include('since' => '0705') }
    end

    it 'is that also where an ordinary run was a link, or the first is in the history no more' do
      %w[0700 0705 0800 0810].zip(%w[cd cd ab ab], [1, 2, 1, 4]) { |time, chain, link| rerun(time, chain: chain, link: link) }
      in_rerun { is_expected.to include('since' => '0800') }
      %w[0700 0705].each { |time| File.unlink(File.join(state, "history/20261122T#{time}00Z-aaaaaa.json")) }
      rerun('0800', link: 70)
      rerun('0810', link: 71)
      in_rerun { expect(described_class.value).to include('since' => '0800') }
    end

    it 'reads a few files of 200' do
      200.times { |n| rerun(format('%04d', n), link: n + 1) }
      allow(File).to receive(:open).and_call_original
      in_rerun { is_expected.to include('since' => '0000') }
      expect(File).to have_received(:open).at_most(6).times # one of them: again.json, as this is no Puppet
    end

    it 'is of this machine, where another one shares the folder' do
      rerun('0800', machine: machine)
      rerun('0900', chain: 'theirs', machine: '0123456789abcdef')
      in_rerun { is_expected.to include('since' => '0800') }
    end

    it 'is left out of an ordinary run' do
      rerun('0800')
      is_expected.not_to include('since')
    end

    it 'is left out where nothing is known' do
      in_rerun { is_expected.not_to include('since') }
    end
  end

  describe 'last_rerun' do
    let(:past) do
      { 'version' => 1, 'id' => '20261122T080000Z-aaaaaa', 'boot' => boot, 'startedAt' => '2026-11-22T08:00:05.123Z', 'pid' => 4_194_305, 'start' => 1,
        'names' => [nil, 'later'], 'chain' => 'ab', 'link' => 3, 'unit' => nil, 'failure' => nil, }
    end

    it 'is the newest' do
      write('history/20261122T070000Z-ffffff.json', past.merge('id' => 'older'))
      write('history/20261122T080000Z-aaaaaa.json', past.merge('outcome' => { 'status' => 'changed', 'seconds' => 3.2 }))
      is_expected.to include(
        'last_rerun' => {
          'id' => '20261122T080000Z-aaaaaa', 'start' => '2026-11-22T08:00:05.123Z', 'duration' => 3.2, 'result' => 'changed',
          'names' => ["Exec['again']", 'later'], 'link' => 3,
        },
      )
    end

    it 'is the one that started last, though it was asked for first' do
      write('history/20261122T080000Z-aaaaaa.json', past.merge('id' => 'older'))
      write('history/20261122T070000Z-ffffff.json', past.merge('id' => 'newer', 'outcome' => { 'status' => 'changed', 'seconds' => 3.2 }))
      File.utime(Time.now - 60, Time.now - 60, File.join(state, 'history/20261122T080000Z-aaaaaa.json'))
      is_expected.to include('last_rerun' => a_hash_including('id' => 'newer', 'result' => 'changed'))
    end

    it 'is the newest of this machine, where another one shares the folder' do
      write('history/20261122T070000Z-ffffff.json', past.merge('id' => 'ours', 'machine' => machine))
      write('history/20261122T080000Z-aaaaaa.json', past.merge('id' => 'theirs', 'machine' => '0123456789abcdef'))
      is_expected.to include('last_rerun' => a_hash_including('id' => 'ours'))
    end

    {
      'unknown' => {},
      'not run' => { 'failure' => 'the manifest /x.pp is gone' },
      'failed'  => { 'outcome' => { 'status' => 'failed', 'seconds' => 1 } },
    }.each do |result, more|
      it "has the result '#{result}'" do
        write('history/20261122T080000Z-aaaaaa.json', past.merge(more))
        expect(fact['last_rerun']).to include('result' => result)
      end
    end

    it "has the result 'running' as long as it is a process" do
      write('history/20261122T080000Z-aaaaaa.json', past.merge(me))
      expect(fact['last_rerun']).to include('result' => 'running')
    end

    {
      'of the system' => [{}, '/run'],
      "of a user's"   => [{ 'manager' => 1000 }, '/run/user/1000'],
    }.each do |whose, (more, folder)|
      it "has the result 'running' as long as systemd's manager #{whose} names that start of its unit" do
        write('history/20261122T080000Z-aaaaaa.json', past.merge({ 'boot' => boot, 'unit' => 'a.service', 'invocation' => 'c0ffee' }, more))
        allow(File).to receive(:readlink).and_call_original
        results = %w[c0ffee decaf].map do |name|
          allow(File).to receive(:readlink).with("#{folder}/systemd/units/invocation:a.service").and_return(name)
          described_class.value['last_rerun']['result']
        end
        expect(results).to eq(%w[running unknown])
      end
    end

    context 'where nobody has noted its end yet' do
      let(:report) { File.join(base, 'report') }
      let(:settled) { File.join(base, 'settled') }

      # The report of a run that began and ended so many seconds after the rerun, and an executable that writes down what it is called with.
      def ended(began, finished, mode: 0o754)
        executable = File.join(base, 'common/again/again')
        File.write(executable, "#!/bin/sh\necho \"$*\" > #{settled}.new && mv #{settled}.new #{settled}\n")
        File.chmod(mode, executable)
        at = Time.utc(2026, 11, 22, 8, 0, 5.123r)
        File.write(report, "--- !ruby/object:Puppet::Transaction::Report\nhost: a\ntime: '#{(at + began).strftime('%FT%T.%9N+00:00')}'\nstatus: failed\n")
        File.utime(at + finished, at + finished, report)
        write('history/20261122T080000Z-aaaaaa.json', past.merge('reportFile' => report))
        described_class.value['last_rerun']
      end

      def wait_for_settled
        deadline = now + 10_000
        sleep(0.01) until File.exist?(settled) || now > deadline
        File.read(settled)
      end

      it "is told by Puppet's report, and `again` is asked to note it" do
        expect(ended(1, 9.5)).to include('result' => 'failed', 'duration' => 9.5)
        expect(wait_for_settled).to eq("settle\n")
      end

      { 'of an earlier run' => [-60, 9], 'of a later run' => [3600, 3609], 'older' => [-60, -50] }.each do |title, times|
        it "is unknown where the report is #{title}, and no process is started" do
          allow(Process).to receive(:spawn)
          expect(ended(*times)).to include('result' => 'unknown')
          expect(Process).not_to have_received(:spawn)
        end
      end

      # Seconds after the rerun: the beginning of the run, the last line of the log, the report.
      {
        'is unknown where another run began after the last line of its log' => [20, 2, 30, 'unknown'],
        'is known where the run wrote to its log just before' => [20, 25, 30, 'failed'],
        'is known where the server took the report only minutes later' => [1, 5, 305, 'failed'],
        'is known where its log has a line only of the time before Puppet began' => [4, 3, 9, 'failed'],
      }.each do |title, (began, line, finished, result)|
        it title do
          allow(Process).to receive(:spawn)
          FileUtils.mkdir_p(File.join(state, 'logs'))
          write('logs/20261122T080000Z-aaaaaa.log', 'x')
          File.utime(*[Time.utc(2026, 11, 22, 8, 0, 5) + line] * 2, File.join(state, 'logs/20261122T080000Z-aaaaaa.log'))
          expect(ended(began, finished)).to include('result' => result)
        end
      end

      it 'starts nothing that others can change' do
        allow(Process).to receive(:spawn)
        expect(ended(1, 9, mode: 0o777)).to include('result' => 'failed')
        expect(Process).not_to have_received(:spawn)
      end
    end

    it 'is left out where the file is rubbish' do
      write('history/20261122T080000Z-aaaaaa.json', '{')
      is_expected.not_to include('last_rerun')
    end
  end

  describe 'internal: puppet' do
    def settings(content)
      File.write(File.join(base, 'common/again/again.json'), content)
    end

    it 'is left out of what is no Puppet' do
      expect(fact['internal']).to eq({})
    end

    it 'is the one that was written down last, in what is no Puppet' do
      settings(JSON.generate('puppet_version' => '8.31.2', 'puppet' => ['/opt/ruby', '/opt/puppet']))
      expect(fact['internal']).to eq('puppet' => ['/opt/ruby', '/opt/puppet'])
    end

    ['', '{', '[]', '{}', '{"puppet":null}'].each do |content|
      it "is left out where #{content.inspect} was written down" do
        settings(content)
        expect(fact['internal']).to eq({})
      end
    end

    # A script that loads the fact, by its name.
    def in_script(name)
      script = File.join(base, name)
      File.write(script, <<~RUBY)
        require 'facter'
        require 'json'
        load ARGV[0]
        base = ARGV[1]
        AgainFact.define_singleton_method(:base_by_fact) { base }
        puts JSON.generate(AgainFact.value['internal']['puppet'])
      RUBY
      JSON.parse(IO.popen([RbConfig.ruby, script, File.expand_path('lib/facter/again.rb'), base], &:read))
    end

    it 'is the one that runs now, whatever was written down' do
      settings(JSON.generate('puppet' => ['/opt/ruby', '/opt/puppet']))
      expect(in_script('puppet')).to eq([RbConfig.ruby, File.join(base, 'puppet')])
      expect(in_script('bolt_catalog')).to eq(['/opt/ruby', '/opt/puppet'])
    end
  end

  describe 'the folder' do
    before do
      write('commands/0123456789abcdef.json', record(entry(name: 'found')))
      allow(described_class).to receive(:base_by_fact).and_return(elsewhere)
    end

    [nil, '', '/nonexistent'].each do |given|
      context "where the fact puppet_vardirtmp is #{given.inspect}" do
        let(:elsewhere) { given }

        it "is where root's link leads" do
          File.symlink(File.join(base, 'common/again/again'), described_class.link)
          expect(fact['pending']).to eq([{ 'name' => 'found', 'kind' => 'timer' }])
        end
      end
    end
  end

  # As in cron, and for a daemon without LANG. Ruby takes what it reads to be US-ASCII then.
  describe 'in the locale C' do
    let(:base) { Dir.mktmpdir('Übergabe') }
    let(:delta) { 'Übergabe' }

    def value(more, variables = {})
      script = <<~RUBY
        require 'facter'
        load ARGV[0]
        link = ARGV[1]
        AgainFact.define_singleton_method(:link) { link }
        AgainFact.define_singleton_method(:channel_places) { [File.dirname(link)] }
        #{more}
        print JSON.generate([Encoding.default_external.name, Facter.value('again')])
      RUBY
      environment = { 'LC_ALL' => 'C', 'RUBYOPT' => ENV['RUBYOPT'].to_s.gsub(%r{-[EK]\S+}, ''), 'FACTER_puppet_vardirtmp' => nil }.merge(variables)
      output, error, status = Open3.capture3(environment, RbConfig.ruby, '-e', script, File.expand_path('lib/facter/again.rb'), File.join(base, 'link'))
      expect([error, status.success?]).to eq(['', true])
      JSON.parse(output.force_encoding('UTF-8'))
    end

    before do
      write('commands/0123456789abcdef.json', record(entry(name: delta)))
      write('history/20261122T080000Z-aaaaaa.json', 'id' => 'x', 'startedAt' => 'y', 'names' => [delta], 'link' => 1, 'failure' => 'z')
      at = (Time.now.to_f * 1000).round
      write('hold.json', 'version' => 1, 'since' => at, 'until' => at + 60_000, 'reason' => delta)
      # A stray, and a name that is valid nowhere.
      ['ü.json', "\xff"].each { |name| write("commands/#{name}", '') && File.write(File.join(base, name), '') }
      executable = File.join(base, 'common/again/again')
      File.write(executable, 'an executable')
      write('delivered', "0123 #{`TZ=UTC0 stat -c '%s %i %y %z' '#{executable}'`}")
      folder = File.join(base, 'again-run-0123abcd-1-0123456789ab')
      FileUtils.mkdir_p(folder, mode: 0o700)
      File.write(File.join(folder, 'pending.json'), JSON.generate(record(entry(name: "#{delta} 2"))))
    end

    def expect_all_of(told)
      encoding, fact = told
      expect(encoding).to eq('US-ASCII')
      expect(fact).to include(
        'pending' => [{ 'name' => delta, 'kind' => 'timer' }, { 'name' => "#{delta} 2", 'kind' => 'timer' }],
        'hold' => a_hash_including('reason' => delta), 'last_rerun' => a_hash_including('names' => [delta]),
        'internal' => { 'executable' => { 'path' => File.join(base, 'common/again/again'), 'sha256' => '0123' } }
      )
    end

    it 'is the same, in a base folder that the link leads to' do
      File.symlink(File.join(base, 'common/again/again'), File.join(base, 'link'))
      expect_all_of(value('AgainFact.define_singleton_method(:base_by_fact) { nil }'))
    end

    it 'is the same, in a base folder that the environment names' do
      expect_all_of(value('', 'FACTER_puppet_vardirtmp' => base, 'Übung' => 'x'))
    end
  end

  describe 'the fact puppet_vardirtmp' do
    # A Facter of its own, with these facts beside `again`: what `again` says of the folder, and how often it asked Facter.
    def asked(ruby: nil, external: nil, variables: {})
      custom, more = %w[custom external].map { |name| File.join(base, name).tap { |folder| FileUtils.mkdir_p(folder) } }
      FileUtils.cp(File.expand_path('../../../lib/facter/again.rb', __dir__), custom)
      File.write(File.join(custom, 'site.rb'), ruby) if ruby
      File.write(File.join(more, 'site.yaml'), JSON.generate(external)) if external
      script = <<~RUBY
        require 'facter'
        Facter.reset
        Facter.search(ARGV[0])
        Facter.search_external([ARGV[1]])
        Facter.value('kernel')
        $asked = 0
        Facter.singleton_class.prepend(Module.new { def value(name) = ($asked += 1 if name.to_s == 'puppet_vardirtmp'; super) })
        again = Facter.value('again')
        puts JSON.generate([again['pending'].map { |one| one['name'] }, $asked])
      RUBY
      output = IO.popen([variables, RbConfig.ruby, '-e', script, custom, more], err: File::NULL, &:read)
      JSON.parse(output)
    end

    before { write('commands/0123456789abcdef.json', record(entry(name: 'found'))) }

    it 'is asked for where a custom or an external one is there, in whatever file' do
      expect(asked(ruby: "Facter.add(:puppet_vardirtmp) { setcode { '#{base}' } }")).to eq([['found'], 1])
      File.unlink(File.join(base, 'custom/site.rb'))
      expect(asked(external: { 'puppet_vardirtmp' => base })).to eq([['found'], 1])
    end

    it 'is taken from the environment' do
      expect(asked(variables: { 'FACTER_puppet_vardirtmp' => base })).to eq([['found'], 0])
      expect(asked(variables: { 'FacterPuppet_VardirTmp' => base })).to eq([['found'], 0])
    end

    it 'is not asked for where there is none' do
      expect(asked).to eq([[], 0])
    end
  end

  describe 'what the environment of the run wants where a rerun is impossible' do
    around do |example|
      before = ENV.fetch('AGAIN_UNSUPPORTED', nil)
      example.run
    ensure
      ENV['AGAIN_UNSUPPORTED'] = before
    end

    {
      'warn' => { 'unsupported' => 'warn' },
      'fail' => {},
      '' => {},
    }.each do |value, choice|
      it "is told to the class: #{value.inspect}" do
        ENV['AGAIN_UNSUPPORTED'] = value
        expect(described_class.choice).to eq(choice)
        expect(described_class.value['internal'].slice('unsupported')).to eq(choice)
      end
    end

    # In a process of its own, where the fact `kernel` is another one.
    %w[Darwin windows].each do |kernel|
      {
        'warn' => { 'internal' => { 'unsupported' => 'warn' } },
        'fail' => nil,
      }.each do |value, told|
        it "is all that there is on another system: #{kernel}, #{value}" do
          program = 'require "facter"; load ARGV[0]; p Facter.value(:again)'
          environment = { 'FACTER_kernel' => kernel, 'AGAIN_UNSUPPORTED' => value }
          output, status = Open3.capture2e(environment, RbConfig.ruby, '-e', program, File.expand_path('lib/facter/again.rb'))
          expect([output, status.success?]).to eq(["#{told.inspect}\n", true])
        end
      end
    end
  end

  it 'takes few milliseconds, with as much as there can be' do
    50.times { |n| write(format('commands/%016x.json', n), record(*Array.new(20) { entry })) }
    200.times { |n| write(format('history/20261122T08%04dZ-aaaaaa.json', n), '{}') }
    expect(Benchmark.realtime { described_class.value }).to be < 0.25
  end
end
