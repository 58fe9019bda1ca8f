"""How an unknown row becomes known: by the vendor, by a report, by a late answer, by a person."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest
from outbox_vendor import Vendor, accepted_but_unheard

from sms_core import Capability, ContentRefused, DeliveryReport, DeliveryStatus, Message, TransportError
from sms_core.http import Request, Response
from sms_core.provider import Replay
from sms_core_outbox import Outbox, OutboxError, State
from tests.support.tiny import INFO

A, B = "+886900000001", "+886900000002"
CUT_OFF = TransportError("cut off", sent=True)


def put_unknown(outbox: Outbox, vendor: Vendor, *keys: str, number: str = A) -> None:
    for key in keys:
        vendor.answers = [accepted_but_unheard(vendor)]
        outbox.put(Message("hi", number), key=key)
        assert outbox.drain().unknown == 1


def state_of(outbox: Outbox, key: str = "k") -> State:
    (row,) = outbox.get(key).rows
    return row.state


def test_what_the_vendor_knows_is_accepted_in_its_batch(outbox: Outbox, vendor: Vendor) -> None:
    put_unknown(outbox, vendor, "k")
    vendor.found = f"{A}=b1"
    result = outbox.settle()
    assert (result.asked, result.accepted, result.unknown) == (1, 1, 0)
    (row,) = outbox.get("k").rows
    assert (row.state, row.batch_id) == (State.ACCEPTED, "b1")
    assert row.history[-1].by == "settling"


def test_what_it_surely_does_not_know_is_sent_again(outbox: Outbox, vendor: Vendor) -> None:
    vendor.answers = [CUT_OFF]
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    vendor.found = "proof"
    assert outbox.settle().ready == 1
    assert outbox.drain().accepted == 1
    assert vendor.taken == [(A, "hi")]


def test_no_word_leaves_it_unknown(outbox: Outbox, vendor: Vendor) -> None:
    put_unknown(outbox, vendor, "k")
    result = outbox.settle()
    assert (result.asked, result.unknown) == (1, 1)
    assert state_of(outbox) is State.UNKNOWN


def test_a_failing_question_is_raised_after_the_others_were_asked(outbox: Outbox, vendor: Vendor) -> None:
    put_unknown(outbox, vendor, "1")
    put_unknown(outbox, vendor, "2", number=B)
    vendor.refusal = "NO text"
    with pytest.raises(ContentRefused):
        outbox.settle()
    assert [fields["numbers"] for name, fields in vendor.questions if name == "find_sent"] == [[A], [B]]
    assert {row.state for row in outbox.find()} == {State.UNKNOWN}


def report(batch: str, reference: str = "", status: DeliveryStatus = DeliveryStatus.DELIVERED) -> DeliveryReport:
    return DeliveryReport(A, status, batch, reference, key=f"{batch} {reference} {status.value}")


def test_a_report_after_the_result_gives_the_row_its_status(outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    record = outbox.recorder("main")
    record(report("b1", status=DeliveryStatus.SENT))
    record(report("b1"))
    record(report("b1", status=DeliveryStatus.SENT))
    (row,) = outbox.get("k").rows
    assert (row.state, row.status) == (State.ACCEPTED, DeliveryStatus.DELIVERED)


def test_a_report_of_something_else_changes_nothing(outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(Message("hi", A), key="k")
    outbox.record(report("b7", "elsewhere"))
    outbox.drain()
    assert outbox.get("k").rows[0].status is None


def test_a_person_lets_it_be_sent_again(outbox: Outbox, vendor: Vendor) -> None:
    vendor.answers = [CUT_OFF]
    outbox.put(Message("hi", A), key="k")
    outbox.drain()
    (row,) = outbox.unknown()
    outbox.resolve(row, State.NOT_SENT, because="the vendor's page", by="ann", resend=True)
    assert outbox.drain().accepted == 1
    assert vendor.taken == [(A, "hi")]
    assert not outbox.get("k").rows[0].is_double


@pytest.mark.parametrize(
    "arguments",
    [
        {"outcome": State.READY, "because": "b", "by": "me"},
        {"outcome": State.ACCEPTED, "because": "b", "by": "me", "resend": True},
        {"outcome": State.ACCEPTED, "because": "", "by": "me"},
        {"outcome": State.ACCEPTED, "because": "b", "by": ""},
    ],
)
def test_a_decision_has_an_outcome_a_reason_and_a_name(
    outbox: Outbox, vendor: Vendor, arguments: dict[str, str]
) -> None:
    put_unknown(outbox, vendor, "k")
    with pytest.raises(OutboxError):
        outbox.resolve(outbox.unknown()[0], **arguments)  # type: ignore[arg-type]
    assert state_of(outbox) is State.UNKNOWN


def test_a_batch_that_settling_gave_to_the_wrong_row_goes_to_its_own(outbox: Outbox, vendor: Vendor) -> None:
    put_unknown(outbox, vendor, "settled")

    def settle_meanwhile(request: Request) -> Response:
        batch = vendor.take(request)
        vendor.found = f"{A}={batch}"
        outbox.settle()
        return Response(200, body=f"OK {batch}".encode())

    vendor.answers = [settle_meanwhile]
    outbox.put(Message("hi", A), key="own")
    outbox.drain()
    (own,), (settled,) = outbox.get("own").rows, outbox.get("settled").rows
    assert (own.state, own.batch_id) == (State.ACCEPTED, "b2")
    assert (settled.state, settled.batch_id) == (State.UNKNOWN, None)


def mark_unknown(outbox: Outbox) -> None:
    """As another worker does once the claim is older than any call may be."""
    with outbox._database.write() as connection:
        connection.exec_driver_sql("UPDATE sms_outbox_row SET state = 'unknown' WHERE state = 'sending'")


def release_row(outbox: Outbox) -> None:
    """What must not happen, and is to be told if it does."""
    with outbox._database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE sms_outbox_row SET state = 'ready', claim = NULL, holder = NULL WHERE state = 'sending'"
        )


KEYED = attrs.evolve(
    INFO,
    capabilities=INFO.capabilities - {Capability.SETTLE},
    replay=Replay(timedelta(hours=12), "taken before"),
)
