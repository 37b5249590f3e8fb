"""What columns say, by their names: ``sql/columns.yaml``.

Belongs here: reading it. Does not belong here: the words (``sql/columns.yaml``), what a table's rows are (the models'
headers).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import yaml

COLUMNS_FILE: Final = Path(__file__).parents[2] / "sql" / "columns.yaml"


@cache
def column_descriptions() -> Mapping[str, str]:
    """Return what a column of a name says, one sentence each; not every name is told."""
    found: dict[str, str] = yaml.safe_load(COLUMNS_FILE.read_text(encoding="utf-8"))
    return found
