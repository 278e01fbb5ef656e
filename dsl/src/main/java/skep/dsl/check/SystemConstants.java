package skep.dsl.check;

import java.util.List;
import java.util.OptionalInt;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Errno;
import skep.isa.kernel.Signal;
import skep.isa.kernel.SystemCall;

/** Constants that scripts take from headers of the system and that no type of the kernel tells. */
final class SystemConstants {
    private SystemConstants() {}

    /** Declares what a header has. */
    static void include(String header, Arch arch, CDeclarations declared) {
        switch (header) {
            case "errno.h", "linux/errno.h", "asm/errno.h", "asm-generic/errno.h", "asm-generic/errno-base.h" ->
                errors(declared);
            case "signal.h", "linux/signal.h", "asm/signal.h" -> signals(declared);
            case "sys/socket.h",
                    "linux/socket.h",
                    "net/sock.h",
                    "linux/net.h",
                    "linux/in.h",
                    "linux/in6.h",
                    "linux/tcp.h",
                    "linux/skbuff.h",
                    "netinet/in.h" -> sockets(declared);
            case "linux/sched.h" -> {
                define(declared, "TASK_RUNNING", 0);
                define(declared, "TASK_INTERRUPTIBLE", 1);
                define(declared, "TASK_UNINTERRUPTIBLE", 2);
            }
            case "fcntl.h", "linux/fcntl.h", "linux/fs.h", "asm-generic/fcntl.h" -> files(declared);
            case "syscall.h", "sys/syscall.h", "asm/unistd.h", "asm/unistd_64.h" -> systemCalls(arch, declared);
            default -> {}
        }
        declared.addDefine("NULL", "0");
    }

    /** States of TCP connections (include/net/tcp_states.h), from 1. */
    private static final List<String> TCP_STATES = List.of(
            "TCP_ESTABLISHED",
            "TCP_SYN_SENT",
            "TCP_SYN_RECV",
            "TCP_FIN_WAIT1",
            "TCP_FIN_WAIT2",
            "TCP_TIME_WAIT",
            "TCP_CLOSE",
            "TCP_CLOSE_WAIT",
            "TCP_LAST_ACK",
            "TCP_LISTEN",
            "TCP_CLOSING",
            "TCP_NEW_SYN_RECV",
            "TCP_BOUND_INACTIVE");

    /** The number of an error, or state of a connection, that a script names without including its header. */
    static OptionalInt known(String name) {
        int state = TCP_STATES.indexOf(name);
        if (state >= 0) {
            return OptionalInt.of(state + 1);
        }
        for (var row : Errno.values()) {
            if (row.name().equals(name)) {
                return OptionalInt.of(row.number());
            }
        }
        return OptionalInt.empty();
    }

    private static void errors(CDeclarations declared) {
        for (var row : Errno.values()) {
            define(declared, row.name(), row.number());
        }
    }

    private static void signals(CDeclarations declared) {
        int number = 1;
        for (var name : Signal.names()) {
            define(declared, name, number++);
        }
    }

    private static void define(CDeclarations declared, String name, int value) {
        declared.addDefine(name, Integer.toString(value));
    }

    private static void sockets(CDeclarations declared) {
        define(declared, "AF_UNSPEC", 0);
        define(declared, "AF_UNIX", 1);
        define(declared, "AF_INET", 2);
        define(declared, "AF_INET6", 10);
        define(declared, "AF_NETLINK", 16);
        define(declared, "AF_PACKET", 17);
        define(declared, "IPPROTO_ICMP", 1);
        define(declared, "IPPROTO_TCP", 6);
        define(declared, "IPPROTO_UDP", 17);
        define(declared, "SOCK_STREAM", 1);
        define(declared, "SOCK_DGRAM", 2);
        define(declared, "SOCK_RAW", 3);
    }

    private static void files(CDeclarations declared) {
        define(declared, "O_RDONLY", 0);
        define(declared, "O_WRONLY", 1);
        define(declared, "O_RDWR", 2);
        define(declared, "O_CREAT", 0x40);
        define(declared, "O_EXCL", 0x80);
        define(declared, "O_TRUNC", 0x200);
        define(declared, "O_APPEND", 0x400);
        define(declared, "O_NONBLOCK", 0x800);
        define(declared, "AT_FDCWD", -100);
    }

    private static void systemCalls(Arch arch, CDeclarations declared) {
        SystemCall.names(arch).forEach((number, name) -> {
            define(declared, "__NR_" + name, number.intValue());
            define(declared, "SYS_" + name, number.intValue());
        });
    }
}
