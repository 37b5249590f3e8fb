"""Events of the trail in words: one sentence for each kind, and for each verdict.

Belongs here: wording of single events. Does not belong here: their order and grouping
(``pipeline.explaining.timeline``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipeline.explaining.wording import listed

KINDS: Final = {
    "publish": "publication",
    "version_change": "version change",
    "withdrawal": "withdrawal",
    "expiry": "expiry",
    "access_rules": "access rules",
    "request_update": "request",
    "issue_update": "issue",
    "launch_package": "launch package",
    "reminder": "reminder",
    "escalation": "escalation",
}
_ACCESSES: Final = {
    "downloaded": "it downloaded {version}",
    "opened": "it opened {version}",
    "previewed": "it previewed {version}",
    "denied": "it tried to get {version}, and was refused",
}
_DELIVERIES: Final = {
    "delivery_queued": "a delivery of {version} was queued",
    "delivery_in_progress": "a delivery of {version} was under way",
    "delivery_delivered": "{version} was delivered, to where it can be fetched",
    "delivery_picked_up": "it picked up the delivered {version}",
    "delivery_failed": "a delivery of {version} failed",
    "delivery_cancelled": "a delivery of {version} was cancelled",
    "delivery_expired": "a delivery of {version} expired before it was fetched",
}
_ANSWERS: Final = {
    "received": "confirmed that {version} was received",
    "read": "confirmed that {version} was read",
    "accepted": "accepted {version}",
    "declined": "declined {version}",
    "exception": "asked for an exception from {version}",
    "completed": "attested that old copies are removed, {naming}",
    "auto": "answered automatically about {version}",
    "proxy": "had somebody answer for it about {version}",
}
_NOTICES: Final = {
    "publish": "it was told that {version} is published",
    "version_change": "it was told to change to {version}",
    "withdrawal": "it was told that {version} is withdrawn",
    "expiry": "it was told that {version} expires",
    "reminder": "it was reminded of {version}",
    "escalation": "the matter of {version} was escalated",
}
_REQUESTS: Final = {
    "new": "it requested the asset",
    "accepted": "its request was accepted",
    "in_progress": "its request was taken up",
    "waiting_partner": "its request waits for an answer of its own",
    "delivered": "its request was marked as delivered",
    "confirmed": "it confirmed that its request is fulfilled",
    "closed": "its request was closed",
    "denied": "its request was denied",
    "cancelled": "its request was cancelled",
    "reopened": "its request was reopened",
}
_ISSUES: Final = {
    "reported": "it reported an issue{version}",
    "triaged": "its issue{version} was triaged",
    "in_review": "its issue{version} went into review",
    "rejected": "its issue{version} was rejected",
    "duplicate": "its issue{version} was found to be a duplicate",
    "replacement_approved": "a replacement was approved for its issue{version}",
    "replacement_published": "a replacement was published for its issue{version}",
    "partner_notified": "it was told of what came of its issue{version}",
    "confirmed": "it confirmed that its issue{version} is settled",
    "reopened": "its issue{version} was reopened",
}
_REVIEWS: Final = {
    "open": "a review of its issue{version} was opened",
    "in_progress": "the review of its issue{version} was begun",
    "replacement_approved": "the review of its issue{version} approved a replacement",
    "rejected": "the review rejected its issue{version}",
    "closed": "the review of its issue{version} was closed",
}
_ENTITLEMENTS: Final = {
    "unknown_identity": "by somebody unknown",
    "barred": "although it is barred in its region",
    "explicit_deny": "against a grant that forbids it",
    "no_grant": "without a grant",
}
_TIMINGS: Final = {
    "version_unknown": "in a version that nobody knows",
    "obsolete_withdrawn": "after it was withdrawn",
    "obsolete_expired": "after it had expired",
    "never_effective": "although it never took effect",
    "embargo": "before it took effect",
    "obsolete_superseded": "after a newer one had taken its place",
}
_CLASSES: Final = {
    "revoked": "was revoked",
    "response_only": "is a response, but no answer",
    "unresolved_version": "names no version",
    "wrong_version_older": "names an older version",
    "later_version": "names a later version",
    "receipt_only": "is an automatic receipt only",
    "proxy": "was given by somebody else for it",
    "too_early": "came before there was anything to remove",
    "early_valid": "came before it was asked for, and is valid",
    "on_time": "came in time",
    "late": "came late",
    "repeated": "repeats a valid answer",
    "unsolicited": "answers nothing that was asked",
}


def told(row: Mapping[str, Any], partner_id: str) -> str:
    """Say in words what an event of the trail was, without when."""
    kind = str(row["event_kind"])
    version = "a copy of unknown version" if row["version_no"] is None else f"version {row['version_no']}"
    subject = row["subject_type"]
    if subject == "access_event":
        return _ACCESSES.get(kind, f"{_spoken(kind)} {{version}}").format(version=version) + _verdict(row)
    if subject == "delivery":
        if kind == "delivery_delivered" and row["evidence_rung"] == 4:  # noqa: PLR2004 - obtained
            return f"{version} was delivered into its own system" + _verdict(row)
        return _DELIVERIES.get(kind, f"{_spoken(kind)}: {{version}}").format(version=version) + (
            _verdict(row) if kind in {"delivery_delivered", "delivery_picked_up"} else ""
        )
    if subject == "acknowledgment":
        return _answer(row, partner_id)
    if subject == "notice":
        return _notice(kind, "it" if row["version_no"] is None else version)
    return _said(kind, row)


def class_words(name: str) -> str:
    """Say what an acknowledgment's class means, about ``it``."""
    return _CLASSES.get(name, _spoken(name))


def is_beside_the_point(row: Mapping[str, Any]) -> bool:
    """Say whether an acknowledgment was about something else than what it is classed towards."""
    if row["class"] in {"wrong_version_older", "later_version"}:
        return True
    return bool(row["class"] == "response_only" and row["ack_kind"] not in {"declined", "exception"})


def _answer(row: Mapping[str, Any], partner_id: str) -> str:
    kind = str(row["event_kind"])
    who = "it" if row["partner_id"] in {None, partner_id} else f"its parent {row['partner_id']}, for its children too,"
    named = None if row["version_no"] is None else f"version {row['version_no']}"
    if kind == "acknowledgment_revoked":
        return f"{who} revoked an answer about {named or 'the asset'}"
    text = _ANSWERS.get(kind.removeprefix("acknowledged_"), f"answered ({_spoken(kind)}) about {{version}}")
    said = text.format(version=named or "the asset", naming=f"naming {named}" if named else "naming no version")
    return f"{who} {said}"


def _notice(kind: str, what: str) -> str:
    if kind == "notice_retracted":
        return f"a notice about {what} was taken back"
    name = kind.removeprefix("notice_")
    return _NOTICES.get(name, f"it was sent a notice ({KINDS.get(name, _spoken(name))})").format(version=what)


def _said(kind: str, row: Mapping[str, Any]) -> str:
    topic, _, state = kind.partition("_")
    version = "" if row["version_no"] is None else f" with version {row['version_no']}"
    if topic == "commented":
        about = "" if row["version_no"] is None else f" on version {row['version_no']}"
        return f"somebody commented{about}, for internal eyes" if state == "internal" else f"it commented{about}"
    steps = {"request": _REQUESTS, "issue": _ISSUES, "review": _REVIEWS}.get(topic, {})
    return steps.get(state, f"its {topic}: {_spoken(state)}").format(version=version)


def _verdict(row: Mapping[str, Any]) -> str:
    """Say what is wrong with an access, as it is judged now; and that it was judged otherwise, if it was."""
    if row.get("superseded_by") is not None:
        return f" (corrected by {row['superseded_by']}: this counts in nothing)"
    now = _faults(
        row.get("entitlement_now") or row.get("entitlement_then"), row.get("timing_now") or row.get("timing_then")
    )
    then = _faults(row.get("entitlement_then"), row.get("timing_then"))
    text = f", {now}" if now else ""
    if row.get("entitlement_now") is not None and row.get("entitlement_then") is not None and now != then:
        text += f" (when it became known it was judged: {then or 'nothing wrong'})"
    return text


def _faults(entitlement: object, timing: object) -> str:
    faults = (_ENTITLEMENTS.get(str(entitlement)), _TIMINGS.get(str(timing)))
    return listed(fault for fault in faults if fault)


def _spoken(name: str) -> str:
    return name.replace("_", " ")
