# frozen_string_literal: true

# Says what the real Puppet makes of a puppet.conf and a command line. Standard input: one JSON list,
# [["agent", CONTENT, ["--vardir", "/srv/v"], ["statedir", ...]], ...]. Standard output: for each of them an object with the
# values of those settings; or `error` where Puppet would not start.

require 'json'
require 'puppet'
require 'tmpdir'

# Folders are only named here, not made.
Puppet::Settings.class_eval { def create_ancestors(_folder); end }

def values(subcommand, content, words, names)
  Dir.mktmpdir do |folder|
    file = File.join(folder, 'puppet.conf')
    File.binwrite(file, content)
    mode = Puppet::Util::RunMode[(subcommand == 'apply') ? :user : :agent]
    Puppet.settings.preferred_run_mode = mode.name
    Puppet.initialize_settings(['--config', file, *words])
    Puppet.settings.preferred_run_mode = mode.name
    Puppet.settings.initialize_app_defaults(Puppet::Settings.app_defaults_for_run_mode(mode))
    names.to_h { |name| [name, Puppet[name.to_sym].to_s] }
  end
rescue StandardError => e
  { error: e.message }
end

# Asks for the facts that are in defaults, which takes longer than all else; the children inherit the answers.
Puppet::Settings.default_certname

# Settings can be read once in the life of a process: each reading has a child of its own.
answers = JSON.parse($stdin.read).map do |given|
  reader, writer = IO.pipe
  child = fork do
    writer.write(JSON.generate(values(*given)))
    writer.close
    exit!(0)
  end
  writer.close
  answer = JSON.parse(reader.read)
  Process.wait(child)
  answer
end
$stdout << JSON.generate(answers)
