# frozen_string_literal: true

require 'spec_helper'

# Modules that were written for the module of 2014, as their authors left them: spec/fixtures/consumers.
{
  'oldstore' => { cause: 'File[/tmp/oldstore]', delta: 120, others: %w[oldproxy oldqueue] },
  'oldproxy' => { cause: 'File[/tmp/oldproxy]', delta: 120, others: %w[oldqueue oldstore] },
  'oldqueue' => { cause: 'Exec[/usr/bin/touch /tmp/oldqueue]', delta: '120', others: %w[oldproxy oldstore] },
}.each do |consumer, expected|
  describe consumer, type: :class do
    let(:params) { { file: "/tmp/#{consumer}" } }

    on_supported_os.each do |os, os_facts|
      context "on #{os}" do
        let(:facts) { os_facts }

        it { is_expected.to compile.with_all_deps }
        it { is_expected.to contain_exec('again') }

        it 'notifies its delta' do
          is_expected.to contain_common__again__delta("#{consumer}-exec-again")
            .with_delta(expected[:delta]).that_subscribes_to(expected[:cause])
        end

        context 'with again => false' do
          let(:params) { super().merge(again: false) }

          it { is_expected.to compile.with_all_deps }
          it { expect(catalogue.resource(expected[:cause])[:notify]).to be_nil }
        end

        context 'beside the others' do
          let(:pre_condition) { expected[:others].map { |name| "class { '#{name}': file => '/tmp/#{name}' }" } }

          it { is_expected.to compile.with_all_deps }

          %w[oldproxy oldqueue oldstore].each do |name|
            it { is_expected.to contain_exec("again-delta-#{name}-exec-again") }
          end
        end

        # With a fact of its own: rspec-puppet keeps the catalogs of equal facts.
        context 'where this module was deployed without a build' do
          let(:facts) { override_facts(os_facts, built: 'nothing') }

          before { build }

          it { is_expected.to compile.with_all_deps }

          it 'notifies execs that say so' do
            %W[again again-delta-#{consumer}-exec-again].each do |title|
              is_expected.to contain_exec(title).with_refreshonly(true).with_command(%r{The module common was deployed without again-linux-x64})
            end
            is_expected.to contain_common__again__delta("#{consumer}-exec-again").that_subscribes_to(expected[:cause])
          end
        end
      end
    end
  end
end
