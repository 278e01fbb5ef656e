package skep.vm.syscall;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import skep.btf.BtfBuilder;
import skep.btf.BtfType;
import skep.isa.Assembler;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadOptions;
import skep.target.LoadedMap;
import skep.vm.KernelServices;
import skep.vm.Machine;
import skep.vm.VmCpu;
import skep.vm.maps.MapRequest;
import skep.vm.syscall.BpfLink.AttachPoint;

class BpfProcessTest {
    private final Machine machine = new Machine(Machine.Config.ofCpus(2));
    private final BpfSystem system = new BpfSystem(machine);
    private final BpfProcess process = new BpfProcess(system);

    @AfterEach
    void nothingIsLeftWhenAllIsClosed() {
        process.close();
        system.close();
        assertEquals(OptionalInt.empty(), machine.programs().nextId(0));
        assertEquals(OptionalInt.empty(), machine.maps().nextId(0));
        assertEquals(0, machine.chargedBytes());
        machine.close();
    }

    private static byte[] int4(int number) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .array();
    }

    private static byte[] long8(long number) {
        return ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(number)
                .array();
    }

    private static void fails(Errno errno, Executable command) {
        assertEquals(errno, assertThrows(BpfException.class, command).errno());
    }

    private int map(MapType type, int key, int value, int entries, int flags) {
        var spec = new MapSpec("m", type, key, value, entries, flags);
        return process.mapCreate(MapRequest.of(spec), OptionalInt.empty());
    }

    private int program(ProgramType type, String text) {
        return process.progLoad(spec(type, text), LoadOptions.DEFAULT);
    }

    private static ProgramSpec spec(ProgramType type, String text) {
        return new ProgramSpec(
                "p", type, Optional.empty(), "", "GPL", Assembler.assemble(text), List.of(), LineTable.EMPTY);
    }

    @Test
    void mapsAreReachedThroughDescriptors() {
        int fd = map(MapType.HASH, 4, 8, 2, 0);
        fails(Errno.ENOENT, () -> process.mapLookup(fd, int4(1), 0));
        process.mapUpdate(fd, int4(1), long8(10), MapFlags.NOEXIST);
        fails(Errno.EEXIST, () -> process.mapUpdate(fd, int4(1), long8(10), MapFlags.NOEXIST));
        assertArrayEquals(long8(10), process.mapLookup(fd, int4(1), 0));
        fails(Errno.EINVAL, () -> process.mapLookup(fd, long8(1), 0));
        assertArrayEquals(int4(1), process.mapGetNextKey(fd, Optional.empty()));
        fails(Errno.ENOENT, () -> process.mapGetNextKey(fd, Optional.of(int4(1))));
        assertArrayEquals(long8(10), process.mapLookupAndDelete(fd, int4(1)));
        fails(Errno.ENOENT, () -> process.mapDelete(fd, int4(1)));
        fails(Errno.EBADF, () -> process.mapLookup(99, int4(1), 0));
        process.close(fd);
        fails(Errno.EBADF, () -> process.mapLookup(fd, int4(1), 0));
    }

    @Test
    void accessFollowsFlagsAndFreezing() {
        int readOnly = map(MapType.ARRAY, 4, 8, 1, MapFlags.RDONLY);
        fails(Errno.EPERM, () -> process.mapUpdate(readOnly, int4(0), long8(1), 0));
        int writeOnly = map(MapType.ARRAY, 4, 8, 1, MapFlags.WRONLY);
        process.mapUpdate(writeOnly, int4(0), long8(1), 0);
        fails(Errno.EPERM, () -> process.mapLookup(writeOnly, int4(0), 0));
        int hash = map(MapType.HASH, 4, 8, 1, 0);
        process.mapFreeze(hash);
        fails(Errno.EPERM, () -> process.mapUpdate(hash, int4(0), long8(1), 0));
        fails(Errno.EPERM, () -> process.mapFreeze(hash));
        assertTrue(((ObjectInfo.MapInfo) process.objGetInfoByFd(hash)).frozen());
    }

    @Test
    void batchesWalkAWholeMap() {
        int fd = map(MapType.HASH, 4, 8, 1000, 0);
        var entries = new ArrayList<LoadedMap.Entry>();
        for (int i = 0; i < 100; i++) {
            entries.add(new LoadedMap.Entry(int4(i), long8(i)));
        }
        assertEquals(100, process.mapUpdateBatch(fd, entries, 0));
        int seen = 0;
        Optional<byte[]> from = Optional.empty();
        do {
            var batch = process.mapLookupBatch(fd, from, 7, false);
            seen += batch.entries().size();
            from = batch.next();
        } while (from.isPresent());
        assertEquals(100, seen);
        assertEquals(2, process.mapDeleteBatch(fd, List.of(int4(1), int4(2), int4(1000), int4(3))));
        assertEquals(
                98,
                process.mapLookupBatch(fd, Optional.empty(), 1000, true)
                        .entries()
                        .size());
        assertEquals(
                0,
                process.mapLookupBatch(fd, Optional.empty(), 1000, true)
                        .entries()
                        .size());
    }

    @Test
    void aPinKeepsAnObjectWithoutAProcess() {
        int fd = map(MapType.ARRAY, 4, 8, 1, 0);
        process.mapUpdate(fd, int4(0), long8(42), 0);
        system.files().makeFolder("/sys/fs/bpf/mine");
        process.objPin(fd, "/sys/fs/bpf/mine/map");
        fails(Errno.EEXIST, () -> process.objPin(fd, "/sys/fs/bpf/mine/map"));
        fails(Errno.ENOENT, () -> process.objPin(fd, "/sys/fs/bpf/other/map"));
        fails(Errno.EPERM, () -> process.objPin(fd, "/tmp/map"));
        process.close();
        try (var later = new BpfProcess(system)) {
            int again = later.objGet("/sys/fs/bpf/mine/map");
            assertArrayEquals(long8(42), later.mapLookup(again, int4(0), 0));
            fails(Errno.EISDIR, () -> later.objGet("/sys/fs/bpf/mine"));
            assertEquals(List.of("map"), system.files().list("/sys/fs/bpf/mine"));
            system.unlink("/sys/fs/bpf/mine/map");
            fails(Errno.ENOENT, () -> later.objGet("/sys/fs/bpf/mine/map"));
        }
    }

    @Test
    void mapsInsideMapsAreDescriptorsOnTheWayInAndNumbersOnTheWayOut() {
        int inner = map(MapType.HASH, 4, 8, 2, 0);
        int outer = process.mapCreate(
                MapRequest.of(new MapSpec("outer", MapType.ARRAY_OF_MAPS, 4, 4, 2, 0)), OptionalInt.of(inner));
        process.mapUpdate(outer, int4(1), int4(inner), 0);
        int id = process.objGetInfoByFd(inner).id();
        assertArrayEquals(int4(id), process.mapLookup(outer, int4(1), 0));
        process.close(inner);
        int again = process.mapGetFdById(id);
        process.mapUpdate(again, int4(0), long8(1), 0);
        process.close(outer);
    }

    @Test
    void programsAreLoadedRunAndDescribed() {
        int counts = map(MapType.ARRAY, 4, 8, 1, 0);
        int program = program(ProgramType.SOCKET_FILTER, """
                r1 = 0
                *(u32 *)(r10 -4) = r1
                r2 = r10
                r2 += -4
                r1 = map[fd:%d]
                call bpf_map_lookup_elem
                if r0 == 0 goto out
                r1 = 1
                lock *(u64 *)(r0 +0) += r1
                r0 = *(u64 *)(r0 +0)
                out:
                exit
                """.formatted(counts));
        int stats = process.enableStats();
        var result = process.progTestRun(program, new TestRun.Request(new byte[64], new byte[0], 5));
        assertEquals(5, result.retval());
        assertEquals(64, result.data().length);
        var info = (ObjectInfo.ProgramInfo) process.objGetInfoByFd(program);
        assertEquals(5, info.runCount());
        assertTrue(info.runNanos() > 0);
        assertEquals(List.of(process.objGetInfoByFd(counts).id()), info.mapIds());
        assertTrue(info.gplCompatible());
        process.close(stats);
        assertFalse(machine.statsEnabled());
        fails(Errno.EINVAL, () -> process.progTestRun(program, TestRun.Request.ofPacket(new byte[13])));
        assertEquals(info.id(), process.progGetNextId(0));
        fails(Errno.ENOENT, () -> process.progGetNextId(info.id()));
        int again = process.progGetFdById(info.id());
        process.close(program);
        process.close(counts);
        assertEquals(
                6,
                process.progTestRun(again, TestRun.Request.ofPacket(new byte[14]))
                        .retval());
    }

    @Test
    void aRejectedProgramComesWithItsLog() {
        var rejected = assertThrows(
                BpfException.class, () -> program(ProgramType.SOCKET_FILTER, "r0 = *(u64 *)(r1 +4096)\nexit\n"));
        assertTrue(rejected.log().contains("invalid bpf_context access"), rejected.log());
        assertEquals(Errno.EACCES, rejected.errno());
    }

    @Test
    void packetsAreReadAndChanged() {
        int program = program(ProgramType.XDP, """
                r6 = *(u32 *)(r1 +0)
                r2 = *(u32 *)(r1 +4)
                r3 = r6
                r3 += 14
                r0 = 1
                if r3 > r2 goto out
                r4 = 7
                *(u8 *)(r6 +0) = r4
                r2 = -4
                call bpf_xdp_adjust_head
                r0 = 2
                out:
                exit
                """);
        var result = process.progTestRun(program, TestRun.Request.ofPacket(new byte[20]));
        assertEquals(2, result.retval());
        assertEquals(24, result.data().length);
        assertEquals(7, result.data()[4]);
    }

    @Test
    void linksRunProgramsUntilTheyAreDetached() {
        int one = program(ProgramType.RAW_TRACEPOINT, "r0 = 1\nexit\n");
        int three = program(ProgramType.RAW_TRACEPOINT, "r0 = 3\nexit\n");
        var point = new AttachPoint(Optional.empty(), "sched_switch");
        int link = process.rawTracepointOpen("sched_switch", one);
        try (var cpu = new VmCpu(machine, KernelServices.detached())) {
            assertEquals(1, system.fire(point, cpu, 0));
            process.linkUpdate(link, three, OptionalInt.of(one));
            assertEquals(3, system.fire(point, cpu, 0));
            fails(Errno.EPERM, () -> process.linkUpdate(link, three, OptionalInt.of(one)));
            assertEquals(1, process.progQuery(point).size());
            process.linkDetach(link);
            assertEquals(-1, system.fire(point, cpu, 0));
            int second = process.rawTracepointOpen("sched_switch", one);
            assertEquals(process.objGetInfoByFd(second).id(), process.linkGetNextId(1));
            process.close(second);
            assertEquals(-1, system.fire(point, cpu, 0), "the last reference detaches");
        }
        fails(Errno.EINVAL, () -> process.rawTracepointOpen("", one));
    }

    @Test
    void cgroupProgramsAreAttachedAndAsked() {
        int yes = program(ProgramType.CGROUP_SKB, "r0 = 1\nexit\n");
        int no = program(ProgramType.CGROUP_SKB, "r0 = 0\nexit\n");
        var point = new AttachPoint(Optional.of(AttachType.CGROUP_INET_INGRESS), "7");
        process.progAttach(yes, point, 2);
        process.progAttach(no, point, 2);
        fails(Errno.EINVAL, () -> process.progAttach(no, point, 2));
        assertEquals(2, process.progQuery(point).size());
        try (var cpu = new VmCpu(machine, KernelServices.detached())) {
            assertEquals(0, system.fire(point, cpu, 0));
            process.progDetach(no, point);
            assertEquals(1, system.fire(point, cpu, 0));
        }
        fails(Errno.ENOENT, () -> process.progDetach(no, point));
        process.progDetach(yes, point);
    }

    @Test
    void typesAreLoadedByNumber() {
        var builder = new BtfBuilder();
        builder.add(BtfType.Int.signed("int", 4));
        int fd = process.btfLoad(builder.toBytes());
        var info = (ObjectInfo.BtfInfo) process.objGetInfoByFd(fd);
        assertEquals(1, info.types());
        assertEquals(info.id(), process.btfGetNextId(0));
        fails(Errno.EINVAL, () -> process.btfLoad(new byte[40]));
        fails(Errno.EINVAL, () -> process.objPin(fd, "/sys/fs/bpf/types"));
    }

    @Test
    void descriptorsAreBounded() {
        for (int i = 3; i < 1024; i++) {
            map(MapType.ARRAY, 4, 8, 1, 0);
        }
        fails(Errno.EMFILE, () -> map(MapType.ARRAY, 4, 8, 1, 0));
    }
}
