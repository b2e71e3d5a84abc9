"""Runs a command on a terminal of its own, shows what it writes, and types for it.

terminal.py KEYS COMMAND...: what is appended to the file KEYS is typed. Its exit code is that of the command, or 128 + N where a signal ended it.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios

keys, command = sys.argv[1], sys.argv[2:]
open(keys, "ab").close()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
typed = open(keys, "rb", buffering=0)
code = None
while True:
    if select.select([terminal], [], [], 0.05)[0]:
        try:
            shown = os.read(terminal, 65536)
        except OSError:  # EIO: no process has it open any more
            shown = b""
        if not shown:
            break
        os.write(1, shown)
    key = typed.read()
    if key == b"close\n":
        os.close(terminal)
        break
    if key == b"resize\n":
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 150, 0, 0))
    elif key:
        os.write(terminal, key)
_, status = os.waitpid(pid, 0)
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
