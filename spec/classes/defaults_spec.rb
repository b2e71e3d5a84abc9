# frozen_string_literal: true

require 'spec_helper'

# Resource defaults reach a class from site.pp and from whoever includes it first.
# The class `common` manages nothing: what includes `common::again` first is up to each site.
describe 'common' do
  let(:facts) { one_node }

  # Its manifest: `load_catalogue` reads it each time.
  let(:pre_condition) { +'' }

  # What this module has in the catalog of a site, in full.
  def resources(site)
    pre_condition.replace(site)
    adapter.setup_puppet(self) # forgets the defines of the site before
    load_catalogue(:class).resources.to_h { |resource| [resource.ref, [resource.to_hash, resource.tags.to_a.sort]] }
  end

  def ours(resources)
    resources.select { |ref, _| ref.match?(%r{\A(Exec|File)\[}) }
  end

  # Of this Puppet's own lists, so that what a newer one adds is among them. No value is valid: none may get through.
  def hostile(type)
    attributes = [*Puppet::Type.type(type).allattrs, :name] - %i[audit noop schedule tag]
    "#{type.capitalize} { #{attributes.map { |name| "#{name} => 'a default of the site'" }.join(', ')} }"
  end

  sites = {
    'in site.pp, before the class is included'      => ->(defaults) { "#{defaults} include common::again common::again::delta { 'x': }" },
    'in site.pp, after the class is included'       => ->(defaults) { "include common::again #{defaults} common::again::delta { 'x': }" },
    'in the class that includes it first'           => ->(defaults) { "class site { #{defaults} include common::again } include site common::again::delta { 'x': }" },
    'in the class that declares a delta first'      => ->(defaults) { "class site { #{defaults} common::again::delta { 'x': } } include site" },
    'in a define that declares a delta first'       => ->(defaults) { "define site { #{defaults} common::again::delta { $name: } } site { 'x': }" },
    'in the class that includes common::vardir'     => ->(defaults) { "class site { #{defaults} include common::vardir } include site common::again::delta { 'x': }" },
    'in a class that uses it, and not as the first' => ->(defaults) { "class site { #{defaults} common::again::delta { 'x': } } include common::again, site" },
  }

  systems = {
    'a node with a helper'                                    => {},
    'a node for which no executable was built'                => { os: { 'architecture' => 'aarch64' } },
    'a CPU that is not supported, where a warning does'       => { hiera_data: 'warn', os: { 'architecture' => 'riscv64' } },
    'another system, where a warning does'                    => { hiera_data: 'warn', kernel: 'Darwin' },
    'an ordinary user without a folder, where a warning does' => { hiera_data: 'warn', identity: { 'uid' => 1000, 'privileged' => false } },
  }

  systems.each do |system, overrides|
    context "on #{system}" do
      let(:facts) { one_node(**overrides) }

      before { build('again-linux-x64') }

      sites.each do |where, site|
        it "is the same with every resource default that a site can have, #{where}" do
          without = resources(site.call(''))
          expect(ours(without).keys).to include('Exec[again]', 'Exec[again-delta-x]')
          expect(resources(site.call("#{hostile(:exec)} #{hostile(:file)}"))).to eq without
        end
      end
    end
  end

  # Where the defaults reach all that this module has.
  sites.reject { |where, _| where.match?(%r{after|vardir|not as the first|includes it first}) }.each do |where, site|
    it "heeds noop, schedule, tag and audit, #{where}" do
      words = "noop => true, schedule => 'never', tag => 'mine', audit => 'all'"
      changed = ours(resources(site.call("schedule { 'never': } Exec { #{words} } File { #{words} }")))

      expect(changed.values.map(&:first)).to all(include(noop: true, schedule: 'never', audit: 'all'))
      expect(changed.values.map(&:last)).to all(include('mine'))
    end
  end

  it 'has no resources but those that the tests above are about' do
    pre_condition.replace("common::again::delta { 'x': }")
    expect(catalogue.resources.map(&:type).uniq).to contain_exactly('Stage', 'Class', 'Common::Again::Delta', 'Exec', 'File')
  end
end
