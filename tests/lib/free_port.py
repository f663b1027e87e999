"""A port of 127.0.0.1 that nothing listens on.

Not one of those that the kernel gives to whoever connects or asks for any, if there are others: until a server has it,
somebody else's connection might.
"""
import random
import socket

with open('/proc/sys/net/ipv4/ip_local_port_range') as given:
    first, last = map(int, given.read().split())
ports = [port for port in range(1024, 65536) if not first <= port <= last] or range(1024, 65536)
while True:
    port = random.choice(ports)
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(('127.0.0.1', port))
        except OSError:
            continue
    print(port)
    break
