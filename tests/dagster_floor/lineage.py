"""The lineage as text, one line per asset: what is compared with ``lineage.txt``.

After a change that is meant: ``python -m tests.dagster_floor.lineage`` writes the file anew.
"""

from pathlib import Path
from typing import Final

from dagster import Definitions

from assets_defs.definitions import build_defs

FILE: Final = Path(__file__).parent / "lineage.txt"


def lineage(definitions: Definitions) -> str:
    """Return every asset with what it reads."""
    graph = definitions.resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys()):
        parents = ", ".join(sorted("/".join(parent.path) for parent in graph.get(key).parent_keys))
        lines.append(f"{'/'.join(key.path)} <- {parents}".rstrip(" <-"))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(lineage(build_defs()), encoding="utf-8")
