package skep.vm.syscall;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Errno;
import skep.vm.syscall.KernelObject.OfBtf;
import skep.vm.syscall.KernelObject.OfLink;
import skep.vm.syscall.KernelObject.OfMap;
import skep.vm.syscall.KernelObject.OfProgram;

/** {@code BPF_OBJ_GET_INFO_BY_FD} with the structures of {@code include/uapi/linux/bpf.h} (Linux 6.18). */
final class RawInfo {
    private static final int PROGRAM_BYTES = 232;
    private static final int MAP_BYTES = 104;
    private static final int BTF_BYTES = 32;
    private static final int LINK_BYTES = 64;

    private final BpfProcess process;

    RawInfo(BpfProcess process) {
        this.process = process;
    }

    /** 0 descriptor | 4 info_len | 8 info. */
    long answer(RawAttr attr) {
        var object = process.object(attr.command, attr.u32(0));
        int known = switch (object) {
            case OfProgram _ -> PROGRAM_BYTES;
            case OfMap _ -> MAP_BYTES;
            case OfBtf _ -> BTF_BYTES;
            case OfLink _ -> LINK_BYTES;
            default -> throw attr.invalid("nothing is told of this descriptor");
        };
        var asked = asked(attr, known);
        var info = ByteBuffer.wrap(asked).order(ByteOrder.LITTLE_ENDIAN);
        var told = process.objGetInfoByFd(attr.u32(0));
        switch (told) {
            case ObjectInfo.ProgramInfo program -> program(attr, program, info);
            case ObjectInfo.MapInfo map -> map(map, info);
            case ObjectInfo.BtfInfo btf -> btf(attr, btf, info);
            case ObjectInfo.LinkInfo link -> link(attr, link, info);
        }
        int size = Math.min(attr.u32(4), known);
        attr.putPointed(8, Arrays.copyOf(asked, size));
        attr.putU32(4, size);
        return 0;
    }

    /** What the caller put into the structure: addresses and room of arrays. What the kernel does not know must be zero. */
    private static byte[] asked(RawAttr attr, int known) {
        int size = attr.u32(4);
        if (size < 0 || size > 4096) {
            throw attr.failed(Errno.E2BIG, Integer.toUnsignedString(size) + " bytes of information");
        }
        var asked = attr.pointed(8, size);
        for (int i = known; i < size; i++) {
            if (asked[i] != 0) {
                throw attr.failed(Errno.E2BIG, "byte " + i + " of the information is not known");
            }
        }
        return Arrays.copyOf(asked, known);
    }

    private void program(RawAttr attr, ObjectInfo.ProgramInfo program, ByteBuffer info) {
        int mapRoom = info.getInt(52);
        long mapIds = info.getLong(56);
        int codeRoom = info.getInt(20);
        long code = info.getLong(32);
        clear(info);
        info.putInt(0, program.type().number()).putInt(4, program.id());
        info.put(8, HexFormat.of().parseHex(program.tag()));
        info.putInt(16, program.jitedBytes()).putInt(20, program.xlatedBytes());
        if (codeRoom != 0 && code != 0) {
            var bytes = process.codeOf(attr.command, attr.u32(0)).toBytes();
            attr.memory.put(attr.command, code, Arrays.copyOf(bytes, fitting(codeRoom, bytes.length)));
            info.putLong(32, code);
        }
        info.putLong(
                40,
                process.bootNanos()
                        - Duration.between(program.loadedAt(), Instant.now()).toNanos());
        info.putInt(52, program.mapIds().size());
        putIds(attr, mapIds, mapRoom, program.mapIds());
        info.putLong(56, mapIds);
        putName(info, 64, program.name());
        info.putInt(84, program.gplCompatible() ? 1 : 0);
        info.putLong(192, program.runNanos()).putLong(200, program.runCount());
        info.putInt(216, program.verifiedInsns());
    }

    /** How much goes into the room that the caller names, a number without a sign. */
    static int fitting(int room, int length) {
        return Integer.compareUnsigned(room, length) < 0 ? room : length;
    }

    private static void clear(ByteBuffer info) {
        Arrays.fill(info.array(), (byte) 0);
    }

    private static void putIds(RawAttr attr, long address, int room, List<Integer> ids) {
        if (room != 0 && address != 0) {
            for (int i = 0; i < fitting(room, ids.size()); i++) {
                attr.memory.put(attr.command, address + 4L * i, RawAttr.le32(ids.get(i)));
            }
        }
    }

    private static void putName(ByteBuffer info, int at, String name) {
        var bytes = name.getBytes(StandardCharsets.ISO_8859_1);
        info.put(at, bytes, 0, Math.min(15, bytes.length));
    }

    private static void map(ObjectInfo.MapInfo map, ByteBuffer info) {
        clear(info);
        var spec = map.spec();
        info.putInt(0, spec.type().number())
                .putInt(4, map.id())
                .putInt(8, spec.keySizeBytes())
                .putInt(12, spec.valueSizeBytes())
                .putInt(16, spec.maxEntries())
                .putInt(20, spec.flags())
                .putLong(80, spec.setup().extra());
        putName(info, 24, spec.name());
    }

    private void btf(RawAttr attr, ObjectInfo.BtfInfo btf, ByteBuffer info) {
        long address = info.getLong(0);
        int room = info.getInt(8);
        clear(info);
        if (room != 0 && address != 0) {
            var bytes = process.types(attr.command, attr.u32(0)).bytes();
            attr.memory.put(attr.command, address, Arrays.copyOf(bytes, fitting(room, bytes.length)));
        }
        info.putLong(0, address).putInt(8, btf.sizeBytes()).putInt(12, btf.id());
    }

    private static final int LINK_RAW_TRACEPOINT = 1;
    private static final int LINK_TRACING = 2;
    private static final int LINK_CGROUP = 3;
    private static final int LINK_ITER = 4;
    private static final int LINK_XDP = 6;
    private static final int LINK_TCX = 11;

    private static int linkType(ObjectInfo.LinkInfo link) {
        return link.attachType()
                .map(type -> switch (type) {
                    case TRACE_ITER -> LINK_ITER;
                    case TRACE_RAW_TP, TRACE_FENTRY, TRACE_FEXIT, MODIFY_RETURN, LSM_MAC -> LINK_TRACING;
                    case XDP -> LINK_XDP;
                    case TCX_INGRESS, TCX_EGRESS -> LINK_TCX;
                    default -> LINK_CGROUP;
                })
                .orElse(LINK_RAW_TRACEPOINT);
    }

    private static void link(RawAttr attr, ObjectInfo.LinkInfo link, ByteBuffer info) {
        long address = info.getLong(16);
        int room = info.getInt(24);
        clear(info);
        int type = linkType(link);
        info.putInt(0, type).putInt(4, link.id()).putInt(8, link.programId());
        int attachType = link.attachType().map(AttachType::number).orElse(0);
        switch (type) {
            case LINK_RAW_TRACEPOINT, LINK_ITER -> putText(attr, address, room, link.target(), info);
            case LINK_TRACING -> info.putInt(16, attachType).putLong(32, link.cookie());
            case LINK_CGROUP -> info.putLong(16, number(link.target())).putInt(24, attachType);
            default -> info.putInt(16, (int) number(link.target())).putInt(20, attachType);
        }
    }

    private static long number(String target) {
        return target.matches("[0-9]{1,18}") ? Long.parseLong(target) : 0;
    }

    /** A name where the caller has room for it: its length with the final zero is told in any case. */
    private static void putText(RawAttr attr, long address, int room, String text, ByteBuffer info) {
        attr.require((address == 0) == (room == 0), "room for a name has an address and a size");
        var bytes = (text + '\0').getBytes(StandardCharsets.ISO_8859_1);
        info.putLong(16, address).putInt(24, bytes.length);
        if (address == 0) {
            return;
        }
        boolean fits = Integer.compareUnsigned(bytes.length, room) <= 0;
        var put = fits ? bytes : Arrays.copyOf(bytes, room);
        put[put.length - 1] = 0;
        attr.memory.put(attr.command, address, put);
        if (!fits) {
            throw attr.failed(Errno.ENOSPC, "the name '" + text + "' is longer than the room for it");
        }
    }

    /** 0 pid | 4 fd | 8 flags | 12 buf_len | 16 buf | 24 prog_id | 28 fd_type | 32 probe_offset | 40 probe_addr. */
    long taskFdQuery(RawAttr attr) {
        attr.require(attr.u32(8) == 0, "flags");
        var link = process.taskFdQuery(attr.u32(4));
        int room = attr.u32(12);
        var text = (link.target() + '\0').getBytes(StandardCharsets.ISO_8859_1);
        attr.putU32(12, text.length - 1);
        attr.putU32(24, link.programId());
        attr.putU32(28, 0);
        attr.putU64(32, 0);
        attr.putU64(40, 0);
        if (room != 0 && attr.u64(16) != 0) {
            boolean fits = Integer.compareUnsigned(text.length, room) <= 0;
            var put = fits ? text : Arrays.copyOf(text, room);
            put[put.length - 1] = 0;
            attr.putPointed(16, put);
            if (!fits) {
                throw attr.failed(Errno.ENOSPC, "the name is longer than the room for it");
            }
        }
        return 0;
    }
}
