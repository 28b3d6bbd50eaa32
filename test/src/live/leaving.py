"""What leaves a host: `serve` prints each IPv4 frame that comes in and answers TCP, `send` sends to it."""
import select
import socket
import sys
import time

ADDRESS = "10.0.2.2"
ROUTER = "10.0.1.1"
TCP_PORT = 7000


def serve():
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    frames.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
    listener = socket.create_server((ADDRESS, TCP_PORT))
    sinks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in (6000, 6001, 6002)]
    for sink, port in zip(sinks, (6000, 6001, 6002)):
        sink.bind((ADDRESS, port))
    print("ready", flush=True)
    streams = []
    while True:
        ready, _, _ = select.select([frames, listener, sys.stdin, *streams], [], [])
        if frames in ready:
            frame, (_, kind, packet_type, *_) = frames.recvfrom(1 << 17)
            if kind == 0x0800 and packet_type != socket.PACKET_OUTGOING:
                print(frame[14:].hex(), flush=True)
        if listener in ready:
            streams.append(listener.accept()[0])
        for stream in [one for one in streams if one in ready]:
            if not stream.recv(1 << 16):
                streams.remove(stream)
                stream.close()
        if sys.stdin in ready and frames not in ready:
            return


def send():
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", 5000))
    for port in (6000, 6001, 6002):
        for size in (0, 1, 900):
            try:
                udp.sendto(bytes(size), (ADDRESS, port))
            except PermissionError:
                # How a drop of iptables, but not one at tc, comes back.
                pass
    # For the router itself, which listens to nothing.
    for size in (0, 1, 900):
        udp.sendto(bytes(size), (ROUTER, 6000))
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.bind(("0.0.0.0", 5001))
    tcp.connect((ADDRESS, TCP_PORT))
    tcp.sendall(bytes(200_000))
    tcp.shutdown(socket.SHUT_WR)
    tcp.recv(1)
    time.sleep(0.05)


{"serve": serve, "send": send}[sys.argv[1]]()
