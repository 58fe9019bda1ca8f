"""Check what the built distributions hold: ``python check_contents.py DIST``."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

EXPECTED = {
    "sms_core-": ("sms_core/", "sms_core/py.typed"),
    "sms_core_django-": ("sms_core_django/", "sms_core_django/py.typed"),
    "sms_core_every8d-": ("sms_core_every8d/", "sms_core_every8d/py.typed"),
    "sms_core_mitake-": ("sms_core_mitake/", "sms_core_mitake/py.typed"),
    "sms_core_otel-": ("sms_core_otel/", "sms_core_otel/py.typed"),
    "sms_core_smsget-": ("sms_core_smsget/", "sms_core_smsget/py.typed"),
    "sms_core_smsgo-": ("sms_core_smsgo/", "sms_core_smsgo/py.typed"),
    "sms_core_twilio-": ("sms_core_twilio/", "sms_core_twilio/py.typed"),
    "sms_core_sandbox-": ("sms_core_sandbox/", "sms_core_sandbox/py.typed"),
}


ROOT = Path(__file__).parents[2]
TEMPLATE = {
    str(file.relative_to(ROOT).as_posix())
    for file in (ROOT / "sms_core" / "scaffold").rglob("*")
    if file.is_file() and file.suffix != ".pyc"
}
"""What `sms new-provider` writes from, hidden files too."""


def main(dist: Path) -> None:
    """Exit with a message unless each wheel and sdist holds its own package, and no other."""
    for prefix, (package, marker) in EXPECTED.items():
        (wheel,) = dist.glob(f"{prefix}[0-9]*.whl")
        names = zipfile.ZipFile(wheel).namelist()
        strangers = [name for name in names if not name.startswith((package, prefix))]
        if marker not in names or strangers:
            sys.exit(f"{wheel.name}: {marker} missing, or strangers: {strangers}")
        if prefix == "sms_core-" and (missing := TEMPLATE - {*names}):
            sys.exit(f"{wheel.name}: the scaffold lacks {sorted(missing)}")
        (sdist,) = dist.glob(f"{prefix}[0-9]*.tar.gz")
        with tarfile.open(sdist) as archive:
            inside = [name.partition("/")[2] for name in archive.getnames()]
        if prefix == "sms_core-" and any(name.startswith(("plugins", "tests", "examples")) for name in inside):
            sys.exit(f"{sdist.name} has swallowed what is not the core's")
        if prefix == "sms_core-" and (missing := TEMPLATE - {*inside}):
            sys.exit(f"{sdist.name}: the scaffold lacks {sorted(missing)}")
        print(f"{wheel.name}: {len(names)} files; {sdist.name}: {len(inside)}")  # noqa: T201 - a script reports


if __name__ == "__main__":
    main(Path(sys.argv[1]))
