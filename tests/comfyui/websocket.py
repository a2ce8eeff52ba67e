"""A reader of the messages that a server on this machine sends: as little of RFC 6455 as that needs."""

from __future__ import annotations

import base64
import os
import socket
import struct
import threading
from contextlib import suppress

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


class WebSocket:
    """A connection to ws://127.0.0.1:port/path. Use `receive` from one thread, `send` from any."""

    def __init__(self, port: int, path: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._lock = threading.Lock()
        key = base64.b64encode(os.urandom(16)).decode()
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        )
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self._file = self._socket.makefile("rb")
        status = self._file.readline()
        if b" 101 " not in status:
            raise ConnectionError(f"no websocket at {path}: {status!r}")
        while self._file.readline().strip():
            pass
        self._socket.settimeout(None)

    def receive(self) -> str | bytes | None:
        """The next message, text or bytes; None when the connection ends."""
        kind, message = 0, b""
        while True:
            try:
                first, second = self._read(2)
                length = second & 0x7F
                if length > 125:
                    shape = ">H" if length == 126 else ">Q"
                    (length,) = struct.unpack(shape, self._read(struct.calcsize(shape)))
                payload = self._read(length)
            except OSError:
                return None
            code = first & 0x0F
            if code == CLOSE:
                return None
            if code == PING:
                self._send(PONG, payload)
            elif code != PONG:
                kind, message = code or kind, message + payload
                if first & 0x80:
                    return message.decode() if kind == TEXT else message

    def send(self, text: str) -> None:
        """Sends one text message."""
        self._send(TEXT, text.encode())

    def close(self) -> None:
        """Ends the connection, and with it a `receive` that waits."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self, count: int) -> bytes:
        data = self._file.read(count)
        if data is None or len(data) < count:
            raise ConnectionError("the server closed the connection")
        return data

    def _send(self, code: int, payload: bytes) -> None:
        mask = os.urandom(4)
        size = len(payload)
        head = (
            bytes([0x80 | code, 0x80 | size]) if size < 126 else struct.pack(">BBH", 0x80 | code, 0xFE, size)
        )
        body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        with self._lock:
            self._socket.sendall(head + mask + body)
