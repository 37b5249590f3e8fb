"""The values that enumerated fields may have: what the rules know.

Belongs here: the closed lists of docs/domain.md, by stream and field. Does not belong here: what a tenant calls them
(a profile's ``map``), what is done about another value (``sql/ops/strange_values.sql``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_REQUEST_STATES: Final = "new accepted in_progress waiting_partner delivered confirmed closed denied cancelled reopened"
_ISSUE_STATES: Final = (
    "reported triaged rejected duplicate in_review replacement_approved replacement_published partner_notified"
    " confirmed reopened"
)
_WORDS: Final = {
    ("assets", "classification"): "standard regulated safety",
    ("assets", "status"): "draft in_review approved published withdrawn archived",
    ("assets", "on_withdraw"): "no_target reinstate_previous",
    ("asset_versions", "change_class"): "content metadata",
    ("asset_versions", "approval_status"): "pending approved rejected revoked",
    ("asset_versions", "effective_policy"): "instant publisher_local partner_local",
    ("segments", "dimension"): "region brand partner_program channel",
    ("grants", "grantee_type"): "partner partner_group",
    ("grants", "object_type"): "segment asset package",
    ("grants", "effect"): "allow deny",
    ("deliveries", "channel"): "portal email_link sftp as2 api",
    ("deliveries", "status"): "queued in_progress delivered picked_up failed cancelled expired",
    ("access_events", "event_type"): "previewed opened downloaded denied",
    ("access_events", "vector"): "direct bulk share_link embed",
    ("reviews", "status"): "open in_progress replacement_approved rejected closed",
    ("partners", "status"): "active suspended left",
    ("requests", "status"): _REQUEST_STATES,
    ("request_events", "to_status"): _REQUEST_STATES,
    ("issues", "category"): "missing outdated wrong_format wrong_territory corrupt other",
    ("issues", "status"): _ISSUE_STATES,
    ("issue_events", "to_status"): _ISSUE_STATES,
    ("acknowledgments", "kind"): "received read accepted declined exception completed auto proxy",
    ("comments", "thread_type"): "notice request issue campaign asset",
    ("comments", "visibility"): "public internal",
    ("campaigns", "launch_policy"): "instant publisher_local partner_local",
    ("campaigns", "status"): "planning ready launched closed cancelled",
    ("campaign_tasks", "kind"): "approval readiness confirmation",
    ("campaign_tasks", "status"): "open done blocked waived",
    ("notices", "kind"): (
        "publish version_change withdrawal expiry access_rules request_update"
        " issue_update launch_package reminder escalation digest"
    ),
    ("xref", "entity"): "partner asset user",
}

ENUMERATIONS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    field: tuple(words.split()) for field, words in _WORDS.items()
}
