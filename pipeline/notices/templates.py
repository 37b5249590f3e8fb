"""Notice templates: files per language and kind, checked when they are loaded.

Belongs here: loading, the check, finding the template of a language. Does not belong here: the names that a template
may use (``names``), how it is filled in (``filling``), the values (``render``).

A template is a text file: the first line ``Subject: …``, an empty line, the body. Jinja2's sandbox renders both;
docs/notices.md lists the names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

from pipeline.errors import ConfigurationError
from pipeline.notices.filling import NoticeTemplate, Wording
from pipeline.notices.names import KINDS, poor_sample, rich_sample
from pipeline.notices.words import WORDS_FILE, Words, read_words

DEFAULT_LANGUAGE: Final = "en"
TEMPLATES_FOLDER: Final = Path(__file__).parent / "templates"
_SUBJECT: Final = "Subject: "
# The end of a line that has text before its last tag: Jinja would take the line break away with the tag.
_TEXT_ENDING_IN_TAG: Final = re.compile(r"^(?![ \t]*\{%)(.*)(?<![-+])%\}[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates by language and kind, and each language's words; English has every kind."""

    by_language: Mapping[str, Mapping[str, NoticeTemplate]]
    words: Mapping[str, Words]

    def find(self, language: str, kind: str) -> tuple[str, NoticeTemplate]:
        """Return the template of a kind and the language that it is in: the wanted one, else English."""
        own = self.by_language.get(language, {})
        return (language, own[kind]) if kind in own else (DEFAULT_LANGUAGE, self.by_language[DEFAULT_LANGUAGE][kind])


def load_templates(own: Path | None = None, *, shipped: Path = TEMPLATES_FOLDER) -> Templates:
    """Read and check every template; those of the folder ``own`` win over those that are shipped.

    Raises:
        ConfigurationError: there is no such folder, a template is missing in English, cannot be read, is not of the
            form, uses an unknown name, or fails on a sample; the file and what to change are named.

    """
    if own is not None and not own.is_dir():
        message = f"There is no folder {own}: notices.templates names one with <language>/<kind>.txt in it."
        raise ConfigurationError(message)
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    found = _found(shipped) | ({} if own is None else _found(own))
    by_language: dict[str, dict[str, NoticeTemplate]] = {}
    for (language, name), path in sorted(found.items()):
        if name != WORDS_FILE:
            by_language.setdefault(language, {})[path.stem] = _load(environment, path)
    missing = [kind for kind in KINDS if kind not in by_language.get(DEFAULT_LANGUAGE, {})]
    if missing:
        message = f"The notice templates in {shipped} lack {', '.join(f'{DEFAULT_LANGUAGE}/{k}.txt' for k in missing)}."
        raise ConfigurationError(message)
    words = {
        language: read_words(found.get((language, WORDS_FILE), (own or shipped) / language / WORDS_FILE))
        for language in by_language
    }
    return Templates(by_language, words)


def _found(folder: Path) -> dict[tuple[str, str], Path]:
    """Return the files of a folder by language and name.

    Raises:
        ConfigurationError: a file is of no kind.

    """
    found = {(path.parent.name, path.name): path for path in sorted(folder.glob("*/*.txt"))}
    for path in found.values():
        if path.name != WORDS_FILE and path.stem not in KINDS:
            message = f"The notice template {_name(path)} is of no kind: name it {', '.join(KINDS)} (.txt)."
            raise ConfigurationError(message)
    return found


def _load(environment: SandboxedEnvironment, path: Path) -> NoticeTemplate:
    name, kind = _name(path), path.stem
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
        _compiled(environment, head.removeprefix(_SUBJECT), name, kind, first_line=1),
        _compiled(environment, body, name, kind, first_line=2),
    )
    for sample in (rich_sample(kind), poor_sample(kind)):
        if not all(template.render(sample)):
            message = f"The notice template {name} gives an empty subject or body on a sample."
            raise ConfigurationError(message)
    return template


def _compiled(environment: SandboxedEnvironment, text: str, name: str, kind: str, *, first_line: int) -> Wording:
    known = rich_sample(kind)
    text = _TEXT_ENDING_IN_TAG.sub(r"\1+%}", text)
    try:
        parsed = environment.parse(text)
        unknown = meta.find_undeclared_variables(parsed) - set(known)
        if unknown:
            message = f"The notice template {name} uses {', '.join(sorted(unknown))}; known: {', '.join(known)}."
            raise ConfigurationError(message)
        return Wording(name, environment, parsed)
    except TemplateSyntaxError as error:
        message = f"The notice template {name}, line {error.lineno + first_line - 1}: {error.message}."
        raise ConfigurationError(message) from error


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
