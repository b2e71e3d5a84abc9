import { type Bytes, toBuffer } from '../os/bytes.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Puppet's own Ruby does what Node can't: it passes bytes that are not UTF-8 and repeated names, ignores and blocks signals, sets limits,
 * and then becomes Puppet, still under the same pid. It makes the system calls itself, since Ruby's `exec` would take the environment apart and
 * offers no signal mask. `Kernel#syscall` has been deprecated since Ruby 2.1 and may go: then libc's own is called, by Fiddle, which is a gem since
 * Ruby 3.5 and therefore may need RubyGems. Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
 */
const SCRIPT = `
if Kernel.respond_to?(:syscall, true)
  call = ->(*numbers) { syscall(*numbers) }
else
  begin
    begin
      require 'fiddle'
    rescue LoadError
      require 'rubygems'
      require 'fiddle'
    end
  rescue LoadError
    $stderr.puts 'again: the command cannot be repeated as it was: this Ruby has neither Kernel#syscall nor the library fiddle'
    exit! 1
  end
  libc = Fiddle::Function.new(Fiddle::Handle::DEFAULT['syscall'], [Fiddle::TYPE_LONG] * 6, Fiddle::TYPE_LONG)
  call = lambda do |*numbers|
    raise SystemCallError.new(nil, Fiddle.last_error) if libc.call(*numbers, *([0] * (6 - numbers.size))) == -1
  end
end
execve, sigaction, sigprocmask = RUBY_PLATFORM.start_with?('x86_64') ? [59, 13, 14] : [221, 134, 135]
taken = lambda do |name|
  chunks = []
  while (chunk = ENV["AGAIN_#{name}_#{chunks.size}"])
    chunks << chunk
  end
  chunks.join.unpack1('m0').split("\\0", -1)[0...-1]
end
argv, environment = taken['ARGV'], taken['ENVIRON']
ignored, blocked = ENV['AGAIN_IGNORED'].hex, ENV['AGAIN_BLOCKED'].hex
limits = ENV['AGAIN_NOFILE'].split(':', -1).map { |l| l.empty? ? Process::RLIM_INFINITY : l.to_i }
address = ->(string) { [string].pack('p').unpack1('J') }
Process.setrlimit(:NOFILE, *limits) unless limits.empty?
(1..64).each do |signal|
  action = [ignored[signal - 1], 0, 0, 0].pack('Q4')
  begin
    call[sigaction, signal, address[action], 0, 8]
  rescue SystemCallError
    next
  end
end
mask = [blocked].pack('Q')
call[sigprocmask, 2, address[mask], 0, 8]
file, arguments, variables = ENV['AGAIN_FILE'].unpack1('m0'), argv.pack('p*') + [0].pack('J'), environment.pack('p*') + [0].pack('J')
begin
  call[execve, address[file], address[arguments], address[variables]]
rescue SystemCallError => e
  $stderr.puts "again: #{file} cannot be run: #{e.message}"
  exit! 1
end
`;

/** Linux takes no single argument or variable of 128 KiB or more (MAX_ARG_STRLEN, execve(2)). */
const CHUNK = 96 * 1024;

/** The arguments and the environment with which Ruby is to be started so that it becomes the rerun. */
export function throughRuby(
  executable: Bytes,
  argv: readonly Bytes[],
  environment: readonly Bytes[],
  surroundings: Surroundings,
): { argv: string[]; environment: Record<string, string> } {
  const { openFiles, ignoredSignals, blockedSignals } = surroundings;
  return {
    argv: ['ruby', '--disable=gems', '-W0', '-e', SCRIPT],
    environment: {
      AGAIN_FILE: toBuffer(executable).toString('base64'),
      AGAIN_IGNORED: ignoredSignals,
      AGAIN_BLOCKED: blockedSignals,
      AGAIN_NOFILE: openFiles ? `${openFiles.soft ?? ''}:${openFiles.hard ?? ''}` : '',
      ...chunks('ARGV', argv),
      ...chunks('ENVIRON', environment),
    },
  };
}

function chunks(name: string, list: readonly Bytes[]): Record<string, string> {
  const encoded = toBuffer(list.map((item) => `${item}\0`).join('') as Bytes).toString('base64');
  const parts: Record<string, string> = {};
  for (let i = 0; i * CHUNK < encoded.length; i += 1)
    parts[`AGAIN_${name}_${i}`] = encoded.slice(i * CHUNK, (i + 1) * CHUNK);
  return parts;
}
