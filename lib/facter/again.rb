# frozen_string_literal: true

require 'json'
require 'time'

# The value of the fact `again`. Reads small files, and starts no process but one: see `settle`. A file that can't be read counts as not there.
# Without constants: Facter loads this file more than once where it is found in several places.
module AgainFact
  module_function

  # Unknown values are left out: Puppet would make an empty string of nil, and that is true in a manifest.
  # `internal` is for the class alone, and may change with any version.
  def value
    @state = @boot = @machine = @past_reruns = nil # each evaluation looks once
    link = quietly(0) { link_by_environment || link_in_foreground || link_by_unit || 0 }
    {
      'pending'    => quietly([]) { pending },
      'hold'       => quietly(nil) { hold },
      'chain'      => link,
      'since'      => quietly(nil) { since if link.positive? },
      'last_rerun' => quietly(nil) { last_rerun },
      'internal'   => { 'puppet' => quietly(nil) { puppet }, 'executable' => quietly(nil) { executable } }.merge(choice).compact,
    }.compact
  end

  # The choice of the run's environment for nodes on which a rerun is impossible by nature: a module for the public can't set its users' Hiera.
  def choice
    { 'unsupported' => ('warn' if ENV['AGAIN_UNSUPPORTED'] == 'warn') }.compact
  end

  # The pending entries, the soonest first; one that waits for the end of its run, or for a condition, has no time yet.
  def pending
    entries = (records + foreground).flat_map { |record| record['entries'] }
    shown = entries.map do |entry|
      { 'name' => entry['name'] || "Exec['again']", 'kind' => entry['condition'] ? 'condition' : 'timer', 'due' => due(entry) }.compact
    end
    shown.sort_by { |entry| entry['due'] || '~' }
  end

  # The hold that `again hold` has set, as long as it holds: src/schedule/hold.ts has the rule.
  def hold
    held = read('.', 'hold.json')
    return unless held && held['version'] == 1

    from, to = held.values_at('since', 'until').map { |time| Integer(time) }
    left = to - (Time.now.to_f * 1000)
    { 'since' => utc(from / 1000), 'until' => utc(to / 1000), 'reason' => held['reason'] }.compact if left.positive? && left <= to - from + 300_000
  end

  def utc(seconds)
    Time.at(seconds).utc.strftime('%Y-%m-%dT%H:%M:%SZ')
  end

  # The records of this boot whose waiter lives.
  def records
    json_files('commands').map { |name| read('commands', name) }.compact.select do |record|
      [1, 2].include?(record['version']) && record['boot'] == boot && start_of(record['waiter']['pid']) == record['waiter']['start']
    end
  end

  # The record of each `again run` of this user, in a file beside its socket: src/state/channel-record.ts.
  def foreground
    folders = channel_places.flat_map { |place| quietly([]) { names(place).grep(%r{\Aagain-run-}).map { |name| File.join(place, name) } } }
    found = folders.select { |folder| quietly(false) { own?(File.lstat(folder)) } }.map { |folder| read_file(File.join(folder, 'pending.json')) }
    found.compact.select { |record| record['version'] == 1 && record['boot'] == boot && start_of(record['waiter']['pid']) == record['waiter']['start'] }
  end

  def channel_places
    ['/run', "/run/user/#{Process.euid}", *ENV.values_at('XDG_RUNTIME_DIR', 'TMPDIR'), '/tmp'].compact.uniq
  end

  # Whether a folder is one that only its user, who is this process's, can enter.
  def own?(stat)
    stat.directory? && stat.owned? && stat.mode.to_s(8).end_with?('00')
  end

  # `again` counts in milliseconds of the monotonic clock, which can't be set; people read the other one.
  def due(entry)
    condition = entry['condition']
    from, wait = if condition
                   condition.values_at('metAt', 'splay')
                 else
                   [entry['startTimerNow'] ? entry['notifiedAt'] : entry['runEndedAt'], entry['wait']]
                 end
    return unless from

    left = ((from + wait) / 1000.0) - Process.clock_gettime(Process::CLOCK_MONOTONIC)
    (Time.now + left).round.utc.strftime('%Y-%m-%dT%H:%M:%SZ')
  end

  # The variables count in the process that they name alone: its children inherit them.
  def link_by_environment
    Integer(ENV.fetch('AGAIN_LINK')) if ENV['AGAIN_PROCESS'] == "#{Process.pid}:#{start_of(Process.pid)}:#{boot}"
  end

  # Below an `again run`, the variables name that, since it need not be the parent of Puppet.
  def link_in_foreground
    pid, start, its_boot = ENV['AGAIN_PROCESS'].to_s.split(':')
    return unless pid && its_boot == boot && start_of(pid) == Integer(start) && ancestor?(Integer(pid))

    Integer(ENV.fetch('AGAIN_LINK')) if File.read("/proc/#{pid}/comm").chomp == 'again-run'
  end

  def ancestor?(pid)
    at = Process.ppid
    at = parent_of(at) while at && at > 1 && at != pid
    at == pid
  end

  # The link of a rerun that systemd started as a unit, as it was noted when that was asked for.
  def link_by_unit
    invocation = ENV['INVOCATION_ID'] || invocation_of_service
    return unless invocation

    notes = files('commands').grep(%r{\A\h{16}\.chain\z}).map { |name| read('commands', name) }.compact
    note = notes.find { |one| one['boot'] == boot && one['invocation'] == invocation }
    note && note['link']
  end

  # Where sudo, for example, has taken the variable away: systemd notes it in a link for each of its services, too (systemd 243).
  def invocation_of_service
    service = quietly(nil) { File.read('/proc/self/cgroup')[%r{^(?:0:|\d+:name=systemd):.*/([^/]+\.service)(?:/|$)}, 1] }
    quietly(nil) { File.readlink("/run/systemd/units/invocation:#{service}") } if service
  end

  # When the first rerun of the newest chain started: in a rerun, that is the chain of this very run.
  #
  # The history may have 200 reruns, of one chain or of several. The first one of this chain is as many reruns back as the newest one's link says,
  # or further where other chains come in between, or not so far where an ordinary run was a link. So a few files are read instead of all.
  def since
    if link_in_foreground
      pid = ENV['AGAIN_PROCESS'].to_i
      return foreground.find { |record| record['waiter']['pid'] == pid }['since']
    end

    newest = nil
    names = past_reruns.reverse.drop_while { |name| !ours?(newest = read('history', name)) }
    guess = [newest['link'] - 1, names.size - 1].min
    back = same_chain(names.drop(guess), newest)
    first = back.find { |rerun| rerun['link'] == 1 } || back.to_a.last || same_chain(names.take(guess).reverse, newest).first
    first['startedAt']
  end

  # The reruns of the same chain; of 50 files at most.
  def same_chain(names, rerun)
    names.first(50).lazy.map { |name| read('history', name) }.select { |one| one && one['chain'] == rerun['chain'] }
  end

  # Oldest first, by when they were written: a name has the time at which the rerun was asked for, which may be days before it started.
  def past_reruns
    @past_reruns ||= json_files('history').sort_by { |name| [quietly(Time.at(0)) { File.mtime(File.join(state, 'history', name)) }, name] }
  end

  def last_rerun
    rerun = past_reruns.reverse.lazy.map { |name| read('history', name) }.find { |one| ours?(one) }
    return unless rerun

    outcome = rerun['outcome'] || quietly(nil) { reported(rerun) } || {}
    quietly(nil) { settle } if outcome.any? && !rerun['outcome']
    {
      'id'       => rerun['id'],
      'start'    => rerun['startedAt'],
      'duration' => outcome['seconds'],
      'result'   => result(rerun, outcome),
      'names'    => rerun['names'].map { |name| name || "Exec['again']" },
      'link'     => rerun['link'],
    }.compact
  end

  # Whether a rerun is of this machine, by the rule of src/state/history.ts: others may share the folder. Version 0.2.0 and older ones did not note it.
  def ours?(rerun)
    rerun && ([nil, machine].include?(rerun['machine']) || (rerun['boot'] == boot && rerun['pidNamespace'] == File.readlink('/proc/self/ns/pid')))
  end

  # As `machine` of src/os/place.ts: the fingerprint of the machine-id, or of the host name.
  def machine
    @machine ||= begin
      id = quietly('') { File.read('/etc/machine-id').strip }
      text = id.match?(%r{\A\h{32}\z}) ? id : File.read('/proc/sys/kernel/hostname').strip
      format('%016x', text.bytes.reduce(0xcbf29ce484222325) { |acc, elem| ((acc ^ elem) * 0x100000001b3) & 0xffffffffffffffff })
    end
  end

  # Puppet's own word for it, where that was seen in time.
  def result(rerun, outcome)
    return 'not run' if rerun['failure']
    return outcome['status'] if outcome['status']

    running?(rerun) ? 'running' : 'unknown'
  end

  def running?(rerun)
    return false unless rerun['boot'] == boot
    return start_of(rerun['pid']) == rerun['start'] unless rerun['invocation']

    folder = rerun['manager'] ? "/run/user/#{rerun['manager']}" : '/run'
    quietly(false) { File.readlink("#{folder}/systemd/units/invocation:#{rerun['unit']}") == rerun['invocation'] }
  end

  # The result by Puppet's newest report, where that is of this rerun, by the rule of src/state/outcomes.ts: no process has noted it yet, and this run will
  # write its own in that place. These lines are at a report's beginning, which may have megabytes.
  def reported(rerun)
    return if rerun['failure'] || running?(rerun)

    head = File.read(rerun['reportFile'], 4096)
    began = Time.parse(rerun['startedAt'])
    time = Time.parse(head[%r{^time: *(.*)$}, 1])
    written = File.mtime(rerun['reportFile'])
    seconds = written - began
    status = head[%r{^status: *(\w+)$}, 1]
    return unless status && seconds.positive? && (time - began).between?(-1, 60)

    # Puppet writes its last line to the log, where it writes there at all, and then its report.
    line = quietly(began) { File.mtime(File.join(state, 'logs', "#{rerun['id']}.log")) }
    { 'status' => status, 'seconds' => seconds.round(1) } unless line > began + 1 && time > line && written > line + 10
  end

  # Has `again` note that, and tell the journal where that rerun failed: in the background, once for each rerun that was the last one of its chain. It is
  # root's own Puppet that will start this very file.
  def settle
    executable = File.expand_path('../again', state)
    stat = File.lstat(executable)
    return unless stat.file? && stat.owned? && stat.mode.to_s(8).match?(%r{[0145]{2}\z})

    null = File::NULL
    Process.detach(Process.spawn({}, [executable, 'again'], 'settle', unsetenv_others: true, pgroup: true, chdir: '/', in: null, out: null, err: null))
  end

  # Which Ruby and which script this run of Puppet is: the class writes it down for the task `common::again`, which must not search PATH.
  # `$PROGRAM_NAME` won't do, for the run of a daemon is a process with another title. Where it is no Puppet that could be started like that, as in `bolt apply`
  # or below `bundle exec`, it is still the one that was written down last.
  def puppet
    script = Thread.main.backtrace_locations.last.absolute_path
    return [RbConfig.ruby, script].map { |path| utf8(path) } if script && File.basename(script) == 'puppet'

    read_file(File.expand_path('../again.json', state))&.fetch('puppet', nil)
  end

  # The delivered executable, while it has the marks that it had then: the class need not look then. `files/again/deliver` writes them down.
  def executable
    path = File.expand_path('../again', state)
    sum, marks = read_text(File.join(state, 'delivered')).to_s.chomp.split(' ', 2)
    { 'path' => path, 'sha256' => sum } if marks && marks == marks_of(File.lstat(path))
  end

  # As `stat -c '%s %i %y %z'` prints them.
  def marks_of(stat)
    times = [stat.mtime, stat.ctime].map { |time| time.utc.strftime('%Y-%m-%d %H:%M:%S.%N +0000') }
    [stat.size, stat.ino, *times].join(' ')
  end

  def json_files(folder)
    files(folder).grep(%r{\.json\z})
  end

  def files(folder)
    names(File.join(state, folder))
  rescue SystemCallError
    []
  end

  # What is looked for has a name of ASCII. A pattern is refused by names that are not valid in the locale of this process.
  def names(path)
    Dir.entries(path).select(&:ascii_only?)
  end

  def read(folder, name)
    read_file(File.join(state, folder, name))
  end

  # A regular file of a sensible size, and no link, or nil.
  def read_file(path)
    text = read_text(path)
    JSON.parse(text) if text
  rescue StandardError
    nil
  end

  # Nil for anything that is no ordinary file, or too large for one of ours.
  def read_text(path)
    File.open(path, File::RDONLY | File::NOFOLLOW | File::NONBLOCK) do |file|
      utf8(file.read) if file.stat.file? && file.size < 1_048_576
    end
  rescue StandardError
    nil
  end

  # Ruby takes what it reads, and names of files, to be in the locale of the process, and that is US-ASCII in cron and for many a daemon. JSON and Facter refuse that then.
  def utf8(text)
    text.dup.force_encoding(Encoding::UTF_8)
  end

  # Where the fact `puppet_vardirtmp` says, where root's link leads, or the default: the first that is there.
  def state
    @state ||= begin
      given = base_by_fact
      folders = [
        ("#{given}/common/again" if given && given != ''),
        (File.dirname(File.readlink(link)) if File.symlink?(link)),
        '/var/lib/puppet/tmp/common/again',
      ]
      utf8("#{folders.compact.find { |folder| File.directory?("#{folder}/state") }}/state")
    end
  end

  # Facter searches everything that it has for a fact that does not exist, and does so each time. A variable counts before all other sources.
  def base_by_fact
    variable = ENV.find { |name, _| name.ascii_only? && name.match?(%r{\Afacter_?puppet_vardirtmp\z}i) }
    return variable.last if variable

    Facter.value('puppet_vardirtmp') if quietly(true) { may_exist?(:puppet_vardirtmp) }
  end

  # Facter 4, of Puppet 6 on, and OpenFact keep what was found in a collection; it is not part of their API. In a run of Puppet it is complete, as
  # all facts are loaded before one is resolved. Facter 3 has no such thing, and is quick.
  def may_exist?(name)
    return true unless defined?(LegacyFacter)

    [LegacyFacter.collection.custom_facts, LegacyFacter.collection.external_facts].any? { |facts| facts.key?(name) }
  end

  # The default of the parameter `symlink` of the class.
  def link
    '/usr/local/sbin/again'
  end

  def parent_of(pid)
    Integer(File.binread("/proc/#{pid}/stat").rpartition(')').last.split[1])
  rescue SystemCallError
    nil
  end

  # When a process started, in clock ticks since boot; with the pid, that names it. nil for one that has ended: proc_pid_stat(5).
  def start_of(pid)
    fields = File.binread("/proc/#{Integer(pid)}/stat").rpartition(')').last.split
    Integer(fields[19]) unless %w[Z X x].include?(fields[0])
  rescue SystemCallError
    nil
  end

  def boot
    @boot ||= File.read('/proc/sys/kernel/random/boot_id').chomp
  end

  def quietly(otherwise)
    yield
  rescue StandardError
    otherwise
  end
end

# @summary What `common::again` has pending on this node, and which link of a chain of reruns this run is.
Facter.add(:again) do
  confine kernel: 'Linux'
  setcode { AgainFact.value }
end

# On another system there is nothing but the choice of how to say so.
Facter.add(:again) do
  confine { Facter.value(:kernel) != 'Linux' && AgainFact.choice.any? }
  setcode { { 'internal' => AgainFact.choice } }
end
