"""The examples for one-time codes: FastAPI's own, and Supabase's hook."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import importlib.util
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

from sms_core import NotSent, SendResult
from sms_core.testing import memory_exchange

EXAMPLES = Path(__file__).parents[2] / "examples"
NUMBER = "0900000001"
SECRET = base64.b64encode(b"a secret of Supabase").decode()


@pytest.fixture(params=["otp", "supabase"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Asked(NamedTuple):
    """An answer of the application."""

    status: int
    data: Any


class Application:
    """An example in this process, asked as a server asks it."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.loop = asyncio.Runner()
        self.lifespan = app.router.lifespan_context(app)

    def __enter__(self) -> Self:
        self.loop.run(self.lifespan.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.run(self.lifespan.__aexit__(None, None, None))
        self.loop.close()

    def post(self, path: str, data: Any, headers: dict[str, str] | None = None) -> Asked:
        body = json.dumps(data).encode()
        return self.loop.run(self._post(path, body, headers or {}))

    async def _post(self, path: str, body: bytes, headers: dict[str, str]) -> Asked:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        given = {"content-type": "application/json", **headers}
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("192.0.2.1", 1),
        }
        await asyncio.wait_for(self.app(scope, receive, send), 60)
        said = b"".join(message.get("body", b"") for message in sent)
        return Asked(sent[0]["status"], json.loads(said))


@pytest.fixture
def client(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    monkeypatch.setenv("SMS_DSN", f"memory://example-{name}")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/codes.sqlite3")
    monkeypatch.setenv("CODES_KEY", "a key of the application")
    monkeypatch.setenv("SEND_SMS_HOOK_SECRET", f"v1,whsec_{SECRET}")
    memory_exchange(f"example-{name}").reset()
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # pydantic looks a class's annotations up there
    spec.loader.exec_module(module)
    with Application(module.app) as opened:
        yield opened


def accepted(name: str) -> list[str]:
    return [message.text for message in memory_exchange(f"example-{name}").accepted]


@pytest.mark.parametrize("name", ["otp"])
def test_a_person_logs_in_with_a_code(client: Application, name: str) -> None:
    assert client.post("/codes", {"number": NUMBER}).data["state"] == "sent"
    assert client.post("/codes", {"number": NUMBER}).data["state"] == "wait"
    (text,) = accepted(name)
    code = re.findall(r"\d{6}", text)[0]
    wrong = client.post("/sessions", {"number": NUMBER, "code": f"{(int(code) + 1) % 10**6:06d}"})
    assert (wrong.status, wrong.data["detail"]) == (401, {"verdict": "wrong", "tries_left": 4})
    assert client.post("/sessions", {"number": NUMBER, "code": code}).status == 200
    assert client.post("/sessions", {"number": NUMBER, "code": code}).status == 401
    assert client.post("/codes", {"number": "12"}).status == 400
    assert client.post("/codes", {"number": "0900000906"}).status == 200


def hook(
    client: Application,
    key: str = "hook-1",
    secret: bytes = b"a secret of Supabase",
    *,
    age: int = 0,
    code: str = "123456",
    shown: str = "v1,other v1,{}",
) -> Any:
    asked = {"user": {"phone": "886900000001"}, "sms": {"otp": code}}
    body = json.dumps(asked)
    stamp = str(int(time.time()) - age)
    signature = base64.b64encode(hmac.new(secret, f"{key}.{stamp}.{body}".encode(), hashlib.sha256).digest()).decode()
    headers = {"webhook-id": key, "webhook-timestamp": stamp, "webhook-signature": shown.format(signature)}
    return client.post("/hooks/send-sms", asked, headers)


@pytest.mark.parametrize("name", ["supabase"])
def test_a_signed_hook_sends_one_text_for_each_id_and_each_body(client: Application, name: str) -> None:
    for key, code in (
        ("hook-1", "1111"),
        ("hook-1", "1111"),
        ("hook-2", "1111"),
        ("hook-1", "2222"),
        ("hook-3", "3333"),
    ):
        answer = hook(client, key, code=code)
        assert (answer.status, answer.data) == (200, {})
    assert accepted(name) == [f"【互動資通】您的驗證碼是 {code}，請勿告訴他人" for code in ("1111", "3333")]


@pytest.mark.parametrize("name", ["supabase"])
def test_while_a_secret_is_replaced_both_sign(client: Application, name: str) -> None:
    assert hook(client, "hook-1", shown="v1,{}, v1,bmV3").status == 200, "as Supabase writes several"
    assert hook(client, "hook-2", b"the new one").status == 401
    new = base64.b64encode(b"the new one").decode()
    client.app.state.keys = sys.modules[f"example_{name}"].keys_of(f"v1,whsec_{SECRET}|v1,whsec_{new}")
    assert hook(client, "hook-3", b"the new one", code="1", shown="v1,b2xk, v1,{}").status == 200
    assert hook(client, "hook-4", code="2").status == 200
    assert len(accepted(name)) == 3


@pytest.mark.parametrize("name", ["supabase"])
def test_what_was_not_sent_is_asked_for_again_and_sent(client: Application, name: str) -> None:
    sms = client.app.state.sms

    class Gone:
        async def send(self, *_: object, **__: object) -> None:
            raise NotSent("no way", SendResult(()))

    client.app.state.sms = Gone()
    assert hook(client).status == 503
    client.app.state.sms = sms
    assert hook(client, "hook-2").status == 200
    assert len(accepted(name)) == 1


@pytest.mark.parametrize("name", ["supabase"])
def test_what_supabase_did_not_sign_lately_is_refused(client: Application, name: str) -> None:
    answers = [
        hook(client, secret=b"another"),
        hook(client, age=301),
        hook(client, age=-301),
        hook(client, ""),
        client.post("/hooks/send-sms", {"user": {"phone": "886900000001"}, "sms": {"otp": "123456"}}),
    ]
    assert [answer.status for answer in answers] == [401] * 5
    assert answers[0].data == {"error": {"http_code": 401, "message": "not signed by Supabase"}}
    assert accepted(name) == []


@pytest.mark.parametrize("name", ["supabase"])
def test_a_number_that_asks_too_often_is_told_to_wait(client: Application, name: str) -> None:
    statuses = [hook(client, f"hook-{number}", code=str(number)).status for number in range(6)]
    assert statuses == [200] * 5 + [429]
    assert len(accepted(name)) == 5
