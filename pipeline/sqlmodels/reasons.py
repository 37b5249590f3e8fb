"""Why a model has to be computed at all, and why whole.

Belongs here: judging that from what changed and from the clock. Does not belong here: what is then computed
(``pipeline.sqlmodels.increments``), which keys (``touching``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pipeline.sqlmodels.emptiness import has_no_rows
from pipeline.sqlmodels.model import Model
from pipeline.sqlmodels.sources import Sources
from pipeline.sqlmodels.versions import Record

FEW_ROWS: Final = 10_000
HAS_FEW_ROWS: Final = "full: few rows"
# What no model makes and may have any number of rows.
_UNCOUNTED: Final = ("landing.", "ledger.")


def stays_empty(model: Model, record: Record, records: Mapping[str, Record]) -> bool:
    """Say whether a table without rows has none now, whatever changed: what its rows would come from has none."""
    if record.rows:
        return False
    return has_no_rows(model.emptiness, [name for name in model.inputs if name in records and not records[name].rows])


def asks_when(model: Model) -> bool:
    """Say whether a model's rows hang on the clock."""
    return "as_of" in model.parameters or bool(model.refresh.changes_at)


def why_whole(
    model: Model, changed: Sequence[str], sources: Sources, clock: tuple[datetime, datetime] | None
) -> str | None:
    """Return why everything has to be computed, or None; ``clock`` is from when to when it moved, if that counts."""
    if model.refresh.is_full:
        return "full"
    if model.refresh.only_adds and not model.refresh.keys:
        return None
    if clock is not None:
        before, now = clock
        if now < before:
            return "full: the clock went back"
        if not model.refresh.changes_at and "next_change_at" not in sources.columns_of(model.name):
            return "full: the clock moved"
    return _why_by_inputs(model, changed, sources)


def _why_by_inputs(model: Model, changed: Sequence[str], sources: Sources) -> str | None:
    counted = (*model.refresh.sums_of, *model.refresh.unmoved_by)
    if other := [name for name in changed if model.refresh.sums_of and name not in counted]:
        return f"full: {other[0]} changed"
    unknown = [
        name for name in changed if name not in model.refresh.unmoved_by and sources.changes(model, name) is None
    ]
    return f"full: what changed in {unknown[0]} is not known" if unknown else None


def has_few_rows(model: Model, records: Mapping[str, Record], few_rows: int) -> bool:
    """Say whether a model and what it reads have so few rows that finding touched keys costs more than computing all.

    Where rows stay as they were first made, or bear running numbers, their SELECT does not give all that is there.
    """
    refresh = model.refresh
    stays = refresh.only_adds or refresh.number or refresh.unmoved_by or refresh.is_replayed
    if stays or not (refresh.keys or refresh.sums_of) or any(name.startswith(_UNCOUNTED) for name in model.inputs):
        return False
    return sum(records[name].rows for name in (model.name, *model.inputs) if name in records) < few_rows
