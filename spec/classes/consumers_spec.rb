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
      end
    end
  end
end
