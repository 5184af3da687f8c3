"""A server made of a socket and threads, for answers that no HTTP server would give."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def answer_of(body, status=b"200 OK", *lines):
    """A whole answer."""
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


class Request:
    """One request as it came in."""

    def __init__(self, head, body):
        self.line, *lines = head.decode("latin-1").split("\r\n")
        self.headers = [tuple(line.split(": ", 1)) for line in lines]
        self.body = body

    def header(self, name):
        """A header's value, or None."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class Peer:
    """One connection of a client; `count` requests have come on it."""

    def __init__(self, sock, stopping):
        self.sock, self.count, self.stopping = sock, 0, stopping

    def send(self, data):
        """Send, if the client is there to take it; says whether."""
        with suppress(OSError):
            self.sock.sendall(data)
            return True
        return False

    def trickle(self, data, pause=0.02):
        """Send byte by byte, until the client or the test is gone."""
        for byte in data:
            if self.stopping.wait(pause) or not self.send(bytes([byte])):
                return

    def hold(self):
        """Say nothing until the client hangs up or the test ends."""
        while self.read():
            pass

    def hang_up(self):
        """Close, as after a crash."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def read(self, most=65536):
        """What came next; nothing if nothing comes any more."""
        try:
            return self.sock.recv(most)
        except OSError:
            return b""

    def request(self):
        """The next request, or None if there is none."""
        head, end, body = b"", b"", b""
        while not end:
            piece = self.read()
            if not piece:
                return None
            head, end, body = (head + piece).partition(b"\r\n\r\n")
        request = Request(head, body)
        while len(request.body) < int(request.header("content-length") or 0):
            piece = self.read()
            if not piece:
                return None
            request.body += piece
        self.count += 1
        return request


class Server:
    """`answer(peer, request)` is called for every request, in a thread for each connection.

    With `reads=False` it is called once for a connection, which buffers little; before TLS `first` is called.
    """

    def __init__(self, answer, tls=None, *, reads=True, first=None):
        self._answer, self._tls, self._reads, self._first = answer, tls, reads, first
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        if not reads:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.base = f"https://localhost:{self.port}/v1" if tls else f"http://{self.address}/v1"
        self.requests, self.connections, self.most_at_once = [], 0, 0
        self._open, self._changed, self._stopping = {}, threading.Condition(), threading.Event()

    def __enter__(self):
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        for thread, sock in list(self._open.items()):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            thread.join()

    @property
    def open(self):
        """How many connections there are now."""
        return len(self._open)

    def wait(self, condition, seconds=60.0):
        """Wait until something is so, and say whether it is."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def wait_for_connections(self, count):
        """Wait until so many were made."""
        return self.wait(lambda: self.connections >= count)

    def wait_for_requests(self, count):
        """Wait until so many came."""
        return self.wait(lambda: len(self.requests) >= count)

    def wait_until_all_are_gone(self):
        """Wait until clients have closed every connection."""
        return self.wait(lambda: not self.open)

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,))
            with self._changed:
                self._open[thread] = sock
                self.connections += 1
                self.most_at_once = max(self.most_at_once, self.open)
                self._changed.notify_all()
            thread.start()

    def _serve(self, sock):
        try:
            if self._first is not None:
                self._first()
            if self._tls is not None:
                sock = self._open[threading.current_thread()] = self._tls.wrap_socket(sock, server_side=True)
            self._talk(Peer(sock, self._stopping))
        except OSError:
            pass
        finally:
            sock.close()
            with self._changed:
                del self._open[threading.current_thread()]
                self._changed.notify_all()

    def _talk(self, peer):
        if not self._reads:
            self._answer(peer, None)
            return
        while (request := peer.request()) is not None:
            with self._changed:
                self.requests.append(request)
                self._changed.notify_all()
            self._answer(peer, request)


@contextmanager
def full_port():
    """The address of a port that takes no connection: nobody accepts there, and the queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for filler in fillers:
                filler.close()
