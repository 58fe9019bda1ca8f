"""What is wrong in a file of recordings is said with the file, the recording and the key; nothing is overlooked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.kit.tests.conformance.acme import INFO
from sms_core import Message
from sms_core_kit import RecordingFileError
from sms_core_kit.recordings import Book, load_book

ROOT = Path(__file__).parents[4]
HEAD = """
document = "Acme's API"
[[recording]]
name = "one text"
section = "1"
operation = "send"
message = { text = "a", to = "+886900000001" }
result = { accepted = 1 }
"""
WIRE = """
[[recording.wire]]
request.url = "https://acme.invalid/send"
answer.body = "OK"
"""
PUSH = """
document = "Acme's API"
[[callback]]
name = "a report"
section = "6"
request.form = { a = "1" }
events = [{ kind = "report" }]
"""


def load(folder: Path, text: str) -> Book:
    (folder / "sends.toml").write_text(text, encoding="utf-8")
    return load_book(folder, INFO)


WRONG = {
    "an unknown key": (HEAD + "retries = 3", "sends.toml::one text: unknown key 'retries'; there are .*wire"),
    "an unknown key of a message": (
        HEAD.replace('text = "a"', 'txt = "a"'),
        "sends.toml::one text: .*unknown key 'txt'",
    ),
    "an unknown key of a request": (
        HEAD + WIRE + 'request.verb = "PUT"',
        "sends.toml::one text: unknown key 'verb'.*wire",
    ),
    "an unknown key of the file": ("vendor = 1\n" + HEAD, "sends.toml: unknown key 'vendor'"),
    "no document": (HEAD.replace("document", "#"), "sends.toml: the key document"),
    "no name": (HEAD.replace("name", "#"), "sends.toml: recording number 1 has no name"),
    "no section": (HEAD.replace("section", "#"), "sends.toml::one text: the key 'section' is missing"),
    "an empty section": (HEAD.replace('"1"', '""'), "sends.toml::one text: section says"),
    "an unknown operation": (HEAD.replace('"send"', '"sned"'), "sends.toml::one text: .*sned.*operation"),
    "no message": (HEAD.replace("message", "#"), "sends.toml::one text: message is what"),
    "a message that is none": (HEAD.replace('"a"', "1"), "sends.toml::one text: needs str, not 1.*message.text"),
    "a batch id for a send": (HEAD + 'arguments.batch_id = "1"', "sends.toml::one text: arguments.batch_id is what"),
    "no result": (HEAD.replace("result", "#"), "sends.toml::one text: result or error: exactly one"),
    "result and error": (HEAD + 'error.type = "NotFound"', "sends.toml::one text: result or error: exactly one"),
    "an error that does not exist": (
        HEAD.replace("result", "#") + 'error.type = "NoMoney"',
        "sends.toml::one text: error.type is the name of an error of sms_core, not 'NoMoney'",
    ),
    "an error of Python": (
        HEAD.replace("result", "#") + 'error.type = "ValueError"',
        "error.type is the name of an error of sms_core, not 'ValueError'",
    ),
    "a time without a zone": (HEAD + "now = 2026-01-01T00:00:00", "sends.toml::one text: needs a time with its zone"),
    "a body twice": (HEAD + WIRE + 'answer.body_base64 = "AA=="', "body and body_base64 are two of one thing"),
    "a body and a form": (HEAD + WIRE + 'request.body = "a"\nrequest.form = {}', "form and body are two of one thing"),
    "what the charset lacks": (
        HEAD + WIRE.replace("OK", "😀") + 'answer.charset = "big5"',
        "sends.toml::one text: 'big5'",
    ),
    "a failure that does not exist": (HEAD + WIRE + 'answer.fails = "sometimes"', "sometimes"),
    "the options of another vendor": (
        HEAD.replace('text = "a"', 'text = "a", options = { popup = true }'),
        "sends.toml::one text: .*options.* is nothing that this provider has",
    ),
    "like nothing": (
        HEAD + '[[recording]]\nname = "two"\nlike = "three"',
        "sends.toml::two: like: no recording of this file has the name 'three'",
    ),
    "an answer to nothing": (
        HEAD + '[[recording]]\nname = "two"\nlike = "one text"\nanswer.body = "NO"\nresult = {}',
        "sends.toml::two: answer: takes the place",
    ),
    "a name twice": (
        HEAD + HEAD.partition("]]")[2].join(("[[recording]]", "")),
        "there are two recordings of this name",
    ),
    "no TOML": ("[", "sends.toml: "),
    "a push without a kind": (PUSH.replace('kind = "report"', 'batch_id = "1"'), "sends.toml::a report: events.kind"),
    "a push without events": (PUSH.replace("events", "#"), "sends.toml::a report: events or error: exactly one"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_its_place(name: str, tmp_path: Path) -> None:
    text, words = WRONG[name]
    with pytest.raises(RecordingFileError, match=words):
        load(tmp_path, text)


def test_a_folder_without_files_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(RecordingFileError, match=r"has no files of recordings, such as sends\.toml"):
        load_book(tmp_path, INFO)


def test_what_is_right_is_read(tmp_path: Path) -> None:
    (recording,) = load(tmp_path, HEAD + WIRE + 'request.query = { a = "b c" }\nrequest.charset = "big5"').recordings
    assert (str(recording), recording.document, recording.section) == ("sends::one text", "Acme's API", "1")
    assert recording.message == Message("a", "+886900000001")
    assert recording.wire[0].request.request().url == "https://acme.invalid/send?a=b+c"
    (push,) = load(tmp_path, PUSH).callbacks
    assert push.request.request().fields() == {"a": "1"}


def test_another_one_like_it_has_its_request_and_an_answer_of_its_own(tmp_path: Path) -> None:
    more = '[[recording]]\nname = "two"\nlike = "one text"\nanswer.body = "NO"\nerror = { type = "NotFound" }'
    first, two = load(tmp_path, HEAD + WIRE + more).recordings
    assert two.wire[0].request == first.wire[0].request
    assert (two.wire[0].answer.body, two.result, two.succeeds, two.message) == ("NO", None, False, first.message)


def test_pytest_shows_one_line_for_a_file_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "sends.toml").write_text(HEAD + "retries = 3", encoding="utf-8")
    suite = "from pathlib import Path\nfrom sms_core_kit import ProviderConformance\n"
    suite += "from plugins.kit.tests.conformance.acme import Acme\n\nclass TestAcme(ProviderConformance):\n"
    suite += "    provider, dsn, recordings = Acme(), 'acme://u:p@', Path(__file__).parent\n"
    (tmp_path / "test_acme.py").write_text(suite, encoding="utf-8")
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "sends.toml::one text: unknown key 'retries'" in done.stdout
    assert "Traceback" not in done.stdout
    assert "in load_book" not in done.stdout
