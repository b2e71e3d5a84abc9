# frozen_string_literal: true

require 'spec_helper'

describe 'common::convergence' do
  let(:quiet) do
    {
      'running' => nil,
      'pending' => [],
      'history' => [{ 'link' => 3, 'result' => 'changed' }],
      'report'  => { 'status' => 'unchanged', 'time' => 1000 },
    }
  end

  def pending(kind)
    { 'pending' => [{ 'link' => 4, 'dueIn' => 25, 'waitsFor' => { 'kind' => kind, 'until' => '2026-11-22T16:00:00.000Z' } }] }
  end

  [
    ['a run that goes on', { 'running' => 4471 }, 'busy', 'Puppet runs'],
    ['a rerun that has no lock yet', { 'history' => [{ 'link' => 3, 'result' => 'running' }] }, 'busy', 'rerun 3 has begun'],
    ['a host that is done', {}, 'converged', 'the last run: unchanged'],
    ['a host that has never run again', { 'history' => [] }, 'converged', 'the last run: unchanged'],
    ['a last run that failed', { 'report' => { 'status' => 'failed', 'time' => 1000 } }, 'failed', 'the last run failed, and nothing is pending'],
    ['a report of an earlier run', { 'report' => { 'status' => 'changed', 'time' => 899 } }, 'failed', 'Puppet has written no report of its last run: see `again log` there'],
    ['no report at all', { 'report' => nil }, 'failed', 'Puppet has written no report of its last run: see `again log` there'],
    ['a host that cannot be asked', { '_error' => { 'msg' => 'there is no again' } }, 'failed', 'there is no again'],
  ].each do |what, change, state, text|
    it "takes #{what} for '#{state}'" do
      answer = quiet.merge(change)
      expected = { 'state' => state, 'text' => text, 'link' => answer.dig('history', 0, 'link') }
      is_expected.to run.with_params(answer, 900, nil).and_return(expected)
    end
  end

  {
    'timer'     => 'rerun 4 in 25 s',
    'lock'      => 'rerun 4 is about to begin',
    'enable'    => 'rerun 4 waits for `puppet agent --enable`',
    'hold'      => 'rerun 4 is held until 2026-11-22T16:00:00.000Z',
    'condition' => 'rerun 4 waits for its condition',
  }.each do |kind, text|
    it "says of a rerun that waits for '#{kind}': #{text}" do
      is_expected.to run.with_params(quiet.merge(pending(kind)), 0, nil).and_return('state' => 'busy', 'text' => text, 'link' => 3)
    end
  end

  it 'does not say when a rerun comes that waits for a condition after its time' do
    answer = quiet.merge('pending' => [{ 'link' => 4, 'dueIn' => nil, 'waitsFor' => { 'kind' => 'timer' } }])
    is_expected.to run.with_params(answer, 0, nil).and_return('state' => 'busy', 'text' => 'rerun 4 waits for its condition', 'link' => 3)
  end

  it 'takes a refusal to run for a failure, unless something goes on' do
    is_expected.to run.with_params(quiet, 0, 'disabled').and_return('state' => 'failed', 'text' => 'disabled', 'link' => 3)
    is_expected.to run.with_params(quiet.merge('running' => 7), 0, 'it runs').and_return('state' => 'busy', 'text' => 'Puppet runs', 'link' => 3)
  end
end
