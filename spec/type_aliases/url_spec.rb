# frozen_string_literal: true

require 'spec_helper'

describe 'Common::Url' do
  let(:facts) { one_node }

  it { is_expected.to allow_values('puppet:///modules/common/again', 'puppet://other.example.com/files') }
  it { is_expected.to allow_values('https://files.example.com', 'https://files.example.com/again/', 'http://[2001:db8::1]:8080/a//b%20c//', 'file:///srv/again/') }
  it { is_expected.not_to allow_values('', '/srv/again', 'srv', 'files.example.com/again', 'ftp://files.example.com/again', 'file://srv/again', 5, nil) }
  it { is_expected.not_to allow_values('https://', 'https:///again', 'puppet:///', 'puppet://other.example.com', 'file:///') }
  it { is_expected.not_to allow_values('https://files.example.com/a gain', 'https://files.example.com/again?a=1', "https://files.example.com/again\n") }
end
