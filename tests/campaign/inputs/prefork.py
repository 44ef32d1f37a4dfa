# SPDX-License-Identifier: MIT
# A prefork server: an application of some 100 MiB, loaded once; 4 workers that serve it from a socket that they share; and 4,000
# requests. Each worker says at its end how many it served. Argument: at-once: then it ends without taking the interpreter down.
import os
import signal
import socket
import sys

WORKERS, REQUESTS = 4, 4_000
application = {"key %d" % i: ["value %d" % i, i] for i in range(400_000)}
listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
listener.listen(64)


def work():
    served = 0
    running = True

    def stop(*_):
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    listener.settimeout(0.1)
    while running:
        try:
            peer, _ = listener.accept()
        except TimeoutError:
            continue
        with peer:
            key = peer.recv(100).decode()
            peer.sendall(application[key][0].encode())
            served += 1
    os.write(1, b"%d %d\n" % (os.getpid(), served))


workers = []
for _ in range(WORKERS):
    pid = os.fork()
    if not pid:
        work()
        if "at-once" in sys.argv:
            os._exit(0)
        sys.exit(0)
    workers.append(pid)
for i in range(REQUESTS):
    number = i * 7919 % 400_000
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect("socket")
        peer.sendall(b"key %d" % number)
        if peer.recv(100) != b"value %d" % number:
            sys.exit("a wrong answer")
for pid in workers:
    os.kill(pid, signal.SIGTERM)
sys.exit(any(os.waitpid(pid, 0)[1] for pid in workers))
