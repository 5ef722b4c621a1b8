"""Calls a worker of the nursery and lives as long as it does: run by its path, imports nothing."""

import json
import os
import signal
import socket
import sys


def main() -> int:
    """The worker's exit status, 1 where it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback
    with socket.socket(socket.AF_UNIX) as nursery:
        nursery.connect(sys.argv[1])
        message = json.dumps(dict(os.environ)).encode() + b"\n"
        sent = socket.send_fds(nursery, [message], [1, 2])
        nursery.sendall(message[sent:])
        try:
            return (nursery.recv(1) or b"\x01")[0]
        except ConnectionResetError:
            return 1


if __name__ == "__main__":
    sys.exit(main())
