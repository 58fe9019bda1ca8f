"""Every way a plugin can be broken, all installed side by side: each is told in words, and none stops another."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.engine.installed.conftest import Install
from tests.engine.installed.distributions import PLUGIN, Distribution, Site, plugin


def variant(name: str, old: str, new: str, **more: Any) -> Distribution:
    """A plugin that works, but for one thing."""
    source = PLUGIN.format(name=name, title=f"The {name}")
    assert old in source
    return plugin(name, source.replace(old, new), **more)


HOOK = "\n@hookimpl\ndef {}(account):\n    return None\n"

CROWD = (
    plugin("fine"),
    plugin("twins", name="sms-first", version="1.0"),
    plugin("twins", "raise RuntimeError('imported')", "fake_other", name="sms-second", version="2.0"),
    plugin("unimportable", "import there_is_no_such_module"),
    plugin("unparsable", "def ("),
    plugin("exits", "raise SystemExit('libsms is missing')"),
    plugin("nowhere", None, "fake_nowhere:missing"),
    plugin("too-new", "raise RuntimeError('imported')", version="2.0", requires=("sms-core>=1,<2",)),
    plugin("too-old", "raise RuntimeError('imported')", requires=("attrs>=99", "SMS_Core[cli] (<0.1) ")),
    plugin("elsewhere", requires=("sms-core>=7; python_version < '3'", "sms-core[cli]>=8; extra == 'cli'")),
    plugin("unreadable", requires=("attrs>=23", "sms-core>=bogus")),
    plugin("undeclared", requires=()),
    variant("misspelt", "sms_parse_response", "sms_parse_respons"),
    variant("shouted", "def sms_send(", "def SMS_send("),
    variant("stranger", "@hookimpl", HOOK.format("sms_fly") + "@hookimpl"),
    variant("misnamed", "account, session", "account, token"),
    variant("hookless", "@hookimpl\ndef sms_send", "def send"),
    variant(
        "unmarked", "@hookimpl\ndef sms_send", "def sms_auth(account):\n    return None\n\n@hookimpl\ndef sms_send"
    ),
    plugin("empty", ""),
    variant("raises", "return ProviderInfo(", "raise KeyError('price')\n    return ProviderInfo("),
    variant("quits", "return ProviderInfo(", "raise SystemExit('no licence')\n    return ProviderInfo("),
    variant("rubbish", "return ProviderInfo(", "return {}\n    return ProviderInfo("),
    variant("silent", "return ProviderInfo(", "return None\n    return ProviderInfo("),
    variant("limitless", "Limits(1)", "None"),
    variant("incapable", "Capability.SEND", "'fly'"),
    variant("alias", '"alias"', '"other"'),
    variant("cased", '"cased"', '"Cased"'),
    plugin("Capital", name="sms-upper"),
    plugin("capital", name="sms-lower"),
    plugin("a-value", value="not a module"),
)

IN_WORDS = {
    "twins": "provider 'twins' is claimed by sms-first and sms-second: uninstall all but one",
    "unimportable": "provider 'unimportable' cannot be imported: "
    "ModuleNotFoundError: No module named 'there_is_no_such_module'",
    "unparsable": "provider 'unparsable' cannot be imported: SyntaxError: …",
    "exits": "provider 'exits' cannot be imported: SystemExit: libsms is missing",
    "nowhere": "provider 'nowhere' cannot be imported: "
    "AttributeError: module 'fake_nowhere' has no attribute 'missing'",
    "too-new": "provider 'too-new' of sms-too-new 2.0 is for sms-core <2,>=1, and this is 0.1.0: "
    "pip install --upgrade sms-core sms-too-new",
    "too-old": "provider 'too-old' of sms-too-old 1.0 is for sms-core <0.1, and this is 0.1.0: "
    "pip install --upgrade sms-core sms-too-old",
    "misspelt": "provider 'misspelt': unknown hook 'sms_parse_respons' in plugin …; did you mean sms_parse_response?",
    "shouted": "provider 'shouted': unknown hook 'SMS_send' in plugin …; did you mean sms_send?",
    "stranger": "provider 'stranger': unknown hook 'sms_fly' in plugin …>",
    "misnamed": "provider 'misnamed': Plugin 'fake_misnamed' for hook 'sms_send' … {'token'} are declared …",
    "hookless": "provider 'hookless' has no hook sms_send: define it, marked with @hookimpl, in <module 'fake_hookless'…",
    "unmarked": "provider 'unmarked': hook sms_auth is not marked with @hookimpl, in <module 'fake_unmarked'…",
    "empty": "provider 'empty' has no hook sms_describe: define it, marked with @hookimpl, in <module 'fake_empty'…",
    "raises": "provider 'raises' cannot describe itself: KeyError: 'price'",
    "quits": "provider 'quits' cannot describe itself: SystemExit: no licence",
    "rubbish": "provider 'rubbish': sms_describe gives no ProviderInfo, but dict",
    "silent": "provider 'silent': sms_describe gives no ProviderInfo, but NoneType",
    "limitless": "provider 'limitless': its ProviderInfo needs Limits, and each capability a Capability",
    "incapable": "provider 'incapable': its ProviderInfo needs Limits, and each capability a Capability",
    "alias": "provider 'alias' describes itself as 'other': both names must be the same",
    "cased": "provider 'cased' describes itself as 'Cased': both names must be the same",
    "Capital": "provider 'Capital' has a name that no DSN can hold: lower-case letters, digits and . _ + -, …",
    "a-value": "provider 'a-value' cannot be imported: …",
}
"""What is said of each; … stands for anything."""

WORKING = {"fine", "elsewhere", "undeclared", "unreadable", "capital"}


def says(pattern: str, text: str) -> bool:
    """Whether the text has the pattern's pieces, in their order, from end to end."""
    position = 0
    pieces = pattern.split("…")
    for piece in pieces:
        found = text.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return text.startswith(pieces[0]) and text.endswith(pieces[-1])


@pytest.fixture(scope="module")
def crowd(install: Install) -> Site:
    """All of them, installed."""
    return install(*CROWD)


@pytest.fixture(scope="module")
def found(crowd: Site) -> dict[str, str]:
    """What `connect` says of each by name, in one process: those that work say their title."""
    names = [name for distribution in CROWD for name in distribution.points if name != "Capital"]
    return crowd.ask("print(json.dumps({name: connect(name) for name in sys.argv[1:]}))", *names)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def listed(crowd: Site) -> dict[str, str]:
    """What `installed_providers` says of each."""
    code = """
found = sms_core.installed_providers()
print(json.dumps({provider.name: provider.info.title if provider.info else str(provider.error) for provider in found}))
"""
    return crowd.ask(code)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", IN_WORDS)
def test_each_broken_plugin_is_told_in_words(name: str, found: dict[str, str], listed: dict[str, str]) -> None:
    assert says(IN_WORDS[name], listed[name]), listed[name]
    if name != "Capital":
        assert found[name] == listed[name]


@pytest.mark.parametrize("name", sorted(WORKING))
def test_what_works_works_beside_them(name: str, found: dict[str, str], listed: dict[str, str]) -> None:
    assert found[name] == listed[name] == f"The {name}"


def test_the_cases_are_all_of_them(listed: dict[str, str]) -> None:
    assert {name for distribution in CROWD for name in distribution.points} == WORKING | IN_WORDS.keys()
    assert listed.keys() >= WORKING | IN_WORDS.keys()


def test_a_dsn_s_provider_is_not_a_name_in_other_letters(crowd: Site) -> None:
    assert crowd.ask("print(json.dumps([connect('CAPITAL'), imported()]))") == ["The capital", ["fake_capital"]]


def test_neither_a_clash_nor_a_foreign_range_is_imported(crowd: Site) -> None:
    code = "print(json.dumps([connect('twins'), connect('too-new'), connect('too-old'), imported()]))"
    assert crowd.ask(code)[-1] == []


def test_a_range_that_cannot_be_read_is_accepted_with_a_warning(crowd: Site) -> None:
    done = crowd.run("-c", "import sms_core; sms_core.connect('unreadable://u:p@')")
    assert done.returncode == 0, done.stderr
    warning = "provider unreadable may be for another version of sms-core, for it was not checked: "
    assert done.stderr == f"{warning}requirement 'sms-core>=bogus' cannot be read\n"
    quiet = crowd.run(
        "-c", "import sms_core; [sms_core.connect(f'{n}://u:p@') for n in ('fine', 'elsewhere', 'undeclared')]"
    )
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_providers_are_those_that_work_and_the_log_names_the_others(crowd: Site) -> None:
    done = crowd.run("-c", "import sms_core; print(*(provider.name for provider in sms_core.providers()))")
    assert set(done.stdout.split()) >= WORKING
    assert not set(done.stdout.split()) & IN_WORDS.keys()
    for name in IN_WORDS:
        assert f"provider {name} does not work: " in done.stderr


@pytest.fixture(scope="module")
def doctor(crowd: Site) -> subprocess.CompletedProcess[str]:
    """``sms doctor --json``."""
    return crowd.run("-m", "sms_core_cli", "doctor", "--json")


@pytest.mark.parametrize("name", IN_WORDS)
def test_doctor_shows_each_with_the_package_that_brought_it(
    name: str, doctor: subprocess.CompletedProcess[str]
) -> None:
    assert doctor.returncode == 2
    (finding,) = (finding for finding in json.loads(doctor.stdout) if finding["what"] == f"provider {name}")
    origin = " and ".join(
        sorted(f"{distribution.name} {distribution.version}" for distribution in CROWD if name in distribution.points)
    )
    assert finding["good"] is False
    assert says(f"{IN_WORDS[name]}… (from {origin})", finding["found"]), finding["found"]


def test_doctor_shows_what_works_with_the_package_that_brought_it(
    doctor: subprocess.CompletedProcess[str],
) -> None:
    good = {finding["what"]: finding["found"] for finding in json.loads(doctor.stdout) if finding["good"]}
    assert good["provider fine"] == "The fine (from sms-fine 1.0)"


def test_the_commands_for_people_show_each_too(crowd: Site) -> None:
    doctor = crowd.run("-m", "sms_core_cli", "doctor")
    table = " ".join(doctor.stdout.split())
    providers = crowd.run("-m", "sms_core_cli", "providers")
    assert (doctor.returncode, providers.returncode) == (2, 0)
    for name in IN_WORDS:
        assert f"│ BAD │ provider {name} │ provider {name!r}" in table
        assert f"{name} does not work: provider {name!r}" in providers.stderr
    for name in WORKING:
        assert f"│ ok │ provider {name} │ The {name} (from" in table
        assert name in providers.stdout


def test_a_half_removed_distribution_is_told_in_words(install: Install) -> None:
    site = install(plugin("halved"), plugin("fine"))
    (site.folder / "sms_halved-1.0.dist-info" / "METADATA").unlink()
    said = "provider 'halved' is not wholly installed (no METADATA): install its package again"
    assert site.ask("print(json.dumps([connect('halved'), connect('fine')]))") == [said, "The fine"]
    findings = json.loads(site.run("-m", "sms_core_cli", "doctor", "--json").stdout)
    assert {"what": "provider halved", "good": False, "found": said} in findings
