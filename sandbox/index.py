"""Who belongs to what, kept at hand: a fold over the current records, made anew from the store at any time."""

from collections import defaultdict
from collections.abc import Callable

from sandbox.store import Store
from sandbox.streams import Record

_STREAMS = (
    "partners", "partner_users", "group_members", "segments", "segment_assets", "grants", "xref", "assets",
    "asset_versions", "packages", "package_items",
)  # fmt: skip


class Index:
    """Partners, groups, segments, grants and ids, by each other."""

    def __init__(self, store: Store) -> None:
        """Read the current records."""
        self.partners: dict[str, Record] = {}
        self.assets: dict[str, Record] = {}
        self.last_version: dict[str, int] = {}
        self.versions: dict[str, dict[int, Record]] = defaultdict(dict)
        self.users: dict[str, list[str]] = defaultdict(list)
        self.children: dict[str, set[str]] = defaultdict(set)
        self.groups: dict[str, set[str]] = defaultdict(set)
        self.members: dict[str, set[str]] = defaultdict(set)
        self.vip_of: dict[tuple[str, str], str] = {}
        self.grid_of: dict[tuple[str, str], str] = {}
        self.shelved_in: dict[str, set[str]] = defaultdict(set)
        self.packages: dict[str, list[str]] = defaultdict(list)
        self._package_ids: set[str] = set()
        self._parents: dict[str, str | None] = {}
        self._grants: dict[str, dict[str, Record]] = defaultdict(dict)
        self._audiences: dict[str, set[str]] = {}
        self._folds: dict[str, Callable[[Record], None]] = {name: getattr(self, f"_fold_{name}") for name in _STREAMS}
        for name in _STREAMS:
            for _, record in store.scan(name):
                self._folds[name](record)

    def apply(self, stream: str, record: Record) -> None:
        """Take a record in."""
        fold = self._folds.get(stream)
        if fold is not None:
            fold(record)

    def vip_id(self, entity: str, grid_id: str) -> str:
        """Translate into VIP's id."""
        return self.vip_of.get((entity, grid_id), grid_id)

    def grid_id(self, entity: str, vip_id: str) -> str:
        """Translate into Trading Grid's id."""
        return self.grid_of.get((entity, vip_id), vip_id)

    def is_known_to_vip(self, partner: str) -> bool:
        """Whether VIP knows a partner by this id."""
        grid_id = self.grid_of.get(("partner", partner))
        return grid_id is not None or (partner in self.partners and ("partner", partner) not in self.vip_of)

    def is_known_to_grid(self, asset: str) -> bool:
        """Whether Trading Grid knows an asset by this id."""
        vip_id = self.vip_of.get(("asset", asset))
        return vip_id is not None or (asset in self.assets and ("asset", asset) not in self.grid_of)

    def has_package(self, package: str) -> bool:
        """Whether there is such a package."""
        return package in self._package_ids

    def is_active(self, partner: str) -> bool:
        """Whether a partner takes part in the network now."""
        record = self.partners[partner]
        return record["status"] == "active" and record["deleted_at"] is None

    def audience(self, asset: str) -> list[str]:
        """List the partners that may download an asset, roughly as of now, in the order of their ids."""
        return sorted(self._listeners(asset))

    def may_download(self, partner: str, asset: str) -> bool:
        """Whether a partner may download an asset, roughly as of now."""
        return partner in self._listeners(asset)

    def _listeners(self, asset: str) -> set[str]:
        found = self._audiences.get(asset)
        if found is None:
            places = self._places(asset)
            grants = [grant for place in places for grant in self._grants[place].values() if _is_in_force(grant)]
            allowed = self._grantees(grants, "allow") - self._grantees(grants, "deny")
            found = self._audiences[asset] = {one for one in allowed if self.is_active(one)}
        return found

    def shelf(self, partner: str) -> list[str]:
        """List the assets that a partner may download."""
        return [asset for asset in sorted(self.assets) if partner in self._listeners(asset)]

    def _places(self, asset: str) -> list[str]:
        places = [asset]
        for segment in sorted(self.shelved_in[asset]):
            current: str | None = segment
            while current is not None:
                places.append(current)
                current = self._parents.get(current)
        return places

    def _grantees(self, grants: list[Record], effect: str) -> set[str]:
        found: set[str] = set()
        for grant in grants:
            if grant["effect"] == effect and "download" in grant["rights"]:
                if grant["grantee_type"] == "partner":
                    found.add(self.grid_id("partner", grant["grantee_id"]))
                else:
                    found |= self.members[grant["grantee_id"]]
        return found

    def grants_in_force(self) -> list[Record]:
        """List the grants on segments and assets that are in force, roughly as of now, in the order of their ids."""
        found = [grant for grants in self._grants.values() for grant in grants.values()]
        usual = [grant for grant in found if grant["object_type"] != "package" and _is_in_force(grant)]
        return sorted(usual, key=lambda grant: str(grant["grant_id"]))

    def _forget(self) -> None:
        self._audiences.clear()

    def _fold_partners(self, record: Record) -> None:
        before = self.partners.get(record["partner_id"])
        self.partners[record["partner_id"]] = record
        if record["parent_partner_id"] is not None:
            self.children[record["parent_partner_id"]].add(record["partner_id"])
        if before is not None:
            self._forget()

    def _fold_partner_users(self, record: Record) -> None:
        if record["user_id"] not in self.users[record["partner_id"]]:
            self.users[record["partner_id"]].append(record["user_id"])

    def _fold_group_members(self, record: Record) -> None:
        group, partner = record["group_id"], record["partner_id"]
        change = set.add if record["left_at"] is None else set.discard
        change(self.members[group], partner)
        change(self.groups[partner], group)
        self._forget()

    def _fold_segments(self, record: Record) -> None:
        self._parents[record["segment_id"]] = record["parent_segment_id"]

    def _fold_segment_assets(self, record: Record) -> None:
        change = set.add if record["removed_at"] is None else set.discard
        change(self.shelved_in[record["asset_id"]], record["segment_id"])
        self._audiences.pop(record["asset_id"], None)

    def _fold_grants(self, record: Record) -> None:
        self._grants[record["object_id"]][record["grant_id"]] = record
        if record["object_type"] != "package":
            self._forget()

    def _fold_xref(self, record: Record) -> None:
        entity = record["entity"]
        self.grid_of[entity, record["vip_id"]] = record["trading_grid_id"]
        if record["valid_to"] is None and record["match_rule"] != "merged":
            self.vip_of[entity, record["trading_grid_id"]] = record["vip_id"]

    def _fold_assets(self, record: Record) -> None:
        self.assets[record["asset_id"]] = record

    def _fold_asset_versions(self, record: Record) -> None:
        asset = record["asset_id"]
        self.last_version[asset] = max(self.last_version.get(asset, 0), record["version_no"])
        self.versions[asset][record["version_no"]] = record

    def _fold_packages(self, record: Record) -> None:
        self._package_ids.add(record["package_id"])

    def _fold_package_items(self, record: Record) -> None:
        if record["asset_id"] not in self.packages[record["package_id"]]:
            self.packages[record["package_id"]].append(record["asset_id"])


def _is_in_force(grant: Record) -> bool:
    """Whether a grant is in force, as far as its last edition says: at its end there is one more."""
    return grant["valid_to"] is None or bool(grant["valid_to"] > grant["updated_at"])
