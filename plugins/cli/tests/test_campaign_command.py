"""``sms campaign``: the preview, the question, the result file, the exit codes."""

from __future__ import annotations

import csv
import threading
from pathlib import Path

import pytest

from plugins.cli.tests.conftest import Sms
from sms_core.testing import Exchange
from sms_core_cli.campaign import Store, begin_run, place_of
from sms_core_sandbox import Sandbox

ROWS = "number,name,text,amount\n0900000001,王,{name}{amount}元,5\n0900000002,林,hi,\n900000003,陳,hi,\n0900000002,林,hi,\n"
GOOD = "number,text\n0900000001,a\n0900000002,b\n"


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "people.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "good.csv").write_text(GOOD, encoding="utf-8")
    return "people.csv"


def results(path: str = "results.csv") -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_dry_run_shows_the_cost_and_sends_nothing(sms: Sms, exchange: Exchange, file: str) -> None:
    done = sms("campaign", file, "--dry-run")
    assert done.code == 0
    for words in ("to send", "lacks its leading 0", "repeats another row"):
        assert words in done.out
    data = sms("campaign", file, "--dry-run", "--json").data
    estimate = data["estimate"]
    shown = {name: estimate[name] for name in ("messages", "requests", "segments", "points", "seconds")}
    assert shown == {"messages": 2, "requests": 1, "segments": 2, "points": "2", "seconds": 1.0}
    assert "carriers in Taiwan drop a text without one" in estimate["warnings"][0]
    assert data["outcomes"]["refused_here"] == 1
    assert data["not_accepted"][0]["rows"] == [4]
    assert exchange.messages == ()
    assert not Path("results.csv").exists()


def test_the_preview_shows_texts_and_why_they_cost_what_they_do(sms: Sms, tmp_path: Path) -> None:
    texts = ["您好", "It’s " + "me" * 40, "{姓名}" + "您好" * 35, "x" * 160]
    rows = "".join(f"090000000{place},王,{text}\n" for place, text in enumerate(texts, 1))
    (tmp_path / "t.csv").write_text(f"手機,姓名,簡訊\n{rows}", encoding="utf-8")
    done = sms("campaign", "t.csv", answer="n\n")
    said = " ".join(done.out.split())
    assert "Row 2, the first text (1 segment, 1 point): 您好" in said
    assert f"Row 5, the longest and dearest text (1 segment, 3 points): {'x' * 160}" in said
    assert "Sending takes about 1 second, with 4 requests side by side" in said
    data = sms("campaign", "t.csv", "--dry-run", "--json").data["estimate"]
    assert [(example["row"], example["why"]) for example in data["examples"]] == [
        (2, ["first"]),
        (5, ["longest", "dearest"]),
    ]
    assert data["examples"][1]["text"] == texts[3]
    assert {reason["reason"]: (reason["rows"], reason["segments"]) for reason in data["reasons"]} == {
        "Chinese, up to 70 characters": (1, 1),
        "Chinese, longer than 70 characters: 67 in each segment": (1, 2),
        "letters and signs of GSM 03.38, up to 160 characters": (1, 1),
        "’ (U+2019 RIGHT SINGLE QUOTATION MARK), which GSM 03.38 lacks, longer than 70 characters: 67 in each segment": (
            1,
            2,
        ),
    }


def test_of_a_very_long_text_the_preview_shows_the_beginning_and_the_end(sms: Sms, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"手機,簡訊\n0900000001,{'字' * 600}結尾。\n", encoding="utf-8")
    shown = "".join(sms("campaign", "t.csv", "--dry-run").out.split())
    assert f"{'字' * 300}[…]{'字' * 57}結尾。Leftouthere:243charactersinthemiddleofit." in shown
    texts = sms("campaign", "t.csv", "--dry-run", "--json").data["estimate"]["examples"]
    assert len(texts[0]["text"]) == 603


def test_a_dry_run_needs_no_network(sms: Sms, file: str) -> None:
    assert sms("campaign", file, "--dry-run", dsn="every8d://u:p@192.0.2.1").code == 0


def test_every_row_is_in_the_results(sms: Sms, exchange: Exchange, file: str) -> None:
    done = sms("campaign", file, "--yes")
    assert done.code == 5
    assert "Cost 2 points" in done.out
    assert "━" not in done.err  # there is no terminal for a bar
    assert "Refused here: 1 row. Mend people.csv, and send what is new in it: sms campaign people.csv" in done.err
    found = results()
    assert [row["outcome"] for row in found] == ["accepted", "accepted", "refused_here", "duplicate"]
    assert [row["name"] for row in found] == ["王", "林", "陳", "林"]
    assert found[0]["batch_id"] == exchange.accepted[0].batch_id
    assert "leading 0" in found[2]["error"]


def test_it_asks_after_the_preview(sms: Sms, exchange: Exchange, file: str) -> None:
    for answer in ("n\n", ""):
        done = sms("campaign", file, answer=answer)
        assert done.code == 3
        assert "Send 2 messages" in done.err
        assert "Nothing was sent" in done.err
    assert exchange.messages == ()
    assert not Path("results.csv").exists()
    assert sms("campaign", file, answer="y\n").code == 5
    assert len(exchange.accepted) == 2


def test_json(sms: Sms, file: str) -> None:
    data = sms("campaign", file, "--yes", "--json", "--results", "r.csv").data
    assert data["outcomes"]["accepted"] == 2
    assert (data["cost"], data["balance"], data["interrupted"], data["results"]) == ("2", "999998", False, "r.csv")
    done = sms("campaign", file, "--json")
    assert (done.code, done.error["type"]) == (2, "ConfigurationError")


def test_exit_codes(sms: Sms, tmp_path: Path, file: str) -> None:
    assert sms("campaign", "good.csv", "--yes").code == 0
    (tmp_path / "refused.csv").write_text("number,text\n0900000909,a\n1,b\n")
    assert sms("campaign", "refused.csv", "--yes", "--overwrite").code == 3
    with Sandbox() as box:
        box.faults.add("drop_after", match="Send")
        done = sms("campaign", "good.csv", "--yes", "--overwrite", "--run", "b", dsn=box.dsn("every8d"))
    assert done.code == 4
    assert "sms campaign settle good.csv" in done.err


def test_results_of_another_file_are_not_overwritten_unasked(sms: Sms, exchange: Exchange, file: str) -> None:
    assert sms("campaign", "good.csv", "--yes").code == 0
    done = sms("campaign", file, "--yes")
    assert (done.code, len(exchange.accepted)) == (2, 2)
    assert "results.csv is there, and not of this run: --results FILE names another" in done.err
    assert sms("campaign", file, "--yes", "--results", "other.csv").code == 5
    assert sms("campaign", "good.csv", "--yes").code == 0
    assert len(exchange.accepted) == 4


def test_where_results_cannot_be_written_nothing_is_sent(sms: Sms, exchange: Exchange, file: str) -> None:
    done = sms("campaign", "good.csv", "--yes", "--results", "no/such/folder/r.csv")
    assert (done.code, exchange.accepted) == (2, ())
    assert "No such file" in done.err


@pytest.mark.parametrize("command", [["settle", "good.csv"], ["good.csv", "--settle"]])
def test_settling_asks_and_sends_nothing(sms: Sms, exchange: Exchange, file: str, command: list[str]) -> None:
    with Sandbox(filter_sees_all=True) as box:
        dsn = box.dsn("every8d", batch_size=1)
        box.faults.add("drop_after", match="Send")
        box.faults.add("500", times=None, match="Send")
        assert sms("campaign", "good.csv", "--yes", "--concurrency", "1", dsn=dsn).code == 4
        box.faults.clear()
        taken = box.exchange.accepted
        assert len(taken) == 1
        done = sms("campaign", *command, dsn=dsn)
        assert "Asked about: 2 rows; accepted 1" in done.out
        assert box.exchange.accepted == taken
        assert [row["outcome"] for row in results()] == ["unknown", "unknown"]  # nothing was written either
        sms("campaign", "export", "good.csv", dsn=None)
        assert results()[0]["outcome"] == "accepted"


def test_settling_has_nothing_to_do_with_sending(sms: Sms, exchange: Exchange, file: str) -> None:
    done = sms("campaign", "good.csv", "--yes", "--settle", "--refused-too")
    assert (done.code, len(exchange.accepted)) == (2, 0)
    assert "--settle sends nothing" in done.err
    assert sms("campaign", "settle", "good.csv").code == 2  # there is no run
    assert not Path("good.csv.sms").exists()


def test_where_a_vendor_cannot_be_asked_it_says_so(sms: Sms, file: str) -> None:
    with Sandbox() as box:
        box.faults.add("drop_after", match="SendSMS")
        done = sms("campaign", "good.csv", "--yes", dsn=box.dsn("smsgo", retries=0))
        assert done.code == 4
        assert "settle" in done.err or "look at its web page" in done.err


def test_waiting_ends_though_some_handsets_never_report(sms: Sms, tmp_path: Path) -> None:
    (tmp_path / "silent.csv").write_text("number,text\n0900000900,a\n")
    assert sms("campaign", "silent.csv", "--yes", "--wait", "1s").code == 0
    assert results()[0]["status"] == "sent"


def test_waiting_and_settling_say_what_fails(sms: Sms, file: str) -> None:
    with Sandbox() as box:
        dsn = box.dsn("every8d", retries=0)
        box.faults.add("drop_after", match="Send")
        box.faults.add("500", times=None, match="Filter")
        assert sms("campaign", "good.csv", "--yes", dsn=dsn).code == 4
        done = sms("campaign", "settle", "good.csv", dsn=dsn)
        assert "could not be asked" in done.err
        box.faults.clear()
        box.faults.add("500", times=None, match="Delivery")
        done = sms("campaign", "good.csv", "--yes", "--wait", "1s", "--run", "b", "--overwrite", dsn=dsn)
        assert "No reports" in done.err


def test_out_of_points_it_pauses_and_the_same_command_goes_on(
    sms: Sms, exchange: Exchange, memory_name: str, tmp_path: Path
) -> None:
    rows = "".join(f"09000001{number:02},a\n" for number in range(20))
    (tmp_path / "many.csv").write_text(f"number,text\n{rows}")
    exchange.add_account("u", "p", 6)
    command = ("campaign", "many.csv", "--yes", "--concurrency", "1")
    dsn = f"memory://u:p@{memory_name}?batch_size=2"
    done = sms(*command, dsn=dsn)
    assert (done.code, len(exchange.accepted)) == (5, 6)
    assert "the run pauses: 14 points more are needed. Top up, and give the same command again." in done.err
    assert {row["outcome"] for row in results()} == {"accepted", "not_sent"}
    assert "too few points" in results()[-1]["error"]
    assert sms(*command, "--json", dsn=dsn).data["missing_points"] == "14"
    status = sms("campaign", "status", "many.csv", "--json", dsn=None).data
    assert (status["waiting"], status["finished"], status["outcomes"]["accepted"]) == (14, False, 6)
    assert "too few points" in status["paused"]
    exchange.set_credit("u", 50)
    assert sms(*command, dsn=dsn).code == 0
    assert len({message.number for message in exchange.accepted}) == len(exchange.accepted) == 20


def test_refused_rows_can_be_tried_again(sms: Sms, exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "refused.csv").write_text("number,text\n0900000909,a\n0900000001,b\n")
    assert sms("campaign", "refused.csv", "--yes").code == 5
    tried = len(exchange.messages)
    assert sms("campaign", "refused.csv", "--yes").code == 5
    assert len(exchange.messages) == tried
    assert "to send" in sms("campaign", "refused.csv", "--yes", "--refused-too").out
    assert [row["outcome"] for row in results()] == ["refused", "accepted"]
    assert len(exchange.accepted) == 1


def test_one_text_for_all_and_the_other_options(sms: Sms, exchange: Exchange, file: str) -> None:
    options = ["--text", "{name}您好", "--subject", "s", "--send-at", "2099-01-01T00:00"]
    assert sms("campaign", file, "--yes", *options).code == 5
    assert {message.text for message in exchange.messages} == {"王您好", "林您好"}
    assert {message.subject for message in exchange.messages} == {"s"}
    assert len(exchange.accepted) == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp950"])
def test_what_excel_writes(sms: Sms, exchange: Exchange, tmp_path: Path, encoding: str) -> None:
    (tmp_path / "excel.csv").write_bytes("Number,Text\r\n0900000001,您好\r\n".encode(encoding))
    done = sms("campaign", "excel.csv", "--yes")
    assert done.code == 0
    assert ("read as Big5" in done.err) is (encoding == "cp950")
    assert exchange.accepted[0].text == "您好"
    assert Path("results.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def excel(path: Path) -> None:
    """Save a result file as Excel does: numbers without their zero, times as it shows them, another encoding."""
    text = path.read_text(encoding="utf-8-sig").replace("09000000", "9000000").replace("T", " ").replace(",", ";")
    path.write_bytes(text.replace("\n", "\r\n").encode("cp950", "replace"))


@pytest.mark.parametrize("command", [["results.csv"], ["good.csv", "--resume", "results.csv"]])
def test_a_result_file_that_excel_saved_can_be_given_back(
    sms: Sms, exchange: Exchange, memory_name: str, file: str, command: list[str]
) -> None:
    exchange.add_account("u", "p", 1)
    dsn = f"memory://u:p@{memory_name}?batch_size=1"
    assert sms("campaign", "good.csv", "--yes", "--concurrency", "1", dsn=dsn).code == 5
    excel(Path("results.csv"))
    exchange.set_credit("u", 5)
    done = sms("campaign", *command, "--yes", dsn=dsn)
    assert done.code == 0
    assert "results.csv had been changed by somebody else; it is" in done.err
    assert [row["outcome"] for row in results()] == ["accepted", "accepted"]
    assert len(exchange.accepted) == 2
    assert Path("results.2.csv").exists()


def test_a_result_file_without_its_run_is_no_table(sms: Sms, exchange: Exchange, file: str, tmp_path: Path) -> None:
    sms("campaign", "good.csv", "--yes")
    (tmp_path / "elsewhere.csv").write_bytes(Path("results.csv").read_bytes())
    done = sms("campaign", "elsewhere.csv", "--yes")
    assert (done.code, len(exchange.accepted)) == (2, 2)
    assert "give the table that was sent" in done.err


def test_files_that_are_not_there_or_not_csv(sms: Sms, tmp_path: Path) -> None:
    assert sms("campaign", "nothing.csv").code == 2
    (tmp_path / "bad.csv").write_text("name\nx\n")
    done = sms("campaign", "bad.csv")
    assert (done.code, "no column 'number'" in done.err) == (2, True)


def test_numbers_are_masked_in_errors_of_the_vendor(sms: Sms, file: str) -> None:
    with Sandbox() as box:
        done = sms("campaign", "good.csv", "--yes", dsn=box.dsn("every8d", password="geheim1"))
    assert done.code == 3
    assert "900000001" not in done.err
    assert "geheim1" not in done.err + done.out + Path("results.csv").read_text(encoding="utf-8")


def test_where_results_can_no_longer_be_written_it_says_where_they_are(
    sms: Sms, exchange: Exchange, tmp_path: Path, file: str
) -> None:
    path = tmp_path / "results.csv"

    def put_a_folder_in_its_place(_: object) -> None:
        if not path.is_dir():
            path.mkdir()
            (path / "x").touch()

    exchange.subscribe(put_a_folder_in_its_place)
    done = sms("campaign", "good.csv", "--yes")
    assert done.code == 0
    assert "could not be replaced; the results are in" in done.err
    assert "Every row's outcome is in results.2.csv" in done.out
    assert [row["outcome"] for row in results("results.2.csv")] == ["accepted", "accepted"]


# Runs that go on, and their verbs


def test_a_finished_run_is_not_joined_without_asking(sms: Sms, exchange: Exchange, file: str, tmp_path: Path) -> None:
    assert sms("campaign", "good.csv", "--yes").code == 0
    done = sms("campaign", "good.csv", "--yes")
    assert (done.code, len(exchange.accepted)) == (0, 2)
    assert "This run is finished. A new one: sms campaign good.csv --run NAME" in done.err
    (tmp_path / "good.csv").write_text("number,text\n0900000001,a\n0900000002,next month\n0900000003,c\n")
    done = sms("campaign", "good.csv", "--yes")
    assert (done.code, len(exchange.accepted)) == (2, 2)
    assert "sms campaign good.csv asks whether to add them, and with --run NAME begins a new run" in done.err
    done = sms("campaign", "good.csv", answer="y\n")
    assert "The file has changed: 1 row added, 1 edited, 0 removed." in done.out
    assert "The run is finished. Add them to it?" in done.err
    assert (done.code, len(exchange.accepted)) == (0, 4)
    assert sms("campaign", "good.csv", "--yes", "--run", "december").code == 0
    assert (len(exchange.accepted), len(results("results-december.csv"))) == (7, 3)
    done = sms("campaign", "results.csv", "--yes")  # of the first run, though another one is the latest
    assert (done.code, len(exchange.accepted)) == (0, 7)
    assert "This goes on with the run 1, begun" in done.out


def test_a_run_of_a_name_of_its_own_that_ended_before_its_results_goes_on_without_its_name(
    sms: Sms, exchange: Exchange, file: str
) -> None:
    sms("campaign", "good.csv", "--yes")
    with Store(place_of(Path("good.csv")), "") as store:
        begin_run(store, "december")
    assert sms("campaign", "export", "good.csv", "--json", dsn=None).data == {"results": "results-december.csv"}
    Path("results-december.csv").unlink()
    assert sms("campaign", "good.csv", "--yes").code == 0
    assert (len(exchange.accepted), len(results("results-december.csv"))) == (4, 2)


def test_the_preview_in_json_has_what_changed(sms: Sms, file: str, tmp_path: Path) -> None:
    assert sms("campaign", "good.csv", "--dry-run", "--json").data["changes"] is None
    sms("campaign", "good.csv", "--yes")
    (tmp_path / "good.csv").write_text("number,text\n0900000001,a\n")
    data = sms("campaign", "good.csv", "--dry-run", "--json").data
    assert data["changes"] == {"added": 0, "removed": 1, "edited": 0, "taken_back": 0}
    assert (data["run"]["name"], data["outcomes"]["accepted"]) == ("1", 1)


def test_what_waits_can_be_paused_and_continued(sms: Sms, exchange: Exchange, memory_name: str, file: str) -> None:
    exchange.add_account("u", "p", 1)
    dsn = f"memory://u:p@{memory_name}?batch_size=1"
    sms("campaign", "good.csv", "--yes", "--concurrency", "1", dsn=dsn)
    exchange.set_credit("u", 9)
    sms("campaign", "continue", "good.csv", answer="n\n", dsn=dsn)
    assert len(exchange.accepted) == 1
    # A pause by itself becomes one that a person ends.
    sms("campaign", "pause", "good.csv", "--because", "a wrong price", dsn=None)
    Path("good.csv").unlink()
    done = sms("campaign", "continue", "good.csv", answer="y\n", dsn=dsn)
    assert (done.code, len(exchange.accepted)) == (0, 2)
    assert "Send 1 message with In memory, for tests, about 1 point?" in done.err
    assert [row["outcome"] for row in results()] == ["accepted", "accepted"]


def test_a_run_that_a_person_paused_is_not_sent(sms: Sms, exchange: Exchange, file: str) -> None:
    sms("campaign", "good.csv", "--yes")
    done = sms("campaign", "pause", "good.csv", "--because", "a wrong price", dsn=None)
    assert "To go on: sms campaign continue good.csv" in done.out
    Path("good.csv").write_text("number,text\n0900000005,e\n")
    done = sms("campaign", "good.csv", answer="y\n")
    assert (done.code, len(exchange.accepted)) == (3, 2)
    assert "The run pauses: a wrong price. Nothing was sent." in done.err


def test_verbs_need_no_account_and_change_nothing_else(sms: Sms, exchange: Exchange, file: str) -> None:
    for verb in ("status", "pause", "export", "forget"):
        done = sms("campaign", verb, "good.csv", dsn=None)
        assert (done.code, "has no run" in done.err) == (2, True)
    sms("campaign", "good.csv", "--yes")
    assert "accepted" in sms("campaign", "status", "good.csv", dsn=None).out
    Path("results.csv").unlink()
    assert sms("campaign", "export", "good.csv", "--json", dsn=None).data == {"results": "results.csv"}
    done = sms("campaign", "forget", "good.csv", answer="n\n", dsn=None)
    assert (done.code, "Nothing was blanked." in done.err) == (3, True)
    assert "Blanked: 2 rows." in sms("campaign", "forget", "good.csv", "--yes", dsn=None).out
    sms("campaign", "export", "good.csv", dsn=None)
    assert [(row["number"], row["outcome"]) for row in results()] == [("", "accepted"), ("", "accepted")]
    assert sms("campaign", "good.csv", "--yes", "--results", "other.csv").code == 0
    assert len(exchange.accepted) == 2


def test_a_file_in_a_synchronised_folder_keeps_its_run_elsewhere(
    sms: Sms, exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "OneDrive - Shop"
    folder.mkdir()
    (folder / "good.csv").write_text(GOOD)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for _ in range(2):
        done = sms("campaign", str(folder / "good.csv"), "--yes")
        assert done.code == 0
        assert "Note: the run is kept in" in done.err
        assert "synchronised" in done.err
    assert len(exchange.accepted) == 2
    assert [path.name for path in folder.iterdir()] == ["good.csv"]
    (database,) = (tmp_path / "state" / "sms-core" / "campaigns").glob("*.sms")
    assert database.stat().st_mode & 0o777 == 0o600


def test_a_shared_database_keeps_the_runs_of_files_apart(sms: Sms, exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "b.csv").write_text(GOOD)
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    for name in ("a", "b", "a"):
        assert sms("campaign", f"{name}.csv", "--yes", "--outbox", url, "--results", f"{name}.results.csv").code == 0
    assert len(exchange.accepted) == 4
    assert not list(tmp_path.glob("*.sms"))
    assert "accepted" in sms("campaign", "status", "a.csv", "--outbox", url, dsn=None).out


def test_a_rate_makes_sending_longer(sms: Sms, exchange: Exchange, file: str) -> None:
    assert (
        "Sending takes about 2 seconds, at 1 texts a second."
        in sms("campaign", "good.csv", "--dry-run", "--rate", "1").out
    )
    assert sms("campaign", "good.csv", "--yes", "--rate", "50").code == 0
    assert len(exchange.accepted) == 2


def test_an_account_has_a_rate_of_its_own(sms: Sms, memory_name: str, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.toml"
    table = f'[accounts.shop]\ndsn = "memory://{memory_name}"\nrate = '
    accounts.touch(mode=0o600)
    accounts.write_text(f"{table}0.5\n", encoding="utf-8")
    (tmp_path / "two.csv").write_text("number,text\n0900000001,a\n0900000002,b\n", encoding="utf-8")
    dry_run = ("campaign", "two.csv", "--dry-run")
    assert "Sending takes about 4 seconds, at 0.5 texts a second." in sms(*dry_run, dsn=None).out
    assert "about 2 seconds, at 1 texts a second." in sms(*dry_run, "--rate", "1", dsn=None).out
    accounts.write_text(f'{table}"fast"\n', encoding="utf-8")
    assert "the rate of the account 'shop' is no number" in sms(*dry_run, dsn=None).err


def test_a_vendor_that_is_not_there_is_not_waited_for_all_day(
    sms: Sms, exchange: Exchange, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sms_core_cli.campaign.sending.send.__kwdefaults__", {"stop": lambda: False, "patience": 0.3})
    dsn = "every8d://u:p@127.0.0.1:9?scheme=http&auth=password"
    done = sms("campaign", "good.csv", "--yes", dsn=dsn)
    assert done.code == 3
    assert "Not sent: 2 rows, which can be sent safely: sms campaign continue good.csv" in done.err


def test_outside_the_main_thread_signals_are_left_alone(sms: Sms, exchange: Exchange, file: str) -> None:
    thread = threading.Thread(target=sms, args=("campaign", "good.csv", "--yes"))
    thread.start()
    thread.join(20)
    assert len(exchange.accepted) == 2


def test_a_time_that_no_calendar_has_refuses_its_row_alone(
    sms: Sms, exchange: Exchange, tmp_path: Path, file: str
) -> None:
    rows = "number,text,send_at\n0900000001,a,9999-12-31T23:59:59-12:00\n0900000002,b,\n"
    (tmp_path / "late.csv").write_text(rows)
    done = sms("campaign", "late.csv", "--yes")
    assert done.code == 5
    assert [row["outcome"] for row in results()] == ["refused_here", "accepted"]
    assert [message.number for message in exchange.accepted] == ["+886900000002"]
    options = ("--send-at", "9999-12-31T23:59:59-12:00", "--overwrite")
    assert sms("campaign", "good.csv", "--yes", *options).code == 2
    assert sms("send", "hi", "--to", "0900000001", "--send-at", "0001-01-01T00:00").code == 2


@pytest.mark.parametrize("encoding", ["idna", "punycode", "undefined", "base64", "\0", "utf-7"])
def test_an_encoding_that_cannot_read_the_file_is_wrong_use(sms: Sms, file: str, encoding: str) -> None:
    Path(file).write_bytes(b"number,text\n0900000001,\xff+\xff\n")
    assert sms("campaign", file, "--yes", "--encoding", encoding).code == 2
