# frozen_string_literal: true

require 'spec_helper'

# Resource defaults reach a class from site.pp and from the first class that includes it.
# The class `common` manages nothing: each site decides which class includes `common::again` first.
describe 'common' do
  let(:facts) { one_node }

  # Its manifest: `load_catalogue` reads it each time.
  let(:pre_condition) { +'' }

  # The resources of this module in the catalog of a site, in full.
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

  # A site's manifest, with its defaults and its own declaration of the class; without one, the first delta or when includes it.
  def manifest(site, defaults, declared)
    format(
      site,
      defaults: defaults,
      declared: declared,
      again: declared || 'include common::again',
      delta: "common::again::delta { 'x': delta => 60, start_timer_now => true }",
      when: "common::again::when { 'y': exists => '/dev/mapper/brick1', connects => 'db1.example.com:5432', succeeds => ['/bin/true'], delta => 60 }",
    )
  end

  sites = {
    'in site.pp, before the class is included'      => '%<defaults>s %<again>s %<delta>s %<when>s',
    'in site.pp, after the class is included'       => '%<again>s %<defaults>s %<delta>s %<when>s',
    'in the class that includes it first'           => 'class site { %<defaults>s %<again>s } include site %<delta>s %<when>s',
    'in the class that declares a delta first'      => 'class site { %<defaults>s %<declared>s %<delta>s %<when>s } include site',
    'in the class that declares a when first'       => 'class site { %<defaults>s %<declared>s %<when>s %<delta>s } include site',
    'in a define that declares a delta first'       => "define site { %<defaults>s %<declared>s %<delta>s %<when>s } site { 'z': }",
    'in the class that includes common::vardir'     => 'class site { %<defaults>s include common::vardir } include site %<declared>s %<delta>s %<when>s',
    'in a class that uses it, and not as the first' => 'class site { %<defaults>s %<delta>s %<when>s } %<again>s include site',
  }

  # The declaration of the site, and an exec that is there for that.
  switches = {
    'where reruns are wanted'    => [nil, 'Exec[common::again unpack]'],
    'where all is to be removed' => ["class { 'common::again': ensure => absent }", 'Exec[common::again remove]'],
    'where reruns are paused'    => ["class { 'common::again': enable => false }", 'Exec[common::again cancel]'],
  }

  nodes = {
    'a node for which no executable was built'                => { os: { 'architecture' => 'aarch64' } },
    'a CPU that is not supported, where a warning does'       => { hiera_data: 'warn', os: { 'architecture' => 'riscv64' } },
    'another system, where a warning does'                    => { hiera_data: 'warn', kernel: 'Darwin' },
    'an ordinary user without a folder, where a warning does' => { hiera_data: 'warn', identity: { 'uid' => 1000, 'privileged' => false } },
  }

  contexts = switches.to_h { |switch, declared| ["on a node with a helper, #{switch}", [{}, *declared]] }
  contexts.update(nodes.to_h { |node, overrides| ["on #{node}", [overrides, nil, 'Exec[again]']] })
  contexts.each do |context, (overrides, declared, exec)|
    context context do
      let(:facts) { one_node(**overrides) }

      before { build('again-linux-x64') }

      sites.each do |where, site|
        it "is the same with every resource default that a site can have, #{where}" do
          without = resources(manifest(site, '', declared))
          expect(ours(without).keys).to include('Exec[again]', 'Exec[again-delta-x]', 'Exec[again-when-y]', exec)
          expect(resources(manifest(site, "#{hostile(:exec)} #{hostile(:file)}", declared))).to eq without
        end
      end
    end
  end

  switches.each do |switch, (declared, exec)|
    context switch do
      # Where the defaults reach all that this module has.
      sites.reject { |where, _| where.match?(%r{after|vardir|not as the first|includes it first}) }.each do |where, site|
        it "obeys noop, schedule, tag and audit, #{where}" do
          words = "noop => true, schedule => 'never', tag => 'mine', audit => 'all'"
          changed = ours(resources(manifest(site, "schedule { 'never': } Exec { #{words} } File { #{words} }", declared)))

          expect(changed.keys).to include(exec)
          expect(changed.values.map(&:first)).to all(include(noop: true, schedule: 'never', audit: 'all'))
          expect(changed.values.map(&:last)).to all(include('mine'))
        end
      end

      it 'has no resources but those that the tests above are about' do
        pre_condition.replace(manifest('%<declared>s %<delta>s %<when>s', '', declared))
        expect(catalogue.resources.map(&:type).uniq).to contain_exactly('Stage', 'Class', 'Common::Again::Delta', 'Common::Again::When', 'Exec', 'File')
      end
    end
  end
end
