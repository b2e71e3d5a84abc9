# frozen_string_literal: true

# Loaded by RUBYOPT into each Puppet of a figure: notes in the file METER when it started, and at its end the CPU that it and its children have used.
starter = Process.pid
stamp = lambda do |event, more = nil|
  time = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  File.open(ENV.fetch('METER'), 'a') { |file| file.write("#{[event, starter, time, more].compact.join(' ')}\n") }
end
stamp.call('start')
at_exit { stamp.call('end', Process.times.to_a.sum) if Process.pid == starter }
