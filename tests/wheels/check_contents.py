"""Check what the built distributions hold: ``python check_contents.py DIST``."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
KIT = ROOT / "plugins" / "kit" / "src"
TEMPLATE = {
    str(file.relative_to(KIT).as_posix())
    for file in (KIT / "sms_core_kit" / "scaffold").rglob("*")
    if file.is_file() and file.suffix != ".pyc"
}
"""What `sms new-provider` writes from, hidden files too."""
COMMANDS = {"sms_core_cli": "[console_scripts]\nsms = "}
"""The one distribution that brings a command, and how its wheel says so."""


def check(package: str, dist: Path, sources: str = "") -> None:
    """Exit with a message unless wheel and sdist hold this package and no other, and no command but their own.

    ``sources`` is the folder within the sdist that has the package.
    """
    prefix = f"{package}-"
    (wheel,) = dist.glob(f"{prefix}[0-9]*.whl")
    archive = zipfile.ZipFile(wheel)
    inside = {*archive.namelist()}
    strangers = [name for name in inside if not name.startswith((f"{package}/", prefix))]
    if f"{package}/py.typed" not in inside or strangers:
        sys.exit(f"{wheel.name}: py.typed missing, or strangers: {strangers}")
    points = "".join(archive.read(name).decode() for name in inside if name.endswith("/entry_points.txt"))
    if ("console_scripts" in points) != (package in COMMANDS) or COMMANDS.get(package, "") not in points:
        sys.exit(f"{wheel.name}: a command too many, or none: {points}")
    (sdist,) = dist.glob(f"{prefix}[0-9]*.tar.gz")
    with tarfile.open(sdist) as unpacked:
        source = {name.partition("/")[2] for name in unpacked.getnames()}
    if package == "sms_core" and any(name.startswith(("plugins", "tests", "examples")) for name in source):
        sys.exit(f"{sdist.name} has swallowed what is not the core's")
    if package == "sms_core_kit":
        for name, files in ((wheel.name, inside), (sdist.name, {file.removeprefix(sources) for file in source})):
            if missing := TEMPLATE - files:
                sys.exit(f"{name}: the scaffold lacks {sorted(missing)}")
    size = wheel.stat().st_size // 1024
    print(f"{wheel.name}: {len(inside)} files, {size} KiB; {sdist.name}: {len(source)}")  # noqa: T201 - a script reports


def main(dist: Path) -> None:
    """Check each."""
    check("sms_core", dist)
    for package in sorted(ROOT.glob("plugins/*/src/*/py.typed")):
        check(package.parent.name, dist, "src/")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
