"""Names of a package that are imported when they are first asked for (PEP 562).

``from sms_core import Message`` in a form or a model then costs no HTTP client, and no vendor a parser of XML that it
does not use.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence


def lazy_names(
    package: str, names_of: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a package whose names stand in other modules.

    ``names_of`` has the names that each module is the home of, by its full name. Those modules that stand in the
    package are its attributes too, without an import of their own.
    """
    home_of = {name: module for module, names in names_of.items() for name in names}
    own_modules = {module.removeprefix(f"{package}."): module for module in names_of}

    def __getattr__(name: str) -> object:  # noqa: N807 - what PEP 562 calls it
        if name in home_of:
            value: object = getattr(importlib.import_module(home_of[name]), name)
        elif name in own_modules:
            value = importlib.import_module(own_modules[name])
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)  # the next time it is an attribute like any other
        return value

    def __dir__() -> list[str]:  # noqa: N807 - what PEP 562 calls it
        return sorted({*vars(sys.modules[package]), *home_of, *own_modules})

    return __getattr__, __dir__
