# frozen_string_literal: true

require 'spec_helper'

describe 'Common::Again::Check' do
  let(:facts) { one_node }

  it { is_expected.to allow_values('true', ['true'], ['/bin/test', '-e', '']) }
  it { is_expected.not_to allow_values('', [], [''], ['', 'x'], 5, [5], nil) }
end
