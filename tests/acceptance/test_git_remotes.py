"""A repository over ssh and over https, as servers have it: keys, certificates, passwords."""

import getpass
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command import PATIENCE, free_port, until
from repositories import Repository, needs_git, post

from syndicator.errors import SourceError
from syndicator.sources.git.fetch import Remote
from syndicator.sources.git.source import GitOptions, GitSource

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
OPENSSL = shutil.which("openssl")

FIRST, SECOND = "_posts/2026-01-01-first.md", "_posts/2026-01-02-second.md"

pytestmark = needs_git


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path)
    repository.push({FIRST: post("First")})
    return repository


def follow(address: str, repository: Repository, environ: Mapping[str, str]) -> None:
    """Clone, then fetch an edit, a forced push and another branch."""
    clone = repository.work.parent / "clone"

    def titles(branch: str | None = None) -> list[str]:
        source = source_of(address, clone, environ, branch)
        source.fetch(lambda: None)
        with source.hold(lambda: None):
            return sorted(path.read_text() for path in (clone / "tree/_posts").iterdir())

    assert titles() == [post("First")]
    repository.push({SECOND: post("Second")})
    assert titles() == [post("First"), post("Second")]
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    repository.push({FIRST: post("Rewritten")}, force=True)
    assert titles() == [post("Rewritten")]
    repository.push({SECOND: post("Draft")}, branch="draft")
    assert titles() == [post("Rewritten")]
    assert titles("draft") == [post("Draft"), post("Rewritten")]


def source_of(
    address: str, clone: Path, environ: Mapping[str, str], branch: str | None = None
) -> GitSource:
    options = GitOptions(
        remote=Remote(address=address, branch=branch),
        folder="",
        clone=clone,
        seconds=30,
        max_bytes=2**24,
        dates=False,
    )
    return GitSource(options, {**os.environ, **environ})


def run(*arguments: str | Path) -> None:
    subprocess.run(arguments, check=True, capture_output=True, timeout=60)


@contextmanager
def server(*arguments: str | Path, port: int) -> Iterator[None]:
    """A program that listens at a port until the block ends."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        until(lambda: _listens(port) or process.poll() is not None, what="the server")
        assert process.poll() is None, process.stderr and process.stderr.read()
        yield
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def _listens(port: int) -> bool:
    wanted = f":{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(wanted) and line.split()[3] == "0A" for line in lines)


@pytest.mark.skipif(SSHD is None, reason="openssh-server is not installed")
def test_over_ssh(repository: Repository, tmp_path: Path) -> None:
    """With a key of the operator's; an unknown host and a wrong key are said."""
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    for name in ("host", "user", "other"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name)
    shutil.copy(keys / "user.pub", keys / "authorized")
    port = free_port()
    (tmp_path / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys}/host\n"
        f"AuthorizedKeysFile {keys}/authorized\nStrictModes no\nUsePAM no\n"
        f"PasswordAuthentication no\nPidFile none\nPermitRootLogin yes\n"
    )
    hosts = tmp_path / "known_hosts"
    hosts.write_text(f"[127.0.0.1]:{port} {(keys / 'host.pub').read_text()}")
    address = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{repository.bare}"

    def environ(key: str, known: Path) -> dict[str, str]:
        options = f"-F none -o IdentitiesOnly=yes -o UserKnownHostsFile={known}"
        return {"GIT_SSH_COMMAND": f"ssh -i {keys / key} {options}"}

    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd needs it to drop its privileges
    assert SSHD
    with server(SSHD, "-D", "-e", "-f", tmp_path / "sshd_config", port=port):
        follow(address, repository, environ("user", hosts))
        for key, known, message in (
            ("other", hosts, "password or key"),
            ("user", tmp_path / "nothing", "ssh host key is not known"),
        ):
            with pytest.raises(SourceError, match=message):
                source_of(address, tmp_path / "clone", environ(key, known)).fetch(lambda: None)


class HttpBackend(BaseHTTPRequestHandler):
    """Runs `git http-backend` (git-http-backend(1)) for each request; one path needs a password."""

    protocol_version = "HTTP/1.0"
    root: Path

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path.startswith("/private/"):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        result = subprocess.run(
            ["git", "http-backend"], input=body, env=environ, stdout=subprocess.PIPE, check=False
        )
        head, _, content = result.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.skipif(NGINX is None or OPENSSL is None, reason="nginx or openssl is not installed")
def test_over_https(repository: Repository, tmp_path: Path) -> None:
    """With a certificate that the operator trusts; a password is never asked for."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        "-keyout", key, "-out", certificate,
    )  # fmt: skip
    HttpBackend.root = tmp_path
    backend = ThreadingHTTPServer(("127.0.0.1", 0), HttpBackend)
    threading.Thread(target=backend.serve_forever, args=(0.05,), daemon=True).start()
    port = free_port()
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {_temporary_paths(tmp_path)}\n"
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate};\n"
        f"ssl_certificate_key {key}; location / {{\n"
        f"proxy_pass http://127.0.0.1:{backend.server_port}; proxy_set_header Git-Protocol "
        "$http_git_protocol; } } }\n"
    )
    address = f"https://localhost:{port}/site.git"
    trusting = {"GIT_SSL_CAINFO": str(certificate), "no_proxy": "localhost"}
    assert NGINX
    try:
        with server(NGINX, "-c", tmp_path / "nginx.conf", "-p", tmp_path, port=port):
            follow(address, repository, trusting)
            for wrong, environ, message in (
                (address, {"no_proxy": "localhost"}, "certificate is not trusted"),
                (address.replace("site", "private/site"), trusting, "password or key"),
                (address.replace("site", "missing"), trusting, "the repository does not exist"),
            ):
                with pytest.raises(SourceError, match=message):
                    source_of(wrong, tmp_path / "clone", environ).fetch(lambda: None)
    finally:
        backend.shutdown()
        backend.server_close()


def _temporary_paths(folder: Path) -> str:
    """Folders of nginx that a user other than root may write to."""
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{name}_temp_path {folder}/{name};" for name in names)
