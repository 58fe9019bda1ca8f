"""Many values in one parameter, as JSON: that a column holds one of them, and themselves as a table.

So a statement is the same for any number of values. SQLAlchemy, the driver and PostgreSQL prepare it once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Dialect, Integer, TableValuedAlias, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


def is_one_of(column: Column[Any], name: str) -> ColumnElement[bool]:
    """That a column holds one of the values of the parameter of this name, a list of texts or of numbers."""
    return _IsOneOf(column, _Values(bindparam(name, type_=_List())))


def values_of(name: str) -> TableValuedAlias:
    """The texts of the parameter of this name, a list, as a table with one column ``value``."""
    return _Values(bindparam(name, type_=_List())).table_valued("value")


class _List(TypeDecorator[Sequence[Any]]):
    """A list as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> str:  # noqa: ARG002 - its name is SQLAlchemy's
        return json.dumps(value)


class _Values(FunctionElement[Any]):
    """The values of a list, as a table."""

    name = "values_of"
    inherit_cache = True


@compiles(_Values, "postgresql")
def _of_postgresql(found: _Values, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(found.clauses, **options)} AS json))"


@compiles(_Values, "sqlite")
def _of_sqlite(found: _Values, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(found.clauses, **options)})"


class _IsOneOf(FunctionElement[bool]):
    """Of a column and a list. It has no type: of a Boolean, SQLite is asked whether it is 1, and no index serves that."""

    name = "is_one_of"
    inherit_cache = True


@compiles(_IsOneOf, "postgresql")
def _in_array(found: _IsOneOf, compiler: SQLCompiler, **options: Any) -> str:
    # An array and no subquery, of which PostgreSQL may make a join that reads the whole table.
    column, values = found.clauses
    kind = "bigint" if isinstance(column.type, Integer) else "text"
    array = f"ARRAY(SELECT CAST(value AS {kind}) FROM {compiler.process(values, **options)} AS value)"  # noqa: S608 - no value
    return f"({compiler.process(column, **options)} = ANY ({array}))"


@compiles(_IsOneOf, "sqlite")
def _in_table(found: _IsOneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in found.clauses)
    return f"({column} IN (SELECT value FROM {values}))"  # noqa: S608 - no value
