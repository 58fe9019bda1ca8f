"""What the library costs: ratios and microseconds, measured within one run. ``python -m nox -s bench``."""

from __future__ import annotations

import json
import multiprocessing
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import urllib3

import sms_core
from sms_core import CallbackRequest
from sms_core.http import Response
from sms_core.provider import GetInbound, GetReports, form_request
from sms_core.text import count_segments

# For the distributions of the tests.
sys.path.append(str(Path(__file__).parents[2]))

from tests.engine.installed.distributions import Site, plugin

BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
BODY = f"87.00,1,1.0,0,{BATCH}".encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
SENDS = 3000
PAGES = 30
VENDORS = 100
ROWS = 1000


def serve(listener: socket.socket) -> None:
    """Answer every request of every connection, one connection at a time, with one accepted message."""
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
            head, found, rest = received.partition(b"\r\n\r\n")
            if not found:
                continue
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            if len(rest) >= int(length.partition(b":")[2]):
                connection.sendall(ANSWER)
                received = b""


def microseconds(job: Callable[[], object], times: int) -> float:
    """The time of one call, the best of three rounds."""
    job()
    rounds = []
    for _ in range(3):
        started = time.perf_counter()
        for _ in range(times):
            job()
        rounds.append((time.perf_counter() - started) / times * 1e6)
    return min(rounds)


def bench_send(port: int) -> None:
    """One send on a kept-alive connection, next to raw urllib3 with the same request."""
    request = form_request(f"http://127.0.0.1:{port}/API21/HTTP/SendSMS.ashx", {"MSG": "text", "DEST": "+886900000001"})
    with urllib3.PoolManager() as pool:
        raw = microseconds(
            lambda: pool.urlopen(request.method, request.url, body=request.body, headers=dict(request.headers)).data,
            SENDS,
        )
    dsn = f"every8d://UID:PWD@127.0.0.1:{port}?scheme=http&auth=password"
    with sms_core.connect(dsn) as sms:
        ours = microseconds(lambda: sms.send("text", to="0900000001"), SENDS)
    print(f"one send: {ours:.0f} µs, raw urllib3 {raw:.0f} µs, ratio {ours / raw:.2f}")


def bench_reports() -> None:
    """One row of a page of 1,000 delivery reports, in each form of the vendor."""
    row = {"MR": "1", "NAME": "", "MOBILE": "+886900000001", "SEND_TIME": "2021-12-16 16:09:06", "COST": "1.00"}
    row |= {"STATUS": "100", "REAL_COST": "1.00", "RECEIVED_TIME": "2021-12-16 16:09:06"}
    tab = "\t+886900000001\t2021/12/16 16:09:06\t1.00\t100\t2021/12/16 16:09:06\n"
    xml = (
        "<SMS><NAME/><MOBILE>+886900000001</MOBILE><SENT_TIME>2021/12/16 16:09:06</SENT_TIME><STATUS>100</STATUS></SMS>"
    )
    pages = {
        "json": json.dumps({"SMS_COUNT": ROWS, "DATA": [row] * ROWS}),
        "tab": f"{ROWS}\r\n{tab * ROWS}",
        "xml": f'<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="{ROWS}">{xml * ROWS}</GET_DELIVERY_STATUS></SMS_LOG>',
    }
    for form, page in pages.items():
        with sms_core.connect(f"every8d://UID:PWD@?auth=password&report_format={form}") as sms:
            response = Response(200, body=page.encode())
            spent = microseconds(lambda: sms._provider.parse(GetReports("b"), response), PAGES)  # noqa: B023
        print(f"one delivery report of {ROWS}, {form}: {spent / ROWS:.1f} µs")


PUSHES = {
    "every8d": CallbackRequest(
        "GET",
        "/every8d",
        f"BatchID={BATCH}&RM=%2B886900000001&RT=20251114120000&STATUS=100&SM=&MR=A17&SUBJECT=&NAME=&CHARGE=1.00",
    ),
    "every8d-soap": CallbackRequest(
        "GET", "/every8d", f"BatchID={BATCH}&RM=%2B886900000001&RT=20090210120000&STATUS=100&SM=&MR=1&USERID=UID"
    ),
    "mitake": CallbackRequest(
        "GET",
        "/mitake",
        "msgid=8091234567&dstaddr=0900000001&dlvtime=20060810125612&donetime=20060810165612&statusstr=DELIVRD"
        "&statuscode=0&StatusFlag=4",
    ),
    "smsgo": CallbackRequest(
        "GET", "/smsgo", "msgid=1512100111447143&statusstr=DELIVRD&statuscode=0&dstaddr=0900000001"
    ),
    "sms-get": CallbackRequest(
        "POST",
        "/sms-get",
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=b"sms_id=1783822&content=0900000001%7C%240040B0FA7%7C2016-09-13+05%3A07%3A55%7CDELIVRD",
    ),
    "twilio": CallbackRequest(
        "POST",
        "/twilio",
        headers={
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": "qHsv2cUrub2C57HH2F+56y4bKEI=",
        },
        body=b"MessageSid=SM00000000000000000000000000000001&MessageStatus=delivered&To=%2B886900000001&From=%2B886900000002&AccountSid=AC1&ApiVersion=2010-04-01",
    ),
}
OPTIONS = {"twilio": "?callback_url=https://example.com/sms"}
"""What a provider needs beside its credentials."""


def bench_pushes() -> None:
    """One pushed event, from the request to the value, without a server."""
    for provider, request in PUSHES.items():
        with sms_core.connect(f"{provider}://UID:PWD@{OPTIONS.get(provider, '')}") as sms:
            spent = microseconds(lambda: sms.parse_callback(request), SENDS)  # noqa: B023
        print(f"one pushed event, {provider}: {spent:.0f} µs")


def bench_soap_reports() -> None:
    """One row of a page of 1,000 over SOAP: escaped within its envelope, as recorded and as the document prints it."""
    row = "<SMS><NAME/><MOBILE>+886900000001       </MOBILE><SENT_TIME>{}</SENT_TIME><COST>1.00</COST><STATUS>100</STATUS>{}</SMS>"
    reply = "<REPLY_SMS><REPLY_TIME>2010/3/23 12:05:09 </REPLY_TIME><MESSAGE>\r\n<![CDATA[回覆簡訊]]>\r\n</MESSAGE></REPLY_SMS>"
    rows = {"plain": row.format("2021/12/16 16:09:06", ""), "with a reply": row.format("2010/3/20 03:27:50", reply)}
    for name, one in rows.items():
        log = f'<SMS_LOG><CODE>0</CODE><GET_DELIVERY_STATUS COUNT="{ROWS}">{one * ROWS}</GET_DELIVERY_STATUS></SMS_LOG>'
        result = f"<getDeliveryStatusResult>{escape(log)}</getDeliveryStatusResult>"
        answer = f'<getDeliveryStatusResponse xmlns="http://tempuri.org/">{result}</getDeliveryStatusResponse>'
        envelope = (
            f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{answer}</s:Body></s:Envelope>'
        )
        with sms_core.connect("every8d-soap://UID:PWD@") as sms:
            response = Response(200, body=envelope.encode())
            for operation in (GetReports("b"), GetInbound("b")):
                spent = microseconds(lambda: sms._provider.parse(operation, response), PAGES)  # noqa: B023
                print(f"one row of {ROWS} over SOAP, {name}, as {operation.name}: {spent / ROWS:.1f} µs")


def bench_text() -> None:
    """Counting and planning, without a network."""
    message = sms_core.Message(
        "親愛的{name}，您好", [sms_core.Recipient(f"+8869{n:08}", params={"name": n}) for n in range(ROWS)]
    )
    with sms_core.connect("every8d://UID:PWD@") as sms:
        spent = microseconds(lambda: sms.preview(message), PAGES)
    print(f"one recipient of a preview of {ROWS}: {spent / ROWS:.1f} µs")
    print(f"one text of 160 characters: {microseconds(lambda: count_segments('a' * 160), SENDS):.1f} µs")


CONNECT = """
import json, time
import sms_core

spent = []
for vendor in [0] * 50 + list(range(1, 50)):
    started = time.perf_counter()
    sms_core.connect(f"vendor{vendor}://u:p@").close()
    spent.append((time.perf_counter() - started) * 1e6)
again, others = sorted(spent[1:50]), sorted(spent[50:])
print(json.dumps([spent[0], again[24], again[-1], others[24], others[-1]]))
"""


def bench_connect() -> None:
    """`connect` in a new interpreter with 100 vendors: the first, the same again, others."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder) / "site")
        site.install(plugin(f"vendor{number}") for number in range(VENDORS))
        first, again, worst, other, worst_other = site.ask(CONNECT)
    print(f"connect with {VENDORS} vendors installed, first: {first:.0f} µs")
    print(f"connect again: {again:.0f} µs, worst of 49: {worst:.0f} µs")
    print(f"connect to another vendor for the first time: {other:.0f} µs, worst of 49: {worst_other:.0f} µs")


def main() -> None:
    """Run all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = multiprocessing.get_context("fork").Process(target=serve, args=(listener,), daemon=True)
        server.start()
        bench_send(listener.getsockname()[1])
        server.terminate()
    bench_connect()
    bench_reports()
    bench_pushes()
    bench_soap_reports()
    bench_text()


if __name__ == "__main__":
    main()
