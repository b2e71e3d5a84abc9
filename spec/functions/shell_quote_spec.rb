# frozen_string_literal: true

require 'open3'
require 'spec_helper'

describe 'common::shell_quote' do
  let(:facts) { one_node }

  {
    'plain-1_2.3/@%+=:,' => 'plain-1_2.3/@%+=:,',
    ''                   => "''",
    'a b'                => "'a b'",
    "it's"               => "'it'\\''s'",
  }.each do |word, quoted|
    it { is_expected.to run.with_params(word).and_return(quoted) }
  end

  ['', ' ', "'", "''", '"', '$HOME', '`id`', '$(id)', '\\', "\\'", 'a;b', 'a&b|c', '*', '~', '#x', "it's!", "\u00fc\u{1f600}", "two\nlines", "tab\t"].each do |word|
    it "lets a real shell read #{word.inspect} as one word" do
      output, status = Open3.capture2('/bin/sh', '-c', "printf '[%s]' #{subject.execute(word)}")

      expect(status).to be_success
      expect(output.force_encoding('UTF-8')).to eq "[#{word}]"
    end
  end
end
