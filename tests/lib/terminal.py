"""terminal.py ANSWER... -- COMMAND... - runs COMMAND on a terminal of its own.

Types the next ANSWER whenever the output ends as a question does (": " or "] "). Prints what the terminal
showed; ends with the command's status. Uses modules of python3-minimal only.
"""
import os
import sys

split = sys.argv.index("--")
answers = sys.argv[1:split]
process, terminal = os.forkpty()
if process == 0:
    os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
shown = b""
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:  # the other end is closed
        break
    if not more:
        break
    shown += more
    if shown.endswith((b": ", b"] ")) and answers:
        os.write(terminal, answers.pop(0).encode() + b"\n")
sys.stdout.write(shown.decode(errors="replace"))
status = os.waitpid(process, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
