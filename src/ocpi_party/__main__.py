"""python -m ocpi_party …, and the command ocpi-party."""

import signal

# While the commands are read, which takes a second, nothing is begun that had to be undone: Ctrl-C ends us at once, without a
# traceback. Where it is ignored it stays so.
if (_before := signal.getsignal(signal.SIGINT)) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from ocpi_party.cli.main import main

signal.signal(signal.SIGINT, _before)

if __name__ == "__main__":
    main()

__all__ = ["main"]
