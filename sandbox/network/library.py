"""What the producer distributes, as planned: a function of seed and scale, before anything has happened."""

import math
from dataclasses import dataclass
from functools import lru_cache

from sandbox.dice import Dice
from sandbox.network import words

_BRANDS_AT_SCALE_1 = 8
_PRODUCTS_PER_BRAND = 4
_PUBLISHER_ZONES = (
    "Europe/Zurich",
    "Europe/Zurich",
    "Europe/Zurich",
    "America/New_York",
    "Europe/London",
    "Australia/Sydney",
)
_CLASSES = {"allergen_sheet": "regulated", "price_list": "regulated", "safety_sheet": "safety"}
_SHEET_LOCALES = ("en-GB", "de-DE", "fr-FR", "es-ES")
_NOVELTY = "AS-90"


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand of the producer."""

    code: str
    name: str
    line: str
    timezone: str


@dataclass(frozen=True, slots=True)
class AssetPlan:
    """An asset that is, or will be, in the library."""

    asset_id: str
    sku: str | None
    title: str
    asset_type: str
    brand: Brand
    locale: str | None
    segment_id: str
    reinstates: bool
    days_after_begin: int
    """Negative: it was there before."""

    @property
    def classification(self) -> str:
        """How much it matters that a partner has the right one."""
        return _CLASSES.get(self.asset_type, "standard")


@lru_cache(maxsize=4)
def brands(seed: int, scale: int) -> tuple[Brand, ...]:
    """List the brands."""
    found = []
    for number in range(_BRANDS_AT_SCALE_1 * math.isqrt(scale)):
        code, name, line = words.BRANDS[number % len(words.BRANDS)]
        edition = number // len(words.BRANDS) + 1
        dice = Dice(seed, "brand", number)
        suffix = "" if edition == 1 else str(edition)
        label = name if edition == 1 else f"{name} No. {edition}"
        found.append(Brand(code + suffix, label, line, dice.pick(_PUBLISHER_ZONES)))
    return tuple(found)


@lru_cache(maxsize=4)
def asset_plans(seed: int, scale: int) -> dict[str, AssetPlan]:
    """List the assets, by id."""
    rows: list[tuple[Brand, str, str | None, str, str | None, str]] = []
    for position, brand in enumerate(brands(seed, scale)):
        rows += _of_brand(seed, position, brand)
    plans = {}
    for number, (brand, asset_type, sku, title, locale, segment) in enumerate(rows, start=1):
        asset_id = f"AS-{number:05d}"
        dice = Dice(seed, "plan", asset_id)
        days = -dice.between(20, 400) if dice.chance(0.68) else dice.between(5, 262)
        plans[asset_id] = AssetPlan(asset_id, sku, title, asset_type, brand, locale, segment, dice.chance(0.15), days)
    return plans


def _of_brand(seed: int, position: int, brand: Brand) -> list[tuple[Brand, str, str | None, str, str | None, str]]:
    dice = Dice(seed, "range", brand.code)
    core = f"SEG-{brand.code}-CORE"
    rows: list[tuple[Brand, str, str | None, str, str | None, str]] = []
    for number, (product, size) in enumerate(dice.some(words.PRODUCTS, _PRODUCTS_PER_BRAND), start=1):
        sku = f"{brand.code}-{position:02d}{number:02d}"
        label = f"{brand.name} {product} {size}"
        locale = _SHEET_LOCALES[(position + number) % len(_SHEET_LOCALES)]
        rows += [
            (brand, "product_image", sku, f"{label} - bottle shot", None, core),
            (brand, "allergen_sheet", sku, f"{label} - allergen sheet ({locale})", locale, core),
            (brand, "safety_sheet", sku, f"{label} - safety data sheet ({locale})", locale, core),
        ]
    rows += [
        (
            brand,
            "price_list",
            None,
            f"{brand.name} - trade price list {cluster}",
            words.CLUSTER_LOCALE[cluster],
            f"SEG-{brand.code}-{cluster}",
        )
        for cluster in words.CLUSTERS
    ]
    names = dice.some(words.CAMPAIGNS, 4)
    rows += [
        (brand, "campaign_kit", None, f"{brand.name} - {name} campaign kit", None, f"SEG-{brand.code}-KITS")
        for name in names
    ]
    rows += [
        (brand, "logo", None, f"{brand.name} - logo set ({variant})", None, core) for variant in ("print", "screen")
    ]
    return rows


def novelty(seed: int, scale: int, number: int) -> AssetPlan:
    """Plan an asset that nobody had planned: it enters the library when its number comes up."""
    dice = Dice(seed, "novelty", number)
    brand = dice.pick(brands(seed, scale))
    product, size = dice.pick(words.PRODUCTS)
    asset_type = dice.weighted((
        ("product_image", 4.0), ("campaign_kit", 3.0), ("allergen_sheet", 2.0), ("safety_sheet", 2.0), ("logo", 1.0),
    ))  # fmt: skip
    is_sheet = asset_type in _CLASSES
    locale = dice.pick(_SHEET_LOCALES) if is_sheet else None
    title = f"{brand.name} {product} {size}, edition {number} - {words.TITLES[asset_type]}"
    shelf = "KITS" if asset_type == "campaign_kit" else "CORE"
    sku = None if asset_type in {"campaign_kit", "logo"} else f"{brand.code}-N{number:03d}"
    return AssetPlan(
        f"{_NOVELTY}{number:03d}", sku, f"{title} ({locale})" if is_sheet else title, asset_type, brand, locale,
        f"SEG-{brand.code}-{shelf}", reinstates=False, days_after_begin=1,
    )  # fmt: skip


def plan_of(seed: int, scale: int, asset_id: str) -> AssetPlan:
    """Give the plan of an asset, whether it was planned from the beginning or is a novelty."""
    if asset_id.startswith(_NOVELTY):
        return novelty(seed, scale, int(asset_id.removeprefix(_NOVELTY)))
    return asset_plans(seed, scale)[asset_id]
