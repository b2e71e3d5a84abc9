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

  def rerun(result)
    { 'history' => [{ 'link' => 3, 'result' => result, 'start' => '1970-01-01T00:15:50.500Z' }] }
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

  # Started half a second after the end of the run before it, whose report is of that second.
  {
    ['not run', 950] => ['failed', 'rerun 3 was not run: see `again history` there'],
    ['not run', 951] => ['converged', 'the last run: unchanged'],
    ['unknown', 950] => ['failed', 'it is not known how rerun 3 ended: see `again log` there'],
    ['unknown', 951] => ['converged', 'the last run: unchanged'],
    ['failed', 950]  => ['failed', 'rerun 3 has failed: see `again log` there'],
    ['failed', 951]  => ['converged', 'the last run: unchanged'],
    ['changed', 950] => ['converged', 'the last run: unchanged'],
  }.each do |(result, time), (state, text)|
    it "takes a rerun whose result is '#{result}', with a report that is #{(time == 950) ? 'older' : 'newer'}, for '#{state}'" do
      answer = quiet.merge(rerun(result), 'report' => { 'status' => 'unchanged', 'time' => time })
      is_expected.to run.with_params(answer, 900, nil).and_return('state' => state, 'text' => text, 'link' => 3)
    end
  end

  it 'takes a rerun that was not run for a failure without any report, too, but not one from before this order' do
    expected = { 'state' => 'failed', 'text' => 'rerun 3 was not run: see `again history` there', 'link' => 3 }
    is_expected.to run.with_params(quiet.merge(rerun('not run'), 'report' => nil), 900, nil).and_return(expected)
    is_expected.to run.with_params(quiet.merge(rerun('not run')), 951, nil).and_return('state' => 'converged', 'text' => 'the last run: unchanged', 'link' => 3)
  end

  it 'takes a rerun that was not run for a failure also without any report, and one from before the order for none' do
    answer = quiet.merge('history' => [{ 'link' => 3, 'result' => 'not run', 'start' => '1970-01-01T00:15:50.500Z' }])
    is_expected.to run.with_params(answer.merge('report' => nil), 900, nil).and_return('state' => 'failed', 'text' => 'rerun 3 was not run: see `again history` there', 'link' => 3)
    is_expected.to run.with_params(answer, 951, nil).and_return('state' => 'converged', 'text' => 'the last run: unchanged', 'link' => 3)
  end

  it 'names the output of the run that the task has started, where that has left no report' do
    expected = { 'state' => 'failed', 'text' => 'Puppet has written no report of its last run: see /again/state/logs/x-now-1.log there', 'link' => 3 }
    is_expected.to run.with_params(quiet, 1001, nil, '/again/state/logs/x-now-1.log').and_return(expected)
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
