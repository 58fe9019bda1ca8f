"""Send with the built wheels of the core and of one vendor alone: ``python send_from_wheels.py DIST``.

Makes a clean environment, installs the two wheels, and sends through a scripted server on this machine. There is no
command, no kit, no scaffold and no sandbox in that environment. Then installs the extra ``cli``, whose command works.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import venv
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BATCH = "c496f706-9b0f-4ff8-9644-9503edbb7064"
SEND = f"""
import importlib.util
import sys
import sms_core
assert {{info.name for info in sms_core.providers()}} == {{"every8d", "every8d-soap", "memory"}}, sms_core.providers()
with sms_core.connect(sys.argv[1]) as sms:
    result = sms.send("您的驗證碼是 123456", to="0900000001")
assert result.batch_id == "{BATCH}", result
assert not {{"starlette", "click", "rich", "uvicorn"}} & set(sys.modules)
for package in ("sms_core_cli", "sms_core_kit", "sms_core_sandbox", "click", "rich", "copier", "pytest"):
    assert importlib.util.find_spec(package) is None, package
print("sent with", sms_core.__file__)
"""


class Vendor(BaseHTTPRequestHandler):
    """Answers a login with a token and everything else with one accepted message."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers["Content-Length"]))
        login = self.path.endswith("ConnectionHandler.ashx")
        body = b'{"Result": true, "Msg": "0123456789abcdef"}' if login else f"87.00,1,1.0,0,{BATCH}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Stay quiet."""


def main(dist: Path) -> None:
    """Install, serve, send; then install the command and send with it."""
    names = ("sms_core", "sms_core_every8d", "sms_core_cli", "sms_core_outbox")
    core, vendor, command, outbox = (str(next(dist.glob(f"{name}-[0-9]*.whl"))) for name in names)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    dsn = f"every8d://UID:PWD@127.0.0.1:{server.server_port}?scheme=http"
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder) / ("Scripts" if os.name == "nt" else "bin")
        python = str(programs / "python")
        install = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, core, vendor], check=True)
        subprocess.run([python, "-c", SEND, dsn], check=True, cwd=folder)
        if commands := sorted(programs.glob("sms*")):
            sys.exit(f"the core and a vendor alone have brought a command: {commands}")
        subprocess.run([*install, f"{core}[cli]", command, outbox], check=True)
        subprocess.run([programs / "sms", "send", "您好", "--to", "0900000001", "--dsn", dsn], check=True, cwd=folder)
    server.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
