# frozen_string_literal: true

require 'spec_helper'

describe 'common' do
  it 'is tested with the facts of every release in metadata.json' do
    expect(on_supported_os.keys).to contain_exactly('debian-11-x86_64', 'debian-12-x86_64', 'debian-13-x86_64')
  end

  on_supported_os.each do |os, os_facts|
    context "on #{os}" do
      let(:facts) { os_facts }

      it { is_expected.to compile.with_all_deps }

      it 'manages nothing' do
        expect(catalogue.resources.map(&:type) - %w[Class Stage]).to be_empty
      end
    end
  end
end
