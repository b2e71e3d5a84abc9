# frozen_string_literal: true

require 'voxpupuli/test/spec_helper'

RSpec.configure do |config|
  # Modules that were written for the module of 2014 are found beside this one.
  config.module_path = [config.module_path, File.join(__dir__, 'fixtures', 'consumers')].join(File::PATH_SEPARATOR)

  config.hiera_config = File.join(__dir__, 'fixtures', 'hiera.yaml')

  # The newest Facter whose facts of every release in metadata.json are at hand.
  config.default_facter_version = '4.10.0'

  # A build, whether there was one or not.
  config.before { build('again-linux-x64', 'again-linux-arm64') }
end

# Has Puppet find the checksums and the archives of these executables, and of no others.
def build(*executables, parts: %w[sums gz])
  allow(Puppet::Parser::Files).to receive(:find_file).and_wrap_original do |original, file, environment|
    name, part = file.match(%r{\Acommon/again/(again-.*)\.(sums|gz)\z})&.captures
    next original.call(file, environment) unless name

    File.join(__dir__, 'fixtures/build', "#{name}.sums") if executables.include?(name) && parts.include?(part)
  end
end

# The facts of one Debian 12 node, for what doesn't depend on the release.
def one_node(**overrides)
  override_facts(on_supported_os.fetch('debian-12-x86_64'), **overrides)
end

# Whether Puppet applies the file of one path before that of another: by its own graph, with its autorequires.
# rspec-puppet's `that_comes_before` looks for those by title, and so misses a title with a slash at its end.
def applied_before?(first, second)
  ral = catalogue.to_ral
  ral.relationship_graph.path_between(ral.resource('File', first), ral.resource('File', second))
end
