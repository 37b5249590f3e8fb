"""What the pipeline's tests are given."""

from tests.cli.network import lived

__all__ = ["lived"]
