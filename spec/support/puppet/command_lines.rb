# frozen_string_literal: true

# Says how the real Puppet reads command lines. Standard input: one JSON list, [["apply", ["site.pp", "--noop"]], ...].
# Standard output: for each of them an object: `settings` as Puppet's own parser has them, `options` and `operands`
# as its OptionParser has them; or `error` where Puppet would not start.

require 'json'
require 'puppet'
require 'puppet/util/command_line'

Puppet.initialize_settings(['--confdir', '/nonexistent', '--vardir', '/nonexistent'])

# Sees what Puppet's own parser of settings finds, in place of setting it.
class << Puppet.settings
  attr_accessor :found

  def handlearg(option, value = nil)
    name = option.sub(%r{\A--}, '')
    is_off = value.nil? && name.start_with?('no-')
    found[name.delete_prefix('no-')] = is_off ? false : value
  end
end

# A parser knows 250 options, which take longer to define than a command line to read: each is made once.
module KeptParser
  def parsers
    @parsers ||= {}
  end

  def new(usage = nil)
    parsers[usage] ||= super
  end
end

module DefinedOnce
  def on(*)
    super unless @complete
  end

  def complete!
    @complete = true
  end
end
[Puppet::Util::CommandLine::PuppetOptionParser, OptionParser].each do |parser|
  parser.singleton_class.prepend(KeptParser)
  parser.prepend(DefinedOnce)
end

# The methods that OptionParser calls for the options of a subcommand are noted, and not run.
def application_of(subcommand)
  application = Puppet::Application.find(subcommand).new(Puppet::Util::CommandLine.new('puppet', [subcommand]))
  application.class.banner(subcommand)
  application.define_singleton_method(:found) { @found ||= [] }
  application.class.option_parser_commands.each do |spelled, handler|
    name = spelled.find { |one| one.start_with?('--') }[%r{\A--([a-z-]+)}, 1].tr('-', '_')
    application.define_singleton_method(handler) { |value| found << [name, value.nil? || value] }
  end
  application.define_singleton_method(:handlearg) { |*| nil }
  application
end

applications = Hash.new { |all, subcommand| all[subcommand] = application_of(subcommand) }

answers = JSON.parse($stdin.read).map do |subcommand, words|
  Puppet.settings.found = {}
  begin
    Puppet.settings.send(:parse_global_options, words.dup)
  ensure
    Puppet::Util::CommandLine::PuppetOptionParser.new.complete!
  end
  application = applications[subcommand]
  application.found.clear
  application.command_line.args = words.dup
  begin
    application.parse_options
  ensure
    OptionParser.new(subcommand).complete!
  end
  { settings: Puppet.settings.found, options: application.found.dup, operands: application.command_line.args }
rescue StandardError => e
  { error: e.message }
end
$stdout << JSON.generate(answers)
