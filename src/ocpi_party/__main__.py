"""python -m ocpi_party …, and the command ocpi-party."""

from ocpi_party.cli.main import main

if __name__ == "__main__":
    main()

__all__ = ["main"]
