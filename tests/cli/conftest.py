"""What the terminal's tests are given."""

from tests.cli.network import lived

__all__ = ["lived"]
