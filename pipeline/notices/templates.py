"""Notice templates: files per language and kind, checked when they are loaded.

Belongs here: the names that a template may use, loading, the check. Does not belong here: the values of these
names (``render``).

A template is a text file: the first line ``Subject: …``, an empty line, the body. Jinja2's sandbox renders both;
docs/notices.md lists the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

from pipeline.errors import ConfigurationError

KINDS: Final = ("version_change", "withdrawal", "expiry")
DEFAULT_LANGUAGE: Final = "en"
TEMPLATES_FOLDER: Final = Path(__file__).parent / "templates"
_SUBJECT: Final = "Subject: "

# The names that a template may use, each with a sample; those without a sample value are None in the poorer sample.
RICH_SAMPLE: Final[Mapping[str, str | bool | None]] = {
    "partner_name": "Nordwind Getränke",
    "asset_id": "AS-1",
    "asset_title": "Allergen sheet",
    "sku": "4711",
    "brand": "Nordwind",
    "version": "3 (2026.1)",
    "file_name": "allergens-3.pdf",
    "change_summary": "    Sulphites added",
    "replacement_instructions": "    Replace the sheet in every shop",
    "usage_guidance": "    Show it at the counter",
    "restricted_regions": "US-CA, US-NY",
    "withdrawal_reason": "    Wrong table",
    "effective_on": "3 March 2026, 00:00 (Europe/Berlin)",
    "is_effective": True,
    "withdrawn_on": "3 March 2026, 00:00 (Europe/Berlin)",
    "expired_on": "3 March 2026, 00:00 (Europe/Berlin)",
    "zone": "Europe/Berlin",
    "held": "1, 2",
    "copy_version": "2",
    "copy_obtained_on": "1 February 2026, 10:00 (Europe/Berlin)",
    "is_regressed": True,
    "is_entitled": True,
    "target_version": "3 (2026.1)",
    "due_on": "10 March 2026, 08:00 (Europe/Berlin)",
}
_ALWAYS_THERE: Final = frozenset(
    {"partner_name", "asset_id", "asset_title", "version", "zone", "due_on", "withdrawn_on", "expired_on"}
)
POOR_SAMPLE: Final[Mapping[str, str | bool | None]] = {
    name: value if name in _ALWAYS_THERE else False if isinstance(value, bool) else None
    for name, value in RICH_SAMPLE.items()
}


@dataclass(frozen=True, slots=True)
class NoticeTemplate:
    """One kind of notice in one language."""

    name: str
    subject: Template
    body: Template

    def render(self, values: Mapping[str, str | bool | None]) -> tuple[str, str]:
        """Return subject and body; the subject is one line, the body has no empty lines in a row.

        Raises:
            ConfigurationError: the template fails on these values.

        """
        try:
            subject = " ".join(self.subject.render(values).split())
            body = _without_gaps(self.body.render(values))
        except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            message = f"The notice template {self.name} fails: {error}."
            raise ConfigurationError(message) from error
        return subject, body


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates by language and kind; English has every kind."""

    by_language: Mapping[str, Mapping[str, NoticeTemplate]]

    def find(self, language: str, kind: str) -> tuple[str, NoticeTemplate]:
        """Return the template of a kind and the language that it is in: the wanted one, else English."""
        own = self.by_language.get(language, {})
        return (language, own[kind]) if kind in own else (DEFAULT_LANGUAGE, self.by_language[DEFAULT_LANGUAGE][kind])


def load_templates(folder: Path = TEMPLATES_FOLDER) -> Templates:
    """Read and check every template of the folder.

    Raises:
        ConfigurationError: a template is missing in English, cannot be read, is not of the form, uses an unknown
            name, or fails on a sample; the file and what to change are named.

    """
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    by_language: dict[str, dict[str, NoticeTemplate]] = {}
    for path in sorted(folder.glob("*/*.txt")):
        if path.stem not in KINDS:
            message = f"The notice template {_name(path)} is of no kind: name it {', '.join(KINDS)} (.txt)."
            raise ConfigurationError(message)
        by_language.setdefault(path.parent.name, {})[path.stem] = _load(environment, path)
    missing = [kind for kind in KINDS if kind not in by_language.get(DEFAULT_LANGUAGE, {})]
    if missing:
        message = f"The notice templates in {folder} lack {', '.join(f'{DEFAULT_LANGUAGE}/{k}.txt' for k in missing)}."
        raise ConfigurationError(message)
    return Templates(by_language)


def _load(environment: SandboxedEnvironment, path: Path) -> NoticeTemplate:
    name = _name(path)
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeError) as error:
        message = f"The notice template {name} cannot be read: {error}."
        raise ConfigurationError(message) from error
    if not head.startswith(_SUBJECT) or not body.startswith("\n"):
        message = f"The notice template {name} has to begin with a line 'Subject: …' and an empty line."
        raise ConfigurationError(message)
    template = NoticeTemplate(
        name,
        _compiled(environment, head.removeprefix(_SUBJECT), name, first_line=1),
        _compiled(environment, body, name, first_line=2),
    )
    for sample in (RICH_SAMPLE, POOR_SAMPLE):
        if not all(template.render(sample)):
            message = f"The notice template {name} gives an empty subject or body on a sample."
            raise ConfigurationError(message)
    return template


def _compiled(environment: SandboxedEnvironment, text: str, name: str, *, first_line: int) -> Template:
    try:
        unknown = meta.find_undeclared_variables(environment.parse(text)) - set(RICH_SAMPLE)
        if unknown:
            message = f"The notice template {name} uses {', '.join(sorted(unknown))}; known: {', '.join(RICH_SAMPLE)}."
            raise ConfigurationError(message)
        return environment.from_string(text)
    except TemplateSyntaxError as error:
        message = f"The notice template {name}, line {error.lineno + first_line - 1}: {error.message}."
        raise ConfigurationError(message) from error


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _without_gaps(text: str) -> str:
    kept: list[str] = []
    for line in text.strip().split("\n"):
        if line.strip() or (kept and kept[-1]):
            kept.append(line.rstrip())
    return "\n".join(kept)
