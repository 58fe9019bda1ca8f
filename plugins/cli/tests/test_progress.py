"""How far a campaign is, where no terminal shows a bar."""

from __future__ import annotations

import pytest

from sms_core_cli.campaign_runs.progress import progress_bar


@pytest.mark.parametrize(("total", "said"), [(4, "Sending: 1/4\nSending: 4/4\n"), (None, "Sending: 1\nSending: 4\n")])
def test_a_pipe_gets_plain_lines(capsys: pytest.CaptureFixture[str], total: int | None, said: str) -> None:
    with progress_bar("Sending", total, shown=True, every=0) as advance:
        advance(1)
        advance(3)
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(("shown", "every"), [(False, 0), (True, 3600)])
def test_a_pipe_gets_nothing_of_what_is_done_soon_or_not_shown(
    capsys: pytest.CaptureFixture[str], shown: bool, every: int
) -> None:
    with progress_bar("Sending", 4, shown=shown, every=every) as advance:
        advance(4)
    assert capsys.readouterr().err == ""
