"""What gives tools on a live kernel something to see: files, processes, sockets, locks, runtimes with static probes.

Started by `skep bcc parity` with python3 (BCC's tools need it anyway). Prints lines NAME=VALUE, then READY; ends when its
standard input is closed, and takes all that it started with it.
"""
import array
import ctypes
import os
import pty
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

FOLDER = tempfile.mkdtemp(prefix="skep-workload-")
JAVA = sys.argv[1] if len(sys.argv) > 1 else "java"
children = []
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

# A process of its own: functions, collections, threads, locks taken in both orders (never by both threads at once).
RUNTIME = """
import ctypes, gc, os, threading, time
parent = os.getppid()
libc = ctypes.CDLL(None)
first, second = ctypes.create_string_buffer(64), ctypes.create_string_buffer(64)
class Node: pass
def leaf(i):
    n = Node(); n.me = n
    return i * 2
def branch(i):
    return leaf(i) + leaf(i + 1)
def take(a, b):
    for _ in range(20):
        libc.pthread_mutex_lock(a); libc.pthread_mutex_lock(b)
        libc.pthread_mutex_unlock(b); libc.pthread_mutex_unlock(a)
def run(work, *args):
    thread = threading.Thread(target=work, args=args); thread.start(); thread.join()
while os.getppid() == parent:
    for i in range(200): branch(i)
    gc.collect()
    libc.malloc(1000)
    run(take, first, second); run(take, second, first)
    time.sleep(0.05)
"""

BUSY = """
import java.util.ArrayList;
public class Busy {
    static Object make(int i) { return new StringBuilder().append(i); }
    static int work(int i) { return make(i).toString().length(); }
    public static void main(String[] a) throws Exception {
        while (System.in.available() == 0) {
            int sum = 0;
            for (int i = 0; i < 2000; i++) sum += work(i);
            Thread t = new Thread(() -> work(1), "helper"); t.start(); t.join();
            System.gc();
            Thread.sleep(50);
            if (!ProcessHandle.current().parent().map(p -> p.pid() > 1).orElse(false)) return;
        }
    }
}
"""

# Stands for a database server: the static probes and the function by which tools trace MySQL's.
SERVER = r"""
#include <unistd.h>
#define PROBE(name, args, ...) asm volatile( \
    "990: nop\n.pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n.4byte 992f-991f,994f-993f,3\n" \
    "991: .asciz \"stapsdt\"\n992: .balign 4\n993: .8byte 990b\n.8byte 0\n.8byte 0\n" \
    ".asciz \"mysql\"\n.asciz \"" name "\"\n.asciz \"" args "\"\n994: .balign 4\n.popsection\n" :: __VA_ARGS__)
struct com { char *query; unsigned length; };
__attribute__((noinline)) int _Z16dispatch_commandP3THDPK8COM_DATA19enum_server_command(void *thd, struct com *data, int command) {
    PROBE("query__start", "8@%0 8@%1 8@%2 8@%3 8@%4", "r"(data->query), "r"(7L), "r"("shop"), "r"("me"), "r"("localhost"));
    usleep(3000);
    PROBE("query__done", "-4@%0", "r"(0));
    return command;
}
int main(void) {
    struct com data = {"SELECT * FROM stock", 19};
    int parent = getppid();
    while (getppid() == parent) {
        _Z16dispatch_commandP3THDPK8COM_DATA19enum_server_command(0, &data, 3);
        usleep(20000);
    }
    return 0;
}
"""


def say(name, value):
    print("%s=%s" % (name, value), flush=True)


def forever(work, pause):
    def loop():
        while True:
            try:
                work()
            except OSError:
                pass
            time.sleep(pause)

    threading.Thread(target=loop, daemon=True).start()


def files():
    path, other = os.path.join(FOLDER, "file"), os.path.join(FOLDER, "other")
    with open(path, "wb") as file:
        file.write(os.urandom(20000))
        file.flush()
        os.fsync(file.fileno())
    with open(path, "rb") as file:
        file.read()
    os.stat(path)
    try:
        os.stat(os.path.join(FOLDER, "missing"))
    except OSError:
        pass
    os.rename(path, other)
    os.unlink(other)
    os.mkdir(path)
    os.rmdir(path)


def processes():
    subprocess.run(["true"], **QUIET)
    subprocess.run(["ls", FOLDER], **QUIET)
    os.kill(os.getpid(), 0)


def serve(server):
    while True:
        connection, _ = server.accept()
        with connection:
            while True:
                data = connection.recv(4096)
                if not data:
                    break
                connection.sendall(data)


def listen(family, host):
    server = socket.socket(family)
    server.bind((host, 0))
    server.listen(8)
    threading.Thread(target=serve, args=(server,), daemon=True).start()
    return family, server.getsockname()


def talk(where):
    family, address = where
    with socket.socket(family) as client:
        client.connect(address)
        for _ in range(20):
            client.sendall(b"x" * 1000)
            client.recv(4096)


def refused():
    with socket.socket() as client:
        client.connect_ex(("127.0.0.1", 9))
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)


def crowded():
    """More connections than a server has room for: the rest send their first packet again after a second."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        clients = [socket.socket() for _ in range(4)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        time.sleep(1.5)
        for client in clients:
            client.close()


def descriptors():
    """One file passed through a pair of sockets."""
    a, b = socket.socketpair()
    with open("/etc/hostname") as file:
        a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))])
    _, ancillary, _, _ = b.recvmsg(1, socket.CMSG_LEN(4))
    for _, _, data in ancillary:
        os.close(array.array("i", data)[0])
    a.close()
    b.close()


def shared_memory():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    libc.shmdt.argtypes = [ctypes.c_void_p]
    number = libc.shmget(0, 4096, 0o1600)
    address = libc.shmat(number, None, 0)
    libc.shmdt(address)
    libc.shmctl(number, 0, None)


def mounts():
    subprocess.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs none %s && umount %s" % (FOLDER, FOLDER)], **QUIET)


def shell():
    """An interactive shell: what it reads goes through readline."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    say("BASH", pid)
    children.append(pid)

    def drain():
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:
            pass

    threading.Thread(target=drain, daemon=True).start()
    forever(lambda: os.write(terminal, b"echo hello\n"), 0.3)


def start(*command, **named):
    child = subprocess.Popen(command, **{**QUIET, **named})
    children.append(child.pid)
    return child.pid


def secure():
    """A server and clients of the TLS library that the tools know."""
    key, certificate = os.path.join(FOLDER, "key"), os.path.join(FOLDER, "certificate")
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                           "-days", "2", "-subj", "/CN=localhost"], **QUIET)
    if done.returncode != 0:
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start("openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-key", key, "-cert", certificate, "-www", "-quiet")
    request = b"GET / HTTP/1.0\r\n\r\n"
    forever(lambda: subprocess.run(["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:%d" % port],
                                   input=request, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), 0.5)


def server():
    source, program = os.path.join(FOLDER, "server.c"), os.path.join(FOLDER, "mysqld")
    with open(source, "w") as file:
        file.write(SERVER)
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler and subprocess.run([compiler, "-O1", "-o", program, source], **QUIET).returncode == 0:
        say("MYSQLD", start(program))
        say("MYSQLD_PATH", program)


def java():
    source = os.path.join(FOLDER, "Busy.java")
    with open(source, "w") as file:
        file.write(BUSY)
    flags = ["-Xmx64m", "-XX:+UseSerialGC", "-XX:+UnlockDiagnosticVMOptions", "-XX:+DTraceMethodProbes",
             "-XX:+DTraceAllocProbes", "-XX:+IgnoreUnrecognizedVMOptions"]
    say("JAVA", start(JAVA, *flags, source, stdin=subprocess.PIPE))


say("WORK", os.getpid())
say("LIBC", next(line.split()[-1] for line in open("/proc/self/maps") if "/libc.so" in line or "/libc-" in line))
say("PYTHON", start(sys.executable, "-c", RUNTIME))
for part in (shell, secure, server, java):
    try:
        part()
    except OSError as missing:
        print("%s: %s" % (part.__name__, missing), file=sys.stderr)
places = [listen(socket.AF_INET, "127.0.0.1")]
try:
    places.append(listen(socket.AF_INET6, "::1"))
except OSError:
    pass
for work, pause in ((files, 0.05), (processes, 0.2), (refused, 0.2), (crowded, 0.1), (descriptors, 0.1), (shared_memory, 0.1),
                    (mounts, 0.5), (os.sync, 2), (lambda: socket.getaddrinfo("localhost", 80), 0.2)):
    forever(work, pause)
for place in places:
    forever(lambda place=place: talk(place), 0.1)
say("READY", "yes")
try:
    sys.stdin.read()
finally:
    for child in children:
        try:
            os.kill(child, 9)
        except OSError:
            pass
    shutil.rmtree(FOLDER, ignore_errors=True)
