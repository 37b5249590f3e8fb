"""The contract file as the server's own rule book: what is not in it is refused, what breaks its schemas too."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sandbox import instants
from sandbox.http.problems import Complaint
from sandbox.streams import System

_URI = "urn:contract"
_METHODS = ("get", "post", "put", "patch", "delete")
_FOLDER = Path(__file__).resolve().parents[2] / "connections"

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or isinstance(instants.parse(value), int)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value outside the body."""

    name: str
    place: str
    is_required: bool
    is_list: bool
    is_integer: bool
    validator: Validator


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method does at one path."""

    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    bodies: dict[str, Validator]
    is_open: bool

    def in_place(self, place: str) -> dict[str, Parameter]:
        """Give the parameters of one place, by name."""
        return {parameter.name: parameter for parameter in self.parameters if parameter.place == place}


@dataclass(frozen=True, slots=True)
class PathItem:
    """A path with its operations, by method."""

    template: str
    pattern: re.Pattern[str]
    operations: dict[str, Operation]


class Contract:
    """One contract file, read."""

    def __init__(self, system: System) -> None:
        """Read the file of this system."""
        self.path = _FOLDER / system / "openapi.yaml"
        with self.path.open(encoding="utf-8") as file:
            self.document: dict[str, Any] = _anchored(yaml.load(file, Loader=yaml.CSafeLoader))
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_URI, resource)
        self.paths = [self._path_item(template, item) for template, item in self.document["paths"].items()]
        self.operations = {op.name: op for item in self.paths for op in item.operations.values()}

    def validator(self, schema: Any) -> Validator:
        """Make a validator for a schema of this contract."""
        return Draft202012Validator(schema, registry=self._registry, format_checker=FORMATS)

    def schema_validator(self, name: str) -> Validator:
        """Make a validator for a named schema."""
        return self.validator({"$ref": f"{_URI}#/components/schemas/{name}"})

    def find(self, path: str) -> tuple[PathItem, dict[str, str]] | None:
        """Find the path's item and the values of its parameters; a plain path comes before a template."""
        for item in self.paths:
            found = item.pattern.fullmatch(path)
            if found is not None:
                return item, found.groupdict()
        return None

    def _path_item(self, template: str, item: dict[str, Any]) -> PathItem:
        pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)))
        operations = {method: self._operation(template, method, item[method]) for method in _METHODS if method in item}
        return PathItem(template, pattern, operations)

    def _operation(self, path: str, method: str, raw: dict[str, Any]) -> Operation:
        content = raw.get("requestBody", {}).get("content", {})
        return Operation(
            name=raw["operationId"],
            method=method,
            path=path,
            parameters=tuple(self._parameter(one) for one in raw.get("parameters", ())),
            bodies={media: self.validator(body["schema"]) for media, body in content.items()},
            is_open="security" in raw,
        )

    def _parameter(self, raw: dict[str, Any]) -> Parameter:
        raw = self._registry.resolver().lookup(raw["$ref"]).contents if "$ref" in raw else raw
        schema = raw["schema"]
        kind = (self._registry.resolver().lookup(schema["$ref"]).contents if "$ref" in schema else schema).get("type")
        return Parameter(
            raw["name"],
            raw["in"],
            raw.get("required", False),
            kind == "array",
            kind == "integer",
            self.validator(schema),
        )


def complaints(validator: Validator, value: Any, where: str) -> list[Complaint]:
    """List what is wrong with a value, at most ten things, without repeating the value."""
    found = []
    for error in sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))[:10]:
        place = ".".join([where, *map(str, error.absolute_path)])
        found.append(Complaint(place, f"breaks {error.validator}: {str(error.validator_value)[:120]}"))
    return found


def _anchored(value: Any) -> Any:
    """Make references absolute, so that a schema can be taken out of the document."""
    if isinstance(value, dict):
        return {
            key: _URI + inner
            if key == "$ref" and isinstance(inner, str) and inner.startswith("#")
            else _anchored(inner)
            for key, inner in value.items()
        }
    return [_anchored(inner) for inner in value] if isinstance(value, list) else value
