"""The fields of a request: what may be in them, how they are read, and how OpenAPI says so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

Arguments = dict[str, Any]
LARGEST = 1 << 53
"""Whole numbers beyond it are not the same in every language's JSON."""
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


@frozen
class Field:
    """One field. ``kind`` is JSON Schema's type; ``default`` stands in for a field that is not given."""

    name: str
    kind: str
    meaning: str
    required: bool = False
    nullable: bool = False
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    longest: int = 10_000

    def schema(self) -> dict[str, Any]:
        """The field as JSON Schema."""
        schema: dict[str, Any] = {"type": [self.kind, "null"] if self.nullable else self.kind}
        if self.choices:
            schema["enum"] = [*self.choices]
        elif self.kind == "string":
            schema["maxLength"] = self.longest
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        return schema | {name: bound for name, bound in bounds.items() if bound is not None}

    def check(self, value: Any) -> Any:
        """The value, if it may be in this field. Raises `ValueError`."""
        if value is None and self.nullable:
            return None
        is_kind = isinstance(value, _KINDS[self.kind]) and isinstance(value, bool) == (self.kind == "boolean")
        if self.kind == "integer" and isinstance(value, float) and value.is_integer():
            value, is_kind = int(value), True
        if not is_kind:
            raise ValueError(f"{self.name}: {self.kind} expected")
        if isinstance(value, str):
            self._check_text(value)
        else:
            self._check_number(value)
        return value

    def _check_number(self, value: Any) -> None:
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"{self.name}: at least {self.minimum:g}")
        if self.maximum is not None and value > self.maximum:
            raise ValueError(f"{self.name}: at most {self.maximum:g}")

    def _check_text(self, value: str) -> None:
        if self.choices and value not in self.choices:
            raise ValueError(
                f"{self.name}: one of {', '.join(choice or 'nothing' for choice in self.choices)} expected"
            )
        if len(value) > self.longest:
            raise ValueError(f"{self.name}: at most {self.longest} characters")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{self.name}: half a character") from None

    def read(self, text: str) -> Any:
        """The value that stands in a query. Raises `ValueError`."""
        if self.kind == "string":
            return self.check(text)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = text
        return self.check(value)


def arguments_of(fields: Iterable[Field], given: Mapping[str, Any]) -> Arguments:
    """The value of each field. Raises `ValueError` for what is missing, unknown, or not what it should be."""
    known = {field.name: field for field in fields}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ValueError(f"there is no field {unknown[0]!r}; there are {', '.join(known) or 'none'}")
    missing = [field.name for field in known.values() if field.required and field.name not in given]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    return {name: field.check(given[name]) if name in given else field.default for name, field in known.items()}


def query_arguments(fields: Iterable[Field], pairs: Iterable[tuple[str, str]]) -> Arguments:
    """The same of a query. Raises `ValueError`, also for a field that comes twice."""
    known = {field.name: field for field in fields}
    given: Arguments = {}
    for name, text in pairs:
        if name in given:
            raise ValueError(f"{name} is there twice")
        given[name] = known[name].read(text) if name in known else text
    return arguments_of(known.values(), given)


def object_schema(fields: Iterable[Field]) -> dict[str, Any]:
    """The fields as the schema of a JSON object that has no others."""
    known = [*fields]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: {**field.schema(), "description": field.meaning} for field in known},
        "additionalProperties": False,
    }
    required = [field.name for field in known if field.required]
    return {**schema, "required": required} if required else schema
