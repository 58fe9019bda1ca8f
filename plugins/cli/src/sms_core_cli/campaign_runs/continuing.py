"""``sms campaign continue FILE``: what waits is sent, without the file."""

from __future__ import annotations

from attrs import define

from sms_core.errors import ConfigurationError
from sms_core_cli import exit_codes
from sms_core_cli.campaign import place_of
from sms_core_cli.campaign_runs.sender import Sender
from sms_core_cli.campaign_runs.verbs import run_of
from sms_core_cli.language import _
from sms_core_cli.output import note
from sms_core_outbox import State


@define
class Continuing(Sender):
    """``sms campaign continue FILE``."""

    def run(self) -> int:
        """Do it. Gives the exit code."""
        if self.as_json and not self.yes:
            raise ConfigurationError("--json cannot ask: add --yes")
        with (
            self.account.connect_to_send() as client,
            self.store(place_of(self.file, self.url), client) as store,
        ):
            run = run_of(store, self.command)
            results = self.result_file(run)
            found = run.overview()
            waiting = found.states[State.READY]
            if waiting and not self.agreed(client, waiting, found.waiting_points):
                note(_("Nothing was sent."))
                return exit_codes.REFUSED
            return self.go(client, run, None, results)
