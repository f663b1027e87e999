#!/usr/bin/env python3
"""The ways a key server is down, on demand: stands between a client and a real key server.

    faults.py serve --control SOCKET --cert PEM --key PEM [--wrong-cert PEM --wrong-key PEM]
                    [--backend HOST:PORT] [--backend-plain] [--port N] [--log FILE] [--plain]
    faults.py set SOCKET FAULT          the fault from now on; returns when it is in force
    faults.py port SOCKET               the port it listens on (on 127.0.0.1)
    faults.py counts SOCKET             "connections requests" since the last time the fault was set

`serve` runs until its standard input ends or it gets a signal. It prints its port when it is ready.

Faults before TLS:
    refused        nobody listens
    black-hole     packets are dropped: the queue of connections is full
    reset          accepted, then reset
    mute           accepted, then silence
    mute-in-tls    the client's hello is read and answered with half a record, then silence
    wrong-cert     TLS with another certificate
In TLS, before or instead of an answer:
    mute-in-http   the request is read, then silence
    403, 503       an HTTP error without a key server's signature, as a proxy gives it
    200            a web page
    drip           an answer, one byte every half second
    endless        a body without an end
    huge           a body of a gigabyte
    headers        headers without an end
    redirect       302 to the same target on the same port
    truncated      an answer that ends in the middle of its body
With the real server behind it:
    none           what the real server says
    strip          the same without its signature
    tamper         the same with one byte of the body changed
    replay         what it said to an earlier request for the same target
    slow           what it says, three seconds later
"""
import argparse
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time

BEFORE_TLS = {"refused", "black-hole", "reset", "mute", "mute-in-tls", "wrong-cert"}
IN_HTTP = {"mute-in-http", "403", "503", "200", "drip", "endless", "huge", "headers", "redirect", "truncated"}
WITH_BACKEND = {"none", "strip", "tamper", "replay", "slow"}
SIGNATURE = b"fsenc-signature:"


class Faults:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.fault = "none"
        self.connections = self.requests = 0
        self.kept = {}  # target -> earlier answer
        self.held = []  # sockets that stay open in silence
        self.listener = None
        self.port = options.port
        self.contexts = {}
        if not options.plain:
            self.contexts["right"] = self.context(options.cert, options.key)
            if options.wrong_cert:
                self.contexts["wrong"] = self.context(options.wrong_cert, options.wrong_key)
        self.listen(128)

    @staticmethod
    def context(cert, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context

    def note(self, what):
        if self.options.log:
            with open(self.options.log, "a") as log:
                log.write("%.3f %s %s\n" % (time.monotonic(), self.fault, what))

    # -- the listening socket

    def listen(self, backlog):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(backlog)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self.listener = listener

    def fill_queue(self):
        """Connections that nobody accepts, until one is not even acknowledged."""
        for _ in range(16):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.held.append(filler)
            if not select.select([], [filler], [], 0.2)[1]:
                return

    def set(self, fault):
        if fault not in BEFORE_TLS | IN_HTTP | WITH_BACKEND:
            return False
        with self.lock:
            self.fault = fault
            self.connections = self.requests = 0
            held, self.held = self.held, []
            for one in held:
                one.close()
            if self.listener:
                self.listener.close()
                self.listener = None
            if fault == "black-hole":
                self.listen(0)
                self.fill_queue()
            elif fault != "refused":
                self.listen(128)
        return True

    # -- one connection

    def hold(self, connection):
        with self.lock:
            self.held.append(connection)

    @staticmethod
    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def serve(self, connection):
        try:
            fault = self.fault
            if fault == "reset":
                return self.reset(connection)
            if fault == "mute":
                return self.hold(connection)
            if fault == "mute-in-tls":
                connection.recv(65536)
                connection.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00")
                return self.hold(connection)
            if not self.options.plain:
                which = "wrong" if fault == "wrong-cert" else "right"
                connection = self.contexts[which].wrap_socket(connection, server_side=True)
            again = True
            while again:
                again = self.answer(connection)
            if again is False:
                connection.close()
        except (OSError, ssl.SSLError, ValueError):
            connection.close()
        return None

    @staticmethod
    def read_message(connection):
        """Head and body of a request or an answer with Content-Length; None at the end."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return None
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            more = connection.recv(65536)
            if not more:
                return None
            body += more
        return head, body

    def answer(self, connection):
        """True: the connection goes on; False: it ends; None: it was left to itself."""
        message = self.read_message(connection)
        if not message:
            return False
        with self.lock:
            self.requests += 1
        head, body = message
        target = head.split(b" ")[1]
        fault = self.fault
        self.note("request %s" % target.decode("ascii", "replace"))
        if fault == "reset":
            return self.reset(connection)
        if fault in BEFORE_TLS or fault == "mute-in-http":
            return self.hold(connection)
        if fault in IN_HTTP:
            getattr(self, "http_" + fault)(connection, target)
            return False
        connection.sendall(self.pass_on(fault, head, body, target))
        return True

    # -- answers of our own

    def page(self, status, extra=b""):
        body = b"<html><body>not here</body></html>\n"
        return b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\n%s\r\n%s" % (
            status, len(body), extra, body)

    def http_403(self, connection, _):
        connection.sendall(self.page(b"403 Forbidden"))

    def http_503(self, connection, _):
        connection.sendall(self.page(b"503 Service Unavailable"))

    def http_200(self, connection, _):
        connection.sendall(self.page(b"200 OK"))

    def http_redirect(self, connection, target):
        scheme = b"http" if self.options.plain else b"https"
        there = b"Location: %s://127.0.0.1:%d%s?again\r\n" % (scheme, self.port, target)
        connection.sendall(self.page(b"302 Found", there))

    def http_drip(self, connection, _):
        for byte in self.page(b"200 OK") * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.5)

    def http_endless(self, connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")

    def http_huge(self, connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    def http_headers(self, connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-More: and more\r\n" * 1000)

    def http_truncated(self, connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"groups\":")

    # -- the real server's answers

    def ask_backend(self, head, body):
        host, port = self.options.backend.rsplit(":", 1)
        backend = socket.create_connection((host, int(port)), timeout=30)
        if not self.options.backend_plain:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            backend = context.wrap_socket(backend)
        with backend:
            backend.sendall(head + b"\r\n\r\n" + body)
            answer = self.read_message(backend)
        if not answer:
            raise ValueError("the server behind us says nothing")
        return answer

    def pass_on(self, fault, head, body, target):
        if fault == "slow":
            time.sleep(3)
        if fault == "replay" and target in self.kept:
            head, body = self.kept[target]
        else:
            head, body = self.ask_backend(head, body)
            self.kept[target] = (head, body)
        if fault == "strip":
            head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(SIGNATURE))
        if fault == "tamper" and body:
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:]
        return head + b"\r\n\r\n" + body

    # -- control

    def command(self, words):
        if words[:1] == ["set"] and len(words) == 2:
            return "ok" if self.set(words[1]) else "no such fault"
        if words == ["port"]:
            return str(self.port)
        if words == ["counts"]:
            with self.lock:
                return "%d %d" % (self.connections, self.requests)
        return "not understood"

    def accept(self, listener):
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setblocking(True)
        with self.lock:
            self.connections += 1
        self.note("connection")
        threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def run(self):
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        control.bind(self.options.control)
        control.listen(16)
        os.write(1, b"%d\n" % self.port)
        while True:
            listener = None if self.fault == "black-hole" else self.listener
            wanted = [control, sys.stdin] + ([listener] if listener else [])
            ready = select.select(wanted, [], [])[0]
            if sys.stdin in ready and not os.read(sys.stdin.fileno(), 4096):
                return
            if listener in ready:
                self.accept(listener)
            if control in ready:
                asking, _ = control.accept()
                with asking:
                    asking.sendall((self.command(asking.recv(256).decode().split()) + "\n").encode())


def ask(control, line):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.connect(control)
        asking.sendall(line.encode())
        return asking.recv(256).decode().strip()


def main():
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve")
    for name in ("--control", "--cert", "--key", "--wrong-cert", "--wrong-key", "--backend", "--log"):
        serve.add_argument(name)
    serve.add_argument("--port", type=int, default=0)
    serve.add_argument("--plain", action="store_true")
    serve.add_argument("--backend-plain", action="store_true")
    for verb in ("set", "port", "counts"):
        one = verbs.add_parser(verb)
        one.add_argument("control")
        if verb == "set":
            one.add_argument("fault")
    options = parser.parse_args()
    if options.verb == "serve":
        Faults(options).run()
        return 0
    said = ask(options.control, " ".join([options.verb] + ([options.fault] if options.verb == "set" else [])))
    if options.verb != "set":
        print(said)
        return 0
    return 0 if said == "ok" else sys.exit(said)


if __name__ == "__main__":
    sys.exit(main())
