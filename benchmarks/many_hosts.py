"""A thousand hosts on loopback, with names and certificates: one nginx for all."""

import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PORTS = {"http": 18098, "https": 18099}
DOMAIN = ".sink.example"

_getaddrinfo = socket.getaddrinfo


def lookup(host: Any, port: Any, *args: Any, **options: Any) -> Any:
    """The address of a host of the sink, for every client of this process."""
    name = host.decode() if isinstance(host, bytes) else str(host)
    if not name.endswith(DOMAIN):
        return _getaddrinfo(host, port, *args, **options)
    number = int(name[1:].split(".")[0])
    address = f"127.1.{number // 250}.{number % 250 + 1}"
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port)))]


@contextmanager
def sink(folder: Path) -> Iterator[str]:
    """nginx, which answers 200 to all; the path of the file with all CAs."""
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for command in (
        f"openssl req -x509 {key} -days 2 -subj /CN=ca -keyout ca.key -out ca.pem",
        f"openssl req {key} -subj /CN=sink -addext subjectAltName=DNS:*{DOMAIN} "
        "-keyout key.pem -out request.pem",
        "openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
        "-copy_extensions copy -out cert.pem",
    ):
        subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)
    import certifi

    bundle = folder / "all.pem"
    bundle.write_text(Path(certifi.where()).read_text() + (folder / "ca.pem").read_text())
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path t;" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"""daemon off; worker_processes 1; pid pid; error_log stderr crit;
        events {{ worker_connections 8192; }}
        http {{ access_log off; {temporary} keepalive_requests 1000000; keepalive_timeout 600;
          server {{ listen {PORTS["http"]} backlog=4096; listen {PORTS["https"]} ssl backlog=4096;
            ssl_certificate cert.pem; ssl_certificate_key key.pem;
            location / {{ return 200; }} }} }}"""
    )
    process = subprocess.Popen(["nginx", "-p", folder, "-c", "nginx.conf"])
    try:
        for _ in range(100):
            with socket.socket() as tried:
                if not tried.connect_ex(("127.0.0.1", PORTS["https"])):
                    break
            time.sleep(0.1)
        yield str(bundle)
    finally:
        process.terminate()
        process.wait()
