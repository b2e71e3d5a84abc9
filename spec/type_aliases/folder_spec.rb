# frozen_string_literal: true

require 'spec_helper'

describe 'Common::Folder' do
  let(:facts) { one_node }

  it { is_expected.to allow_values('/a', '/a/', '//a//b//', '/a b', '/.hidden', '/..a', '/a..', '/...') }
  it { is_expected.not_to allow_values('', '/', '///', 'a', './a', '/a/./b', '/a/..', '/../a', "/a\n", "/a\nb", "/a\u0000", 5, nil) }
end
