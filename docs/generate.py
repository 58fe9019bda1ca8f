"""Write the generated parts of the docs: ``python -m nox -s docs``. A test compares them with what is installed."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sms_core
import sms_core.provider
from sms_core._engine.discovery import load
from sms_core._engine.registry import bind_hooks
from sms_core.provider import ProviderHooks
from sms_core_cli.matrix import markdown, matrix

DOCS = Path(__file__).parent
MATRIX = DOCS / "providers" / "README.md"
HOOKS = DOCS / "hooks.md"
START, END = "<!-- generated: nox -s docs -->\n", "<!-- end -->\n"
WIDTH = 100
"""Characters of a signature that stands on one line."""


def with_matrix(page: str) -> str:
    """The page with the matrix of the installed providers between its marks."""
    return _between_marks(page, markdown(matrix(sms_core.providers())))


def with_hooks(page: str) -> str:
    """The page with each hook of the Protocol between its marks: signature, docstring, and who implements it."""
    implementations = _implementations()
    sections = [
        f"## `{name}`\n\n```\n{signature(hook)}\n```\n\n{inspect.getdoc(hook)}\n\nIn: {implementations[name]}\n"
        for name, hook in hooks().items()
    ]
    return _between_marks(page, "\n".join([*sections, f"## What the signatures name\n\n```python\n{_imports()}```\n"]))


def hooks() -> dict[str, Callable[..., Any]]:
    """The hooks in the order of the Protocol."""
    return {name: hook for name, hook in vars(ProviderHooks).items() if name.startswith("sms_")}


def signature(hook: Callable[..., Any]) -> str:
    """A hook's signature as its source has it, without ``self``, which a module's function does not take."""
    found = inspect.signature(hook)
    arguments = [f"{given.name}: {given.annotation}" for given in found.parameters.values() if given.name != "self"]
    line = f"{hook.__name__}({', '.join(arguments)}) -> {found.return_annotation}"
    if len(line) <= WIDTH:
        return line
    rows = "".join(f"    {argument},\n" for argument in arguments)
    return f"{hook.__name__}(\n{rows}) -> {found.return_annotation}"


def _implementations() -> dict[str, str]:
    """For each hook, the providers of this repository that implement it, with links to their sources."""
    bound = {info.name: bind_hooks(info.name, load(info.name)) for info in sms_core.providers()}
    return {name: ", ".join(_links(name, bound)) or "no provider here; plugins of a client" for name in hooks()}


def _links(hook: str, bound: dict[str, Any]) -> Iterator[str]:
    for provider, found in bound.items():
        for implementation in getattr(found, hook).get_hookimpls():
            module = implementation.function.__module__.replace(".", "/") + ".py"
            for source in (*DOCS.parent.glob(f"plugins/*/src/{module}"), *DOCS.parent.glob(module)):
                if implementation.plugin_name != "sms_core":
                    yield f"[`{provider}`](../{source.relative_to(DOCS.parent)})"


def _imports() -> str:
    """Where the names in the signatures come from, as a provider imports them."""
    names = {"hookimpl"}
    for hook in hooks().values():
        for annotation in inspect.get_annotations(hook).values():
            names |= {part.id for part in ast.walk(ast.parse(annotation)) if isinstance(part, ast.Name)}
    from_provider = sorted(names & set(sms_core.provider.__all__))
    from_core = sorted((names & set(sms_core.__all__)).difference(from_provider))
    return _import("sms_core", from_core) + _import("sms_core.provider", from_provider)


def _import(module: str, names: list[str]) -> str:
    """The statement, as the formatter writes it."""
    line = f"from {module} import {', '.join(names)}\n"
    if len(line) <= WIDTH:
        return line
    rows = "".join(f"    {name},\n" for name in names)
    return f"from {module} import (\n{rows})\n"


def _between_marks(page: str, text: str) -> str:
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{text}\n{END}{after}"


if __name__ == "__main__":
    for path, write in ((MATRIX, with_matrix), (HOOKS, with_hooks)):
        path.write_text(write(path.read_text(encoding="utf-8")), encoding="utf-8")
