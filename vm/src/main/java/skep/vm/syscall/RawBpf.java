package skep.vm.syscall;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSetup;
import skep.isa.object.MapSpec;
import skep.vm.SpecialFields;
import skep.vm.maps.MapRequest;
import skep.vm.syscall.BpfLink.AttachPoint;

/**
 * {@code bpf()} as programs call it: a number, the bytes of {@code union bpf_attr}, results in the caller's memory, minus an errno.
 *
 * <pre>{@code
 * try (var memory = new ProcessMemory(); var process = new BpfProcess(system)) {
 *     var bpf = new RawBpf(process, memory);
 *     long attr = memory.allocate(RawBpf.ATTR_BYTES);
 *     …
 *     long fd = bpf.call(BpfCommand.MAP_CREATE.number(), attr, RawBpf.ATTR_BYTES);
 * }
 * }</pre>
 */
public final class RawBpf {
    /** {@code sizeof(union bpf_attr)}. */
    public static final int ATTR_BYTES = RawAttr.BYTES;

    /** How many places in keyed maps a process may have between batches; the oldest is forgotten. */
    private static final int MAX_CURSORS = 256;

    private final BpfProcess process;
    private final UserMemory memory;
    private final RawPrograms programs;
    private final RawInfo info;
    private final Map<Integer, byte[]> cursors = new LinkedHashMap<>();
    private int lastCursor;

    public RawBpf(BpfProcess process, UserMemory memory) {
        this.process = process;
        this.memory = memory;
        this.programs = new RawPrograms(process);
        this.info = new RawInfo(process);
    }

    /**
     * Makes a call.
     *
     * @param attr address of the union
     * @param size how much of it the caller knows
     * @return a descriptor or 0; minus an errno if it failed
     */
    public long call(int command, long attr, int size) {
        try {
            return checked(command, attr, size);
        } catch (BpfException failure) {
            return failure.errno().negated();
        }
    }

    /**
     * The same, but says why it failed.
     *
     * @throws BpfException with the errno
     */
    public long checked(int command, long attr, int size) {
        var row = BpfCommand.ofNumber(command)
                .orElseThrow(
                        () -> new BpfException(BpfCommand.MAP_CREATE, Errno.EINVAL, "there is no command " + command));
        return call(RawAttr.read(row, memory, attr, size));
    }

    private long call(RawAttr attr) {
        return switch (attr.command) {
            case MAP_CREATE -> mapCreate(attr);
            case MAP_LOOKUP_ELEM -> lookup(attr, false);
            case MAP_LOOKUP_AND_DELETE_ELEM -> lookup(attr, true);
            case MAP_UPDATE_ELEM -> update(attr);
            case MAP_DELETE_ELEM -> {
                process.mapDelete(attr.u32(0), key(attr));
                yield 0;
            }
            case MAP_GET_NEXT_KEY -> nextKey(attr);
            case MAP_FREEZE -> {
                process.mapFreeze(attr.u32(0));
                yield 0;
            }
            case MAP_LOOKUP_BATCH -> lookupBatch(attr, false);
            case MAP_LOOKUP_AND_DELETE_BATCH -> lookupBatch(attr, true);
            case MAP_UPDATE_BATCH -> changeBatch(attr, true);
            case MAP_DELETE_BATCH -> changeBatch(attr, false);
            case PROG_LOAD -> programs.load(attr);
            case PROG_TEST_RUN -> programs.testRun(attr);
            case PROG_BIND_MAP -> {
                attr.require(attr.u32(8) == 0, "flags");
                process.progBindMap(attr.u32(0), attr.u32(4));
                yield 0;
            }
            case PROG_ATTACH -> {
                process.progAttach(attr.u32(4), point(attr, attr.u32(0)), Integer.toUnsignedLong(attr.u32(12)));
                yield 0;
            }
            case PROG_DETACH -> {
                process.progDetach(attr.u32(4), point(attr, attr.u32(0)));
                yield 0;
            }
            case PROG_QUERY -> query(attr);
            case RAW_TRACEPOINT_OPEN ->
                process.rawTracepointOpen(attr.u64(0) == 0 ? "" : attr.string(0), attr.u32(8), attr.u64(16));
            case LINK_CREATE -> linkCreate(attr);
            case LINK_UPDATE -> linkUpdate(attr);
            case LINK_DETACH -> {
                process.linkDetach(attr.u32(0));
                yield 0;
            }
            case ITER_CREATE -> {
                attr.require(attr.u32(4) == 0, "flags");
                yield process.iterCreate(attr.u32(0));
            }
            case OBJ_PIN -> {
                attr.require(attr.u32(12) == 0, "flags and folders of pins are not known");
                process.objPin(attr.u32(8), attr.string(0));
                yield 0;
            }
            case OBJ_GET -> {
                attr.require(attr.u32(8) == 0, "a descriptor");
                int access = attr.u32(12);
                attr.require((access & ~(MapFlags.RDONLY | MapFlags.WRONLY)) == 0, "flags");
                yield process.objGet(attr.string(0), access);
            }
            case PROG_GET_NEXT_ID -> nextId(attr, process.progGetNextId(attr.u32(0)));
            case MAP_GET_NEXT_ID -> nextId(attr, process.mapGetNextId(attr.u32(0)));
            case LINK_GET_NEXT_ID -> nextId(attr, process.linkGetNextId(attr.u32(0)));
            case BTF_GET_NEXT_ID -> nextId(attr, process.btfGetNextId(attr.u32(0)));
            case PROG_GET_FD_BY_ID -> process.progGetFdById(attr.u32(0));
            case MAP_GET_FD_BY_ID -> {
                attr.require((attr.u32(8) & ~(MapFlags.RDONLY | MapFlags.WRONLY)) == 0, "flags");
                yield process.mapGetFdById(attr.u32(0), attr.u32(8));
            }
            case LINK_GET_FD_BY_ID -> process.linkGetFdById(attr.u32(0));
            case BTF_GET_FD_BY_ID -> process.btfGetFdById(attr.u32(0));
            case OBJ_GET_INFO_BY_FD -> info.answer(attr);
            case BTF_LOAD -> {
                attr.require(attr.u32(32) == 0, "flags");
                int size = attr.u32(16);
                if (size < 0 || size > MAX_BTF_BYTES) {
                    throw attr.failed(Errno.E2BIG, "types of " + Integer.toUnsignedString(size) + " bytes");
                }
                yield process.btfLoad(attr.pointed(0, size));
            }
            case TASK_FD_QUERY -> info.taskFdQuery(attr);
            case ENABLE_STATS -> {
                attr.require(attr.u32(0) == 0, "the kernel has run time statistics only");
                yield process.enableStats();
            }
            case TOKEN_CREATE -> process.tokenCreate();
        };
    }

    /** {@code BTF_MAX_SIZE}. */
    private static final int MAX_BTF_BYTES = 16 << 20;

    // ---- maps

    private long mapCreate(RawAttr attr) {
        int keyType = attr.u32(52);
        int valueType = attr.u32(56);
        var name = attr.name(28);
        var type = MapType.ofNumber(attr.u32(0))
                .filter(known -> known != MapType.UNSPEC)
                .orElseThrow(() -> attr.invalid("map type " + attr.u32(0)));
        attr.require(attr.u32(44) == 0, "a map on a network device");
        attr.require(
                attr.u64(64) == 0 || type == MapType.BLOOM_FILTER || type == MapType.ARENA,
                "map_extra is for bloom filters and arenas");
        attr.require(attr.u64(80) == 0 && attr.u32(88) == 0, "maps of one program only");
        int flags = attr.u32(16);
        boolean typed = keyType != 0 || valueType != 0;
        attr.require(!typed || valueType != 0 && attr.u32(60) == 0, "a value without a type");
        var spec = new MapSpec(name, type, attr.u32(4), attr.u32(8), attr.u32(12), flags, MapSetup.NONE);
        var request = new MapRequest(spec, java.util.List.of(), Optional.empty(), attr.u64(64));
        if (typed) {
            var types = process.types(attr.command, attr.u32(48));
            attr.require(
                    keyType < types.endId() && keyType >= 0 && valueType < types.endId() && valueType > 0,
                    "no such types");
            attr.require(
                    keyType == 0 || types.sizeBytes(keyType) == spec.keySizeBytes(), "the key's type has another size");
            attr.require(types.sizeBytes(valueType) == spec.valueSizeBytes(), "the value's type has another size");
            request = request.withFields(SpecialFields.of(types, valueType));
        }
        boolean storage = switch (type) {
            case TASK_STORAGE, INODE_STORAGE, SK_STORAGE, CGRP_STORAGE -> true;
            default -> false;
        };
        attr.require(!storage || keyType != 0 && valueType != 0, "local storage has types");
        boolean outer = type == MapType.ARRAY_OF_MAPS || type == MapType.HASH_OF_MAPS;
        return process.mapCreate(request, outer ? OptionalInt.of(attr.u32(20)) : OptionalInt.empty());
    }

    private byte[] key(RawAttr attr) {
        int size = process.spec(attr.command, attr.u32(0)).keySizeBytes();
        if (size == 0) {
            attr.require(attr.u64(8) == 0, "maps without keys are given none");
            return new byte[0];
        }
        return attr.pointed(8, size);
    }

    private long lookup(RawAttr attr, boolean delete) {
        int fd = attr.u32(0);
        long flags = attr.u64(24);
        attr.require((flags & ~MapFlags.LOCK) == 0, "flags");
        var type = process.spec(attr.command, fd).type();
        if (type == MapType.BLOOM_FILTER && !delete) {
            process.mapLookup(
                    fd, attr.pointed(16, process.spec(attr.command, fd).valueSizeBytes()), flags);
            return 0;
        }
        attr.putPointed(
                16,
                delete ? process.mapLookupAndDelete(fd, key(attr), flags) : process.mapLookup(fd, key(attr), flags));
        return 0;
    }

    private long update(RawAttr attr) {
        int fd = attr.u32(0);
        var key = key(attr);
        process.mapUpdate(fd, key, attr.pointed(16, process.userValueBytes(attr.command, fd)), attr.u64(24));
        return 0;
    }

    private long nextKey(RawAttr attr) {
        var key = attr.u64(8) == 0 ? Optional.<byte[]>empty() : Optional.of(key(attr));
        attr.putPointed(16, process.mapGetNextKey(attr.u32(0), key));
        return 0;
    }

    // ---- batches: 0 in_batch, 8 out_batch, 16 keys, 24 values, 32 count, 36 map_fd, 40 elem_flags, 48 flags

    private long lookupBatch(RawAttr attr, boolean delete) {
        int fd = attr.u32(36);
        var spec = process.spec(attr.command, fd);
        process.batchMap(attr.command, fd, attr.u64(40));
        attr.require(attr.u64(48) == 0, "flags");
        int count = attr.u32(32);
        if (count == 0) {
            return 0;
        }
        attr.putU32(32, 0);
        if (!hasCursors(spec.type())) {
            return lookupInOrder(attr, fd, spec.keySizeBytes(), count);
        }
        var from = attr.u64(0) == 0 ? Optional.<byte[]>empty() : Optional.of(cursor(attr));
        var batch = process.mapLookupBatch(fd, from, count, delete);
        for (int i = 0; i < batch.entries().size(); i++) {
            put(attr, i, batch.entries().get(i).key(), batch.entries().get(i).value());
        }
        attr.putU32(32, batch.entries().size());
        if (batch.next().isEmpty()) {
            throw attr.failed(Errno.ENOENT, "that was the last batch");
        }
        attr.putPointed(8, RawAttr.le32(remember(batch.next().get())));
        return 0;
    }

    private static void put(RawAttr attr, int index, byte[] key, byte[] value) {
        attr.memory.put(attr.command, attr.u64(16) + (long) index * key.length, key);
        attr.memory.put(attr.command, attr.u64(24) + (long) index * value.length, value);
    }

    /** Of arrays and tries a place is the last key that was read. */
    private long lookupInOrder(RawAttr attr, int fd, int keyBytes, int count) {
        var last = attr.u64(0) == 0 ? Optional.<byte[]>empty() : Optional.of(attr.pointed(0, keyBytes));
        int done = 0;
        try {
            while (done < count) {
                var key = process.mapGetNextKey(fd, last);
                last = Optional.of(key);
                try {
                    put(attr, done, key, process.mapLookup(fd, key, attr.u64(40)));
                    done++;
                } catch (BpfException gone) {
                    if (gone.errno() != Errno.ENOENT) {
                        throw gone;
                    }
                }
            }
        } finally {
            attr.putU32(32, done);
            if (done > 0) {
                attr.putPointed(8, last.orElseThrow());
            }
        }
        return 0;
    }

    /** Of hash tables the kernel tells a place by 4 bytes, whatever the size of keys; of others by a key. */
    private static boolean hasCursors(MapType type) {
        return switch (type) {
            case HASH, LRU_HASH, PERCPU_HASH, LRU_PERCPU_HASH, HASH_OF_MAPS -> true;
            default -> false;
        };
    }

    private synchronized int remember(byte[] key) {
        if (cursors.size() >= MAX_CURSORS) {
            cursors.remove(cursors.keySet().iterator().next());
        }
        cursors.put(++lastCursor, key);
        return lastCursor;
    }

    private synchronized byte[] cursor(RawAttr attr) {
        int number = java.nio.ByteBuffer.wrap(attr.pointed(0, 4))
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .getInt();
        var key = cursors.remove(number);
        attr.require(key != null, "no batch ended at place " + number);
        return key;
    }

    private long changeBatch(RawAttr attr, boolean update) {
        int fd = attr.u32(36);
        process.batchMap(attr.command, fd, attr.u64(40));
        int keyBytes = process.spec(attr.command, fd).keySizeBytes();
        int valueBytes = process.userValueBytes(attr.command, fd);
        int count = attr.u32(32);
        int done = 0;
        try {
            for (; done < count; done++) {
                var key = attr.memory.bytes(attr.command, attr.u64(16) + (long) done * keyBytes, keyBytes);
                if (update) {
                    long value = attr.u64(24) + (long) done * valueBytes;
                    process.mapUpdate(fd, key, attr.memory.bytes(attr.command, value, valueBytes), attr.u64(40));
                } else {
                    process.mapDelete(fd, key);
                }
            }
        } finally {
            attr.putU32(32, done);
        }
        return 0;
    }

    // ---- attaching

    /** Attributes of attaching: 0 target, 4 program, 8 type, 12 flags. */
    private static AttachPoint point(RawAttr attr, int target) {
        return new AttachPoint(Optional.of(attachType(attr, attr.u32(8))), Integer.toString(target));
    }

    static AttachType attachType(RawAttr attr, int number) {
        return AttachType.ofNumber(number).orElseThrow(() -> attr.invalid("attach type " + number));
    }

    /** 0 target, 4 type, 8 flags, 12 attach flags, 16 numbers, 24 count. */
    private long query(RawAttr attr) {
        attr.require(attr.u32(8) == 0, "flags");
        var point = new AttachPoint(Optional.of(attachType(attr, attr.u32(4))), Integer.toString(attr.u32(0)));
        var ids = process.progQuery(point);
        int room = attr.u32(24);
        attr.putU32(12, 0);
        attr.putU32(24, ids.size());
        if (room != 0 && attr.u64(16) != 0) {
            for (int i = 0; i < RawInfo.fitting(room, ids.size()); i++) {
                attr.memory.put(attr.command, attr.u64(16) + 4L * i, RawAttr.le32(ids.get(i)));
            }
            if (Integer.compareUnsigned(ids.size(), room) > 0) {
                throw attr.failed(Errno.ENOSPC, ids.size() + " programs, room for " + Integer.toUnsignedString(room));
            }
        }
        return 0;
    }

    /** 0 program, 4 target, 8 type, 12 flags, 16 what belongs to the type. */
    private long linkCreate(RawAttr attr) {
        var type = attachType(attr, attr.u32(8));
        return switch (type) {
            case TRACE_ITER -> {
                attr.require(attr.u32(12) == 0 && attr.u32(4) == 0, "flags");
                yield process.iterLink(attr.u32(0), iteratedMap(attr));
            }
            case TRACE_RAW_TP, TRACE_FENTRY, TRACE_FEXIT, MODIFY_RETURN, LSM_MAC ->
                process.typedLink(attr.u32(0), type, attr.u64(24));
            case PERF_EVENT ->
                throw attr.failed(Errno.EBADF, "the VM has no perf events; a simulated kernel attaches by name");
            case TRACE_KPROBE_MULTI, TRACE_UPROBE_MULTI, TRACE_KPROBE_SESSION, TRACE_UPROBE_SESSION ->
                throw attr.failed(
                        Errno.EOPNOTSUPP, "the VM has no functions to probe; a simulated kernel attaches by name");
            default -> {
                attr.require(attr.u32(12) == 0, "flags");
                yield process.linkCreate(attr.u32(0), Integer.toString(attr.u32(4)), type, 0);
            }
        };
    }

    /** {@code union bpf_iter_link_info}, whose first word is a descriptor of a map. */
    private OptionalInt iteratedMap(RawAttr attr) {
        int size = attr.u32(24);
        attr.require((attr.u64(16) != 0) == (size != 0), "what to walk has an address and a size");
        if (size == 0) {
            return OptionalInt.empty();
        }
        if (size < 0 || size > RawAttr.BYTES) {
            throw attr.failed(Errno.E2BIG, "what to walk has " + size + " bytes");
        }
        var info = Arrays.copyOf(attr.pointed(16, size), RawAttr.BYTES);
        int fd = java.nio.ByteBuffer.wrap(info)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .getInt();
        return fd == 0 ? OptionalInt.empty() : OptionalInt.of(fd);
    }

    /** 0 link, 4 new program, 8 flags, 12 old program. */
    private long linkUpdate(RawAttr attr) {
        final int replace = 1 << 2;
        int flags = attr.u32(8);
        attr.require((flags & ~replace) == 0, "flags");
        attr.require((flags & replace) != 0 || attr.u32(12) == 0, "an old program without the flag to replace it");
        process.linkUpdate(
                attr.u32(0), attr.u32(4), (flags & replace) != 0 ? OptionalInt.of(attr.u32(12)) : OptionalInt.empty());
        return 0;
    }

    private static long nextId(RawAttr attr, int id) {
        attr.putU32(4, id);
        return 0;
    }
}
