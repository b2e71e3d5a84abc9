# frozen_string_literal: true

# Loaded by RUBYOPT: writes down when this Ruby started and when it ended, by the clock that can't be set, and
# which descriptors it was given: later, Ruby and Puppet have some of their own, and when they close them is a matter of luck.
here = "#{File.dirname(__FILE__)}/../clock"
stamp = lambda do |event, more = nil|
  time = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  File.open(here, 'a') { |file| file.write("#{[event, Process.pid, time, more].compact.join(' ')}\n") }
end
given = Dir.children('/proc/self/fd').map(&:to_i).sort.filter_map do |number|
  target = File.readlink("/proc/self/fd/#{number}")
  "#{number}=#{target.gsub(%r{\[\d+\]}, '').gsub(' ', '_')}" unless target.end_with?('/fd')
rescue SystemCallError
  nil
end
stamp.call('start', given.join(','))
starter = Process.pid
at_exit { stamp.call('end') if Process.pid == starter }
