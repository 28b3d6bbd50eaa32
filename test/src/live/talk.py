"""Real conversations: `talk.py serve` on one host, `talk.py talk` on the other, which prints what came of each."""
import os, socket, struct, sys, threading

CLIENT, ROUTER, SERVER = '10.0.1.2', '10.0.1.1', '10.0.2.2'
# Of one who may get no answer, and of one who gets one, however busy the machine is.
PATIENCE, TRUST = 0.4, 5


def tcp_server(port, answer):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('', port))
    listener.listen()

    def accept():
        while True:
            peer, address = listener.accept()
            threading.Thread(target=answer, args=(peer, address), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def echo(peer, _):
    with peer:
        while data := peer.recv(4096):
            peer.sendall(data)


def udp_echo(port):
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind(('', port))

    def answer():
        while True:
            data, peer = here.recvfrom(2048)
            if data == b'call me':
                here.sendto(attempt(lambda: call((peer[0], 9000), 20000)).encode(), peer)
            else:
                here.sendto(data, peer)

    threading.Thread(target=answer, daemon=True).start()


def call(address, source, give=b'', patience=PATIENCE):
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.settimeout(patience)
        one.bind(('', source))
        one.connect(address)
        one.sendall(give)
    return 'connected'


def ftp(peer, _):
    """As much of a server as the helper looks at: PORT and PASV, and RETR, which gives one file."""
    target, passive = None, None
    with peer:
        peer.sendall(b'220 ready\r\n')
        lines = peer.makefile('r', newline='\r\n')
        while line := lines.readline():
            word, _, rest = line.strip().partition(' ')
            if word == 'USER':
                peer.sendall(b'230 come in\r\n')
            elif word == 'PORT':
                n = [int(x) for x in rest.split(',')]
                target = ('.'.join(map(str, n[:4])), n[4] * 256 + n[5])
                peer.sendall(b'200 fine\r\n')
            elif word == 'PASV':
                passive = socket.socket()
                passive.bind(('', 30000))
                passive.listen()
                passive.settimeout(TRUST)
                port = passive.getsockname()[1]
                where = SERVER.replace('.', ',')
                peer.sendall(f'227 Entering Passive Mode ({where},{port >> 8},{port & 255})\r\n'.encode())
            elif word == 'RETR':
                try:
                    if passive:
                        data, _ = passive.accept()
                        data.sendall(b'a file')
                        data.close()
                    else:
                        call(target, 20, b'a file', TRUST)
                    peer.sendall(b'226 done\r\n')
                except OSError:
                    peer.sendall(b'425 no connection\r\n')
            elif word == 'QUIT':
                peer.sendall(b'221 bye\r\n')
                return


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping(host):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    raw.settimeout(TRUST)
    for number in (1, 2):
        head = struct.pack('!BBHHH', 8, 0, 0, 77, number)
        raw.sendto(struct.pack('!BBHHH', 8, 0, checksum(head + b'abcd'), 77, number) + b'abcd', (host, 0))
        while raw.recv(2048)[20] != 0:
            pass
    return 'two replies'


def tcp(host, port, patience=TRUST):
    with socket.create_connection((host, port), timeout=patience) as one:
        for text in (b'hello', b'x' * 3000):
            one.sendall(text)
            got = b''
            while len(got) < len(text):
                got += one.recv(4096)
        return f'{len(got)} bytes back'


def udp(host, port, text=b'hello', patience=TRUST):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect((host, port))
        one.settimeout(patience)
        one.send(text)
        return one.recv(2048).decode()


def fetch(passive):
    with socket.create_connection((SERVER, 21), timeout=TRUST) as control, socket.socket() as data:
        lines = control.makefile('r')
        said = [lines.readline()]

        def say(text):
            control.sendall(text + b'\r\n')
            said.append(lines.readline().strip())

        data.settimeout(TRUST)
        # Connection tracking believes in lines behind a line.
        say(b'USER me')
        if passive:
            say(b'PASV')
            control.sendall(b'RETR file\r\n')
            data.connect((SERVER, 30000))
            got = data.recv(100)
        else:
            data.bind(('', 0))
            data.listen()
            port = data.getsockname()[1]
            say(f'PORT {CLIENT.replace(".", ",")},{port >> 8},{port & 255}'.encode())
            control.sendall(b'RETR file\r\n')
            got = data.accept()[0].recv(100)
        said.append(lines.readline())
        say(b'QUIT')
        return f'{got.decode()}, {said[-2].strip()}'


def flood(host, count):
    def send(one, data, port):
        try:
            one.sendto(data, (host, port))
        except PermissionError:
            pass

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        for i in range(count):
            send(one, b'x' * (i % 64), 7)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        for i in range(count):
            # An ACK of no connection, or SYN and FIN at once.
            send(raw, struct.pack('!HHIIBBHHH', 1024 + i, 8080, i, 0, 0x50, (0x10, 3)[i % 2], 100, 0, 0), 0)
    return 'sent'


def attempt(act):
    try:
        return act()
    except (TimeoutError, PermissionError):
        return 'no answer'  # iptables tells who sends what it drops, a program where packets leave does not.
    except OSError as error:
        return type(error).__name__ + (f' {error.errno}' if error.errno else '')


TALKS = {
    'tcp': lambda: tcp(SERVER, 8080),
    'tcp, answered by a reset': lambda: tcp(SERVER, 8081),
    'tcp, dropped': lambda: tcp(SERVER, 8082, PATIENCE),
    'tcp to the router': lambda: tcp(ROUTER, 22),
    'udp to the router, dropped': lambda: udp(ROUTER, 1, patience=PATIENCE),
    'udp': lambda: udp(SERVER, 5353),
    'udp to a closed port': lambda: udp(SERVER, 9),
    'udp, prohibited': lambda: udp(SERVER, 5354),
    'the server calls': lambda: udp(SERVER, 5353, b'call me'),
    'ping': lambda: ping(SERVER),
    'ping to the router': lambda: ping(ROUTER),
    'ftp, active': lambda: fetch(False),
    'ftp, passive': lambda: fetch(True),
    'flood': lambda: flood(SERVER, 2000),
    'tcp behind the flood': lambda: tcp(SERVER, 8080),
}

if sys.argv[1] == 'serve':
    for port in (8080, 8081, 8082):
        tcp_server(port, echo)
    tcp_server(21, ftp)
    for port in (5353, 5354):
        udp_echo(port)
    print('ready', flush=True)
    sys.stdin.read()
    os._exit(0)
called = socket.socket()
called.bind(('', 9000))
called.listen()
for name, act in TALKS.items():
    print(f'{name}: {attempt(act)}', flush=True)
os._exit(0)
