# frozen_string_literal: true

require 'spec_helper'

describe 'Common::Again::Endpoint' do
  let(:facts) { one_node }

  it { is_expected.to allow_values('db:1', 'db1.example.com:65535', '192.0.2.1:80', '[2001:db8::1]:443', '[fe80::1%eth0]:22') }
  it { is_expected.not_to allow_values('', 'db', 'db:0', 'db:022', 'db:65536', '::1:22', '[db]:22', 'http://db:80', "db:22\n", '-x:22', 5, nil) }
end
