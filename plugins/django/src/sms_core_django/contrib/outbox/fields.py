"""Fields whose columns are what the outbox's own tables have, where Django's usual ones are something else."""

from __future__ import annotations

from typing import Any

from django.db import models


class NameField(models.CharField):  # type: ignore[type-arg]  # Django's fields have no parameters at run time
    """Text that is a primary key, without the second index that Django adds on PostgreSQL for ``LIKE``."""

    def db_type(self, connection: Any) -> str:
        """On PostgreSQL ``varchar`` by its whole name, by which Django does not know it."""
        name = "character varying" if connection.vendor == "postgresql" else "varchar"
        return f"{name}({self.max_length})"


class CascadingKey(models.ForeignKey):  # type: ignore[type-arg]
    """A foreign key whose rows the database itself removes, and that is checked at once.

    Django before 6.1 cannot say so: there, removing is done by Python. Its index is the model's to name.
    """

    def __init__(self, to: Any, on_delete: Any = models.DO_NOTHING, **options: Any) -> None:
        options |= {"db_constraint": False, "db_index": False}
        super().__init__(to, on_delete, **options)

    def db_type(self, connection: Any) -> str:
        """The type and the constraint, which every way to make a column writes down together."""
        quote = connection.ops.quote_name
        table = quote(self.target_field.model._meta.db_table)
        return f"{super().db_type(connection)} REFERENCES {table} ({quote(self.target_field.column)}) ON DELETE CASCADE"
