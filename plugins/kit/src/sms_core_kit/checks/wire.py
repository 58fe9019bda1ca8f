"""Each exchange as it is recorded: its requests byte for byte, its result, its error."""

from __future__ import annotations

from sms_core_kit.checks.base import Checks
from sms_core_kit.compare import differences, error_differences, request_differences
from sms_core_kit.exchanges import RecordedExchange


class WireChecks(Checks):
    """Requests, results and errors of the exchanges."""

    def test_requests_are_byte_for_byte(self, exchange: RecordedExchange) -> None:
        """Method, URL, headers and body of each request are those recorded, and there is none more."""
        made = self.subject.play(exchange).requests
        recorded = [wire.request.request() for wire in exchange.wire]
        found = request_differences(recorded, made)
        assert not found, exchange.told(found)

    def test_answer_gives_the_result(self, successful: RecordedExchange) -> None:
        """Each field of the result that the exchange names is as recorded."""
        played = self.subject.play(successful)
        if played.error is not None:
            raise played.error
        found = differences(successful.result, played.value, "result")
        assert not found, successful.told(found)

    def test_answer_gives_the_error(self, failing: RecordedExchange | None) -> None:
        """The vendor's refusal is the error that the exchange names, exactly, with the fields that it names."""
        assert failing is not None, "no exchange has an error: record the vendor's refusals, such as in errors.toml"
        assert failing.error is not None
        found = error_differences(failing.error, self.subject.play(failing).error, "error")
        assert not found, failing.told(found)
