"""Who and what there is: partners, users, groups, xref, assets, versions, segments.

Each function puts the records of one kind into a scene, with their edition histories.
What then happens between them is in plots.py.
"""

from tests.reference.records import Record
from tests.reference.scenes import CHECKSUMS, RESTRICTED, Scene


def cast_partners(scene: Scene) -> None:
    """Partners with parents, regions, zones; some suspended, left, deleted."""
    dice = scene.dice
    for index, partner_id in enumerate(scene.partners):
        record: Record = {
            "partner_id": partner_id,
            "name": f'Partner "{partner_id}", Ltd.',
            "region": scene.region(),
            "timezone": scene.zone(),
            "locale": "en",
            "status": dice.weighted({"active": 88, "suspended": 6, "left": 6}),
            "trading_addresses": [],
            "updated_at": scene.at(early=True),
        }
        if index and dice.chance(55):
            record["parent_partner_id"] = dice.pick((*scene.partners[:index], "p-no"))
        scene.maybe(6, scene.at(), record, "left_at")
        scene.maybe(4, scene.at(), record, "deleted_at")
        scene.add("partners", record)
        if dice.chance(25):
            status = dice.weighted({"active": 6, "left": 2, "suspended": 1})
            changes: Record = {"status": status, "region": scene.region()}
            if dice.chance(30):
                changes["timezone"] = scene.zone()
            scene.revise("partners", record, changes)


def cast_xref(scene: Scene) -> None:
    """Other ids in VIP for partners and users, in Trading Grid for assets."""
    dice = scene.dice
    scene.vip_partners = list(scene.partners)
    for partner_id in scene.partners:
        if dice.chance(30):
            # An id of its own, an id shared with another, or another partner's own.
            alias = dice.pick((f"v-{partner_id}", "v-shared", scene.partners[0]))
            _link(scene, "partner", alias, partner_id)
            scene.vip_partners.append(alias)
    for asset_id in scene.assets:
        scene.grid_assets[asset_id] = [asset_id]
        if dice.chance(20):
            alias = dice.pick((f"t-{asset_id}", "t-shared"))
            _link(scene, "asset", asset_id, alias)
            scene.grid_assets[asset_id].append(alias)


def _link(scene: Scene, entity: str, vip_id: str, grid_id: str) -> None:
    record: Record = {
        "entity": entity,
        "vip_id": vip_id,
        "trading_grid_id": grid_id,
        "match_rule": "manual",
        "asserted_by": "steward",
    }
    scene.maybe(25, scene.at(early=True), record, "valid_from")
    scene.maybe(20, scene.at(early=False), record, "valid_to")
    scene.add("xref", record)
    if scene.dice.chance(10):
        scene.add("xref", {**record, "valid_to": scene.at()})


def cast_users(scene: Scene) -> None:
    """One or two users; VIP may know them by another id."""
    dice = scene.dice
    for user_id in ("u1", "U1")[: dice.count(1, 2)]:
        scene.users.append(user_id)
        scene.vip_users.append(user_id)
        record: Record = {
            "user_id": user_id,
            "partner_id": scene.grid_partner(),
            "login_id": "login",
            "roles": ["buyer"],
            "status": "active",
            "updated_at": scene.at(early=True),
        }
        scene.add("partner_users", record)
        if dice.chance(15):
            changes: Record = {"partner_id": scene.grid_partner()}
            scene.revise("partner_users", record, changes)
        if dice.chance(30):
            _link(scene, "user", f"v-{user_id}", user_id)
            scene.vip_users.append(f"v-{user_id}")


def cast_groups(scene: Scene) -> None:
    """Partner groups, with members who join and leave."""
    dice = scene.dice
    for group_id in ("g1", "G1")[: dice.count(1, 2)]:
        scene.groups.append(group_id)
        group: Record = {
            "group_id": group_id,
            "name": group_id,
            "dimension": "region",
            "value": "x",
            "updated_at": scene.at(),
        }
        scene.add("partner_groups", group)
        for partner_id in scene.partners:
            if dice.chance(70):
                member: Record = {
                    "group_id": group_id,
                    "partner_id": partner_id,
                    "joined_at": scene.at(early=True),
                }
                scene.maybe(15, scene.at(early=False), member, "left_at")
                scene.add("group_members", member)
                if dice.chance(8):
                    scene.add("group_members", {**member, "left_at": scene.at()})


def cast_assets(scene: Scene, most_versions: int) -> None:
    """Assets and their versions."""
    dice = scene.dice
    classes = {"standard": 45, "regulated": 27, "safety": 25, "experimental": 3}
    for asset_id in scene.assets:
        record: Record = {
            "asset_id": asset_id,
            "title": 'Cola, "1 l"\nlabel',
            "asset_type": "image",
            "classification": dice.weighted(classes),
            "status": "published",
            "publisher_timezone": scene.zone(),
            "created_at": scene.at(early=True),
            "updated_at": scene.at(early=True),
        }
        policy = dice.weighted({"no_target": 4, "reinstate_previous": 5, "": 1})
        if policy:
            record["on_withdraw"] = policy
        scene.maybe(8, scene.at(), record, "deleted_at")
        scene.add("assets", record)
        if dice.chance(20):
            zone = {"publisher_timezone": scene.zone(), "deleted_at": None}
            scene.revise("assets", record, {**zone})
        scene.version_count[asset_id] = dice.count(1, most_versions)
        for version_no in range(1, scene.version_count[asset_id] + 1):
            _cast_version(scene, asset_id, version_no)


def _cast_version(scene: Scene, asset_id: str, version_no: int) -> None:
    dice = scene.dice
    statuses = {"approved": 78, "pending": 7, "rejected": 4, "revoked": 11}
    policies = {"instant": 2, "publisher_local": 3, "partner_local": 5}
    record: Record = {
        "asset_id": asset_id,
        "version_no": version_no,
        "file_name": "label.pdf",
        "format": "pdf",
        "size_bytes": 1000 + version_no,
        "checksum_sha256": dice.pick(CHECKSUMS),
        "change_class": dice.pick(("content", "metadata")),
        "approval_status": dice.weighted(statuses),
        "effective_policy": dice.weighted(policies),
        "restricted_regions": [],
        "updated_at": scene.at(),
    }
    approved_at = scene.at(early=not dice.chance(15))
    scene.maybe(95, approved_at, record, "approved_at")
    scene.maybe(45, scene.local(), record, "effective_local")
    scene.maybe(20, scene.at(early=False), record, "expires_at")
    scene.maybe(22, scene.at(early=False), record, "withdrawn_at")
    if dice.chance(22):
        record["restricted_regions"] = [dice.pick(RESTRICTED), dice.pick(RESTRICTED)]
    scene.add("asset_versions", record)
    if dice.chance(25):
        changes: Record = {"approval_status": dice.weighted(statuses)}
        if dice.chance(30):
            changes["withdrawn_at"] = scene.at(early=False)
        later = scene.revise("asset_versions", record, changes)
        if dice.chance(30):
            scene.revise("asset_versions", later, {"restricted_regions": []})


def cast_segments(scene: Scene) -> None:
    """Segments in hierarchies, cyclic ones too; assets come and go."""
    dice = scene.dice
    scene.segments = ["s1", "S1", "s2", "s3"][: dice.count(1, 4)]
    for segment_id in scene.segments:
        record: Record = {
            "segment_id": segment_id,
            "name": segment_id,
            "dimension": "brand",
            "value": "x",
            "updated_at": scene.at(),
        }
        parents = (*scene.segments, "s-unknown")
        scene.maybe(60, dice.pick(parents), record, "parent_segment_id")
        scene.maybe(10, scene.at(), record, "deleted_at")
        scene.add("segments", record)
        if dice.chance(10):
            scene.revise("segments", record, {"parent_segment_id": scene.segments[0]})
    for asset_id in scene.assets:
        for _ in range(dice.count(0, 2)):
            row: Record = {
                "segment_id": dice.pick((*scene.segments, "s-unknown")),
                "asset_id": asset_id,
                "added_at": scene.at(early=True),
            }
            scene.maybe(15, scene.at(early=False), row, "removed_at")
            scene.add("segment_assets", row)


def cast_packages(scene: Scene) -> None:
    """Put in packages under embargo, with their items; some package is unknown."""
    dice = scene.dice
    for package_id in ("k1", "K1")[: dice.count(0, 2)]:
        record: Record = {
            "package_id": package_id,
            "name": package_id,
            "updated_at": scene.at(),
        }
        scene.maybe(60, scene.at(), record, "embargo_until")
        scene.packages.append(package_id)
        if not dice.chance(5):
            scene.add("packages", record)
        for asset_id in scene.assets:
            if dice.chance(70):
                item: Record = {
                    "package_id": package_id,
                    "asset_id": asset_id,
                    "required": True,
                    "sequence": 1,
                }
                scene.add("package_items", item)
