"""Start one program, wait for its end, print ``[exit code, wall s, CPU s, peak MiB]``: ``launch.py LOG LIMIT COMMAND``.

On Linux the peak memory of a process counts from the memory of the one that started it. A benchmark with large arrays
would lend its size to every peer; this file imports next to nothing.
"""

import os
import signal
import sys
import time


def main() -> None:
    log, limit, *command = sys.argv[1:]
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.setsid()  # a group of its own, so that all of it can be ended
        for source, target in ((null, 0), (out, 1), (out, 2)):
            os.dup2(source, target)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"{command[0]}: {error}\n".encode())
            os._exit(127)

    def give_up(*_: object) -> None:
        os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, float(limit))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        _, status, usage = os.wait4(child, 0)
    except BaseException:
        give_up()  # Ctrl-C reaches this process, not the group of the program
        raise
    wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    # Linux counts in KiB, macOS in bytes.
    memory = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    print([code, wall, usage.ru_utime + usage.ru_stime, memory])


main()
