# frozen_string_literal: true

require 'spec_helper'

describe 'Common::Again::Path' do
  let(:facts) { one_node }

  it { is_expected.to allow_values('/', '/dev/mapper/brick1', '/a b/../c//') }
  it { is_expected.not_to allow_values('', 'a', './a', "/a\nb", 5, nil) }
end
