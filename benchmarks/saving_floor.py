"""The least that a save can cost: the same system calls as a daemon's, prepared and in one thread.

    python benchmarks/saving_floor.py FOLDER PREPARED OUT PORT

Waits on inotify until a file in FOLDER is closed, reads it, writes the files of PREPARED to OUT,
each with fsync and a rename, as is done for a feed, and posts one ping to the hub at PORT.
"""

import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

#: https://man7.org/linux/man-pages/man7/inotify.7.html
_CLOSE_WRITE = 0x8
_EVENT = struct.Struct("iIII")


def main(folder: Path, prepared: Path, out: Path, port: int) -> None:
    files = [(file.name, file.read_bytes()) for file in sorted(prepared.iterdir())]
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_CLOEXEC)
    if watch < 0 or libc.inotify_add_watch(watch, os.fsencode(folder), _CLOSE_WRITE) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    print("watching", flush=True)
    while True:
        event = os.read(watch, 4096)
        name = os.fsdecode(event[_EVENT.size :].rstrip(b"\0"))
        (folder / name).read_bytes()
        for path, data in files:
            write(out, path, data)
        ping(port)


def write(out: Path, name: str, data: bytes) -> None:
    temporary = out / f".{name}"
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(out / name)


def ping(port: int) -> None:
    body = b"hub.mode=publish&hub.topic=http://127.0.0.1/all.rss"
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head + body)
        connection.recv(4096)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
