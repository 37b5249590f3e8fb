"""Reasons and rules in words: why a notice was due, and why it was not sent.

Belongs here: one sentence for each code of ``sync.notice_decisions``. Does not belong here: wording for partners
(``templates/``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RULES: Final[Mapping[str, str]] = {
    "entitled_when_it_was_due": "it was entitled when the notice fell due",
    "became_entitled_while_it_is_live": "it became entitled while the version was live",
    "holds_an_older_version": "it held an older version when the notice fell due",
    "holds_something_else_than_the_target": "it holds something else than the version that it should have",
    "obtained_this_safety_asset_before": "it obtained this safety asset within the configured time before",
    "holds_a_withdrawn_version": "it holds the version that was withdrawn",
    "holds_an_expired_version": "it holds the version that expired",
    "half_of_the_time_is_over": "half of the time to answer is over",
    "is_due": "the answer is due",
    "is_overdue": "the answer is overdue",
    "several_at_once": "several notices of one turn were collected",
}
REASONS: Final[Mapping[str, str]] = {
    "duplicate": "it had been told already",
    "snoozed": "a person snoozed it",
    "superseded_by_newer": "a newer version is the one to hold",
    "data_late": "the feeds are late, so nothing is known for certain",
    "no_contact": "none of its users is active",
    "cap": "it had been sent as many notices as the caps allow",
    "not_entitled": "it is not entitled any more, and holds nothing",
    "barred": "the version is barred for it",
    "partner_left": "the partner has left",
    "not_in_audience": "the configured audience leaves it out",
    "no_longer_due": "it was no longer due",
    "unmatched_identity": "nobody can say what the asset is called in Trading Grid",
    "ids_too_long": "its ids are longer than a journal entry can hold",
    "quiet_hours": "its send window was closed",
    "next_digest": "its digest of this period had gone, or it goes with the next one",
    "listed_by_trading_grid": "Trading Grid had it already, under our key",
    "made_anew_without_what_is_no_longer_due": "something in it was no longer due, so it is made anew of the rest",
}


def spoken(code: str | None, sentences: Mapping[str, str] = REASONS) -> str:
    """Return the sentence of a code; a code without one speaks for itself."""
    return sentences.get(code or "", (code or "").replace("_", " "))
