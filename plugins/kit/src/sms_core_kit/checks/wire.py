"""Each recording as it stands: its requests byte for byte, its result or its error."""

from __future__ import annotations

import attrs

from sms_core.errors import SmsError
from sms_core.serialize import to_data
from sms_core_kit.checks.base import Checks
from sms_core_kit.checks.findings import assert_nothing
from sms_core_kit.compare import differences, error_differences, request_differences
from sms_core_kit.recordings import Recording


class WireChecks(Checks):
    """Requests, results and errors, that the hooks which make them are pure, and the same in both colours."""

    def requests_are_byte_for_byte(self, recording: Recording) -> None:
        """Method, URL, headers and body of each request are those recorded, and there is none more."""
        made = self.subject.played(recording).requests
        recorded = [wire.request.request() for wire in recording.wire]
        found = request_differences(recorded, made)
        assert_nothing(found)

    def answer_gives_the_result(self, recording: Recording) -> None:
        """Each field of the result that the recording names is as recorded."""
        if recording.error is not None:
            return
        played = self.subject.played(recording)
        if played.error is not None:
            raise played.error
        found = differences(recording.result, played.value, "result")
        assert_nothing(found)

    def answer_gives_the_error(self, recording: Recording) -> None:
        """The vendor's refusal is the error that the recording names, exactly, with the fields that it names."""
        if recording.error is None:
            return
        found = error_differences(recording.error, self.subject.played(recording).error, "error")
        assert_nothing(found)

    def hooks_are_pure(self, recording: Recording) -> None:
        """The same recording once more makes the same requests: no clock, no counter, no chance."""
        found = request_differences(self.subject.played(recording).requests, self.subject.play(recording).requests)
        if found:
            assert_nothing(["played twice, the requests differ:", *found])

    def an_event_loop_makes_no_difference(self, recording: Recording) -> None:
        """Through an `AsyncClient` the requests and what they come to are the same."""
        if recording.message is not None and not recording.message.reference:
            message = attrs.evolve(recording.message, reference="kit")  # else one is made up for each play
            recording = attrs.evolve(recording, message=message)
        played, in_loop = self.subject.play(recording), self.subject.play(recording, in_loop=True)
        found = request_differences(played.requests, in_loop.requests)
        if found:
            assert_nothing(["in an event loop the requests differ:", *found])
        assert to_data(in_loop.value) == to_data(played.value)
        assert type(in_loop.error) is type(played.error)
        if isinstance(played.error, SmsError):
            assert to_data(in_loop.error) == to_data(played.error)
