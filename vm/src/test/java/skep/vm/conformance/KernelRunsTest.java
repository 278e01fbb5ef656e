package skep.vm.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import skep.isa.Assembler;
import skep.isa.Bytecode;
import skep.isa.Insn;
import skep.isa.InsnCodec;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.vm.Machine;
import skep.vm.syscall.BpfException;
import skep.vm.syscall.BpfProcess;
import skep.vm.syscall.BpfSystem;
import skep.vm.syscall.TestRun;
import skep.vm.verifier.MapDefinition;
import skep.vm.verifier.VerifierInput.Privilege;

/**
 * Programs of Linux's selftests that a live 6.18 kernel accepted and ran on a packet: accepted here too, they give the same result here,
 * verified, on every backend.
 */
class KernelRunsTest {
    private static final List<String> BACKENDS = List.of("interp", "jvm");

    /** These return an address, or what happened to lie on the kernel's stack. */
    private static final Set<String> NOT_DETERMINED = Set.of(
            "uninitialized stack2",
            "raw_stack: no skb_load_bytes",
            "pointer/scalar confusion in state equality check (way 1)",
            "pointer/scalar confusion in state equality check (way 2)",
            "check valid spill/fill",
            "check corrupted spill/fill, LSB",
            "check corrupted spill/fill, MSB");

    /** A run of the kernel's. */
    private record Run(VerifierRow row, byte[] data, int retval) {}

    @Test
    void verifiedProgramsGiveTheKernelsResults() throws IOException {
        var counts = new TreeMap<String, Integer>();
        var wrong = new ArrayList<String>();
        int checked = 0;
        for (var file : List.of("verifier.jsonl", "verifier_progs.jsonl")) {
            for (var run : runs(file)) {
                var results = new ArrayList<String>();
                for (var backend : BACKENDS) {
                    results.add(result(run, backend));
                }
                assertEquals(results.get(0), results.get(1), run.row.name());
                var result = results.getFirst();
                checked += checkBeliefs(run, result) ? 1 : 0;
                counts.merge(result.matches("-?\\d+") ? "ran" : result, 1, Integer::sum);
                if (result.matches("-?\\d+")
                        && Integer.parseInt(result) != run.retval
                        && !NOT_DETERMINED.contains(run.row.name())) {
                    wrong.add(run.row.name() + ": " + result + " instead of " + run.retval);
                }
            }
        }
        assertTrue(counts.getOrDefault("ran", 0) > 300, counts::toString);
        assertTrue(checked > counts.get("ran") * 9 / 10, checked + " of " + counts);
        assertEquals(List.of(), wrong);
    }

    /** Runs once more, checking what the verifier believed; some programs are too complex when nothing may be forgotten. */
    private static boolean checkBeliefs(Run run, String result) {
        var believed = result(run, "interp-beliefs");
        if (!result.matches("-?\\d+") || believed.startsWith("rejected: ")) {
            return false;
        }
        assertTrue(believed.matches("-?\\d+"), () -> run.row.name() + ": " + believed);
        return true;
    }

    private static String result(Run run, String backend) {
        try (var system = new BpfSystem(new Machine(Machine.Config.ofCpus(1)));
                var process = new BpfProcess(system)) {
            var input = run.row.input();
            var fds = new HashMap<Integer, Integer>();
            var slots = input.code().slots();
            for (int slot = 0; slot < slots.length; slot++) {
                var insn = InsnCodec.decode(input.code(), slot);
                if (insn instanceof Insn.LoadImm64(skep.isa.Reg _, Insn.ImmKind kind, long imm)
                        && (kind == Insn.ImmKind.MAP_FD || kind == Insn.ImmKind.MAP_VALUE)) {
                    int fd = fds.computeIfAbsent(
                            (int) imm,
                            number -> create(process, input.type(), input.maps().map(number)));
                    slots[slot] = slots[slot] & 0xffff_ffffL | (long) fd << 32;
                }
                slot += insn.slots() - 1;
            }
            var spec = new ProgramSpec(
                    "run",
                    input.type(),
                    input.attachType(),
                    input.attachTo(),
                    "GPL",
                    Bytecode.of(slots),
                    List.of(),
                    LineTable.EMPTY);
            int program = process.progLoad(spec, new LoadOptions(0, backend));
            return Integer.toString(process.progTestRun(program, TestRun.Request.ofPacket(run.data))
                    .retval());
        } catch (LoadException rejected) {
            return "rejected: " + String.valueOf(rejected.getMessage()).replace(backend, "B");
        } catch (BpfException failed) {
            return "failed: " + String.valueOf(failed.getMessage()).replace(backend, "B");
        }
    }

    private static int create(BpfProcess process, ProgramType type, Optional<MapDefinition> definition) {
        var map = definition.orElseThrow();
        int fd = create(process, map);
        switch (map.name()) {
            // index of the seventh element behind itself, and what that holds
            case "map_array_48b", "map_array_ro", "map_array_wo" ->
                process.mapUpdate(fd, words(0), words(28, 0, 0, 0, 0, 0, 0, 0xabcdef12, 0, 0, 0, 0), 0);
            case "prog1", "prog2" -> {
                put(process, type, fd, map.name().equals("prog1") ? 0 : 7, "r0 = 42\nexit");
                put(process, type, fd, 1, """
                        r3 = 1
                        r2 = map[fd:%d]
                        call bpf_tail_call
                        r0 = 41
                        exit
                        """.formatted(fd));
                put(process, type, fd, 2, "r0 = 24\nexit");
            }
            default -> {}
        }
        return fd;
    }

    private static void put(BpfProcess process, ProgramType type, int map, int index, String text) {
        var spec = new ProgramSpec(
                "entry", type, Optional.empty(), "", "GPL", Assembler.assemble(text), List.of(), LineTable.EMPTY);
        process.mapUpdate(map, words(index), words(process.progLoad(spec, LoadOptions.DEFAULT)), 0);
    }

    private static byte[] words(int... words) {
        var bytes = ByteBuffer.allocate(4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int word : words) {
            bytes.putInt(word);
        }
        return bytes.array();
    }

    private static int create(BpfProcess process, MapDefinition map) {
        var inner = map.inner()
                .map(template -> OptionalInt.of(process.mapCreate(request(template), OptionalInt.empty())))
                .orElse(OptionalInt.empty());
        return process.mapCreate(request(map), inner);
    }

    private static skep.vm.maps.MapRequest request(MapDefinition map) {
        var name = map.name().replaceAll("[^A-Za-z0-9_.]", "_");
        return skep.vm.maps.MapRequest.of(new MapSpec(
                        name.substring(0, Math.min(15, name.length())),
                        map.type(),
                        map.keySizeBytes(),
                        map.valueSizeBytes(),
                        map.maxEntries(),
                        map.flags()))
                .withFields(map.fields());
    }

    private static List<Run> runs(String name) throws IOException {
        var file = Path.of(System.getProperty("skep.root", "."), "../shared/data/verifier", name);
        Assumptions.assumeTrue(Files.exists(file), () -> "no " + file);
        var rows = VerifierRow.read(file, Privilege.FULL, Optional.empty());
        var lines = Files.readAllLines(file).stream()
                .filter(line -> !line.isBlank())
                .toList();
        var runs = new ArrayList<Run>();
        for (int i = 0; i < lines.size(); i++) {
            if (Json.object(lines.get(i)).get("kernel_6_18") instanceof Map<?, ?> verdict
                    && verdict.get("runs") instanceof List<?> list
                    && !list.isEmpty()
                    && list.getFirst() instanceof Map<?, ?> run
                    && run.get("retval") instanceof Number retval) {
                var data = Json.string(run, "data_in").orElse("");
                if (!data.isEmpty()) {
                    runs.add(new Run(rows.get(i), HexFormat.of().parseHex(data), retval.intValue()));
                }
            }
        }
        return runs;
    }
}
