# frozen_string_literal: true

require 'spec_helper'

describe 'common::convergence' do
  quiet = {
    'running' => nil,
    'pending' => [],
    'history' => [{ 'link' => 3, 'result' => 'changed' }],
    'report'  => { 'status' => 'unchanged', 'time' => 1000 },
  }
  waits = { 'link' => 4, 'dueIn' => 25, 'waitsFor' => { 'kind' => 'timer' } }
  error = { '_error' => { 'kind' => 'common/again', 'msg' => 'there is no again' } }

  {
    'a run that goes on' => [quiet.merge('running' => 4471), 'busy', 'Puppet runs'],
    'a rerun that has not taken its lock' => [quiet.merge('history' => [{ 'link' => 3, 'result' => 'running' }]), 'busy', 'rerun 3 has begun'],
    'a rerun that waits for its time' => [quiet.merge('pending' => [waits]), 'busy', 'rerun 4 in 25 s'],
    'a rerun that is due' => [quiet.merge('pending' => [waits.merge('waitsFor' => { 'kind' => 'lock' })]), 'busy', 'rerun 4 is about to begin'],
    'a rerun that may not run' => [quiet.merge('pending' => [waits.merge('waitsFor' => { 'kind' => 'enable' })]), 'busy', 'rerun 4 waits for `puppet agent --enable`'],
    'a host that is done' => [quiet, 'converged', 'the last run: unchanged'],
    'a host that has never run again' => [quiet.merge('history' => []), 'converged', 'the last run: unchanged'],
    'a last run that failed' => [quiet.merge('report' => { 'status' => 'failed', 'time' => 1000 }), 'failed', 'the last run failed, and nothing is pending'],
    'a report of an earlier run' => [quiet.merge('report' => { 'status' => 'changed', 'time' => 899 }), 'failed', 'Puppet has written no report of its last run: see `again log` there'],
    'no report at all' => [quiet.merge('report' => nil), 'failed', 'Puppet has written no report of its last run: see `again log` there'],
    'a host that cannot be asked' => [error, 'failed', 'there is no again'],
  }.each do |what, (answer, state, text)|
    it "takes #{what} for '#{state}'" do
      is_expected.to run.with_params(answer, 900, nil).and_return('state' => state, 'text' => text, 'link' => answer.dig('history', 0, 'link'))
    end
  end

  it 'takes a refusal to run for a failure, unless something goes on' do
    is_expected.to run.with_params(quiet, 0, 'disabled').and_return('state' => 'failed', 'text' => 'disabled', 'link' => 3)
    is_expected.to run.with_params(quiet.merge('running' => 7), 0, 'it runs').and_return('state' => 'busy', 'text' => 'Puppet runs', 'link' => 3)
  end
end
