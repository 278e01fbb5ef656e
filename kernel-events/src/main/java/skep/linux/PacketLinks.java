package skep.linux;

import java.util.List;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.ProbeSpec;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Errno;
import skep.linux.sys.Sys;
import skep.target.Link;

/** Attaches to where packets pass: sockets, network devices, cgroups. */
final class PacketLinks {
    private static final int AF_INET = 2;
    private static final int AF_PACKET = 17;
    private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
    private static final int SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0x80000 | 0x800;
    /** {@code ETH_P_ALL} in network order. */
    private static final int ALL_PROTOCOLS = 0x0300;

    private static final int SOL_SOCKET = 1;
    private static final int SO_ATTACH_BPF = 50;
    private static final int SOCKADDR_LL_BYTES = 20;

    /** {@code SIOCGIFINDEX}, {@code IFNAMSIZ}, and {@code struct ifreq}. */
    private static final int INDEX_OF_INTERFACE = 0x8933;

    private static final int MAX_NAME_BYTES = 16;
    private static final int INTERFACE_REQUEST_BYTES = 40;

    private final Host host;
    private final Attacher attacher;

    PacketLinks(Host host, Attacher attacher) {
        this.host = host;
        this.attacher = attacher;
    }

    /** A socket of our own that sees copies of all packets; the filter decides what of them the socket would keep. */
    Link socketFilter(int fd, ProbeSpec probe) {
        int device = probe.target().isEmpty() ? 0 : device(probe);
        long socket = host.syscalls().call(Sys.SOCKET, AF_PACKET, SOCK_RAW_CLOEXEC_NONBLOCK, ALL_PROTOCOLS);
        if (Errno.isError(socket)) {
            throw attacher.refused(probe, Feature.SOCKET_FILTER, "opening a packet socket", -socket);
        }
        long result;
        try (var memory = host.syscalls().allocate(SOCKADDR_LL_BYTES + 4)) {
            // struct sockaddr_ll: family 2, protocol 2 (network order), ifindex 4, ...
            memory.putInt(0, AF_PACKET | ALL_PROTOCOLS << 16).putInt(4, device).putInt(SOCKADDR_LL_BYTES, fd);
            long at = memory.pushed(SOCKADDR_LL_BYTES + 4);
            result = host.syscalls().call(Sys.SETSOCKOPT, socket, SOL_SOCKET, SO_ATTACH_BPF, at + SOCKADDR_LL_BYTES, 4);
            if (!Errno.isError(result) && device != 0) {
                result = host.syscalls().call(Sys.BIND, socket, at, SOCKADDR_LL_BYTES);
            }
        }
        if (Errno.isError(result)) {
            host.close((int) socket);
            throw attacher.refused(probe, Feature.SOCKET_FILTER, "SO_ATTACH_BPF", -result);
        }
        return new LinuxLink(host, probe, "packet socket", (int) socket);
    }

    Link xdp(int fd, ProbeSpec probe) {
        long link = host.bpf().linkCreateFlags(fd, device(probe), AttachType.XDP, (int) probe.value());
        return attacher.link(probe, "XDP link", "BPF_LINK_CREATE", Feature.XDP, link);
    }

    Link tc(int fd, ProbeSpec probe) {
        var type = probe.module().equals("egress") ? AttachType.TCX_EGRESS : AttachType.TCX_INGRESS;
        long link = host.bpf().linkCreateFlags(fd, device(probe), type, 0);
        return attacher.link(probe, "tcx link", "BPF_LINK_CREATE", Feature.TC, link);
    }

    Link cgroup(ProgramSpec program, int fd, ProbeSpec probe) {
        var type = program.attachType()
                .orElseThrow(() -> new IllegalArgumentException(
                        "program " + program.name() + " has no attach type, which says where in a cgroup it runs"));
        long folder = host.files().open(probe.module());
        if (Errno.isError(folder)) {
            throw Attacher.failure(
                    probe, "there is no cgroup " + probe.module() + " (" + Errno.name(-folder) + ")", "");
        }
        long link = host.bpf().linkCreate(fd, (int) folder, type);
        host.close((int) folder);
        return attacher.link(probe, "cgroup link", "BPF_LINK_CREATE", Feature.CGROUP, link);
    }

    /** The index of an interface in the network namespace that the tracer is in, which {@code /sys} may not be of. */
    private int device(ProbeSpec probe) {
        var name = probe.target();
        if (name.length() < MAX_NAME_BYTES) {
            long socket = host.syscalls().call(Sys.SOCKET, AF_INET, SOCK_DGRAM_CLOEXEC, 0);
            if (Errno.isError(socket)) {
                throw Attacher.failure(probe, "no socket could be opened (" + Errno.name(-socket) + ")", "");
            }
            // struct ifreq: name 16, index 4, ...
            try (var request = host.syscalls().allocate(INTERFACE_REQUEST_BYTES)) {
                request.clear(INTERFACE_REQUEST_BYTES).putString(0, name);
                long at = request.pushed(INTERFACE_REQUEST_BYTES);
                long result = host.syscalls().call(Sys.IOCTL, socket, INDEX_OF_INTERFACE, at);
                request.pulled(0, INTERFACE_REQUEST_BYTES);
                if (!Errno.isError(result)) {
                    return request.getInt(MAX_NAME_BYTES);
                }
            } finally {
                host.close((int) socket);
            }
        }
        throw Attacher.failure(
                probe, "there is no network interface " + name, "There are " + String.join(", ", interfaces()) + ".");
    }

    /** Two lines of headings, then a line for each, its name before a colon. */
    private List<String> interfaces() {
        return host.files()
                .text("/proc/self/net/dev")
                .orElse("")
                .lines()
                .skip(2)
                .map(line -> line.substring(0, Math.max(0, line.indexOf(':'))).strip())
                .sorted()
                .toList();
    }
}
