# frozen_string_literal: true

require 'spec_helper'
require 'tmpdir'

describe 'common::cached' do
  let(:facts) { one_node }

  let(:folder) { Dir.mktmpdir }

  after { FileUtils.rm_r(folder) }

  # A file of some module: found at its full path, as `file` and `epp` find all such.
  def write(name, text)
    File.join(folder, name).tap { |path| File.write(path, text) }
  end

  def call(*arguments)
    subject.execute(*arguments)
  end

  describe 'a file' do
    let(:path) { write('some-file', "one\n") }

    it 'is read once' do
      allow(Puppet::FileSystem).to receive(:read_preserve_line_endings).and_call_original

      expect([call(path), call(path)]).to eq(["one\n"] * 2)
      expect(Puppet::FileSystem).to have_received(:read_preserve_line_endings).with(path).once
    end

    it 'is read anew when it has changed' do
      expect(call(path)).to eq "one\n"

      write('some-file', "two\n")
      File.utime(0, 0, path)

      expect(call(path)).to eq "two\n"
    end

    it 'gives way to the next one where it is missing, until it is there' do
      missing = File.join(folder, 'later')
      expect(call(missing, path)).to eq "one\n"

      write('later', 'here')

      expect(call(missing, path)).to eq 'here'
    end

    it 'that is nowhere fails as `file` fails' do
      expect { call('/no/such/file') }.to raise_error(%r{Could not find any files from /no/such/file})
    end
  end

  describe 'a template' do
    let(:path) { write('some.epp', '<%= $x %>!') }

    it 'is parsed once for the same parameters' do
      parser = Puppet::Pops::Parser::EvaluatingParser::EvaluatingEppParser
      allow(parser).to receive(:new).and_call_original

      expect([1, 2, 1, 2].map { |x| call(path, { 'x' => x }) }).to eq ['1!', '2!', '1!', '2!']
      expect(parser).to have_received(:new).twice
    end

    it 'is rendered anew when it has changed' do
      expect(call(path, { 'x' => 1 })).to eq '1!'

      write('some.epp', '<%= $x %>?!')

      expect(call(path, { 'x' => 1 })).to eq '1?!'
    end

    it 'that is nowhere fails as `epp` fails' do
      expect { call('/no/such.epp', {}) }.to raise_error(%r{Could not find template '/no/such.epp'})
    end

    it 'is forgotten with all others, rather than that they become too many' do
      expect((1..450).map { |x| call(path, { 'x' => x }) }).to eq((1..450).map { |x| "#{x}!" })
      expect(call(path, { 'x' => 1 })).to eq '1!'
    end
  end
end
