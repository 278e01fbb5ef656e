package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import skep.isa.Bytecode;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.vm.Machine;
import skep.vm.VmFault;
import skep.vm.maps.MapRequest;
import skep.vm.syscall.BpfException;
import skep.vm.syscall.BpfProcess;
import skep.vm.syscall.BpfSystem;
import skep.vm.syscall.TestRun;
import skep.vm.verifier.MapDefinition;
import skep.vm.verifier.VerifierInput;

/**
 * The random programs that are compared with the kernel's verdict are also run, where ours accepts them: by an interpreter
 * that tests every access, whose faults would show that the verdict was wrong, and by one that tests every belief.
 */
class RandomBeliefsTest {
    private static final int SEEDS = 600;
    private static final int SLOW_SEEDS = 30_000;
    private static final int RUNS = 4;

    @Test
    void acceptedProgramsDoWhatWasBelieved() {
        run(0, SEEDS);
    }

    @Test
    @Tag("slow")
    void manyMoreAcceptedProgramsDoWhatWasBelieved() {
        run(1_000_000, SLOW_SEEDS);
    }

    private static void run(long from, int count) {
        var wrong = new ArrayList<String>();
        int ran = 0;
        for (long seed = from; seed < from + count; seed++) {
            var input = RandomVerifierPrograms.of(seed);
            if (input.type() == ProgramType.TRACEPOINT) {
                continue;
            }
            for (var backend : List.of("interp", "interp-beliefs")) {
                var result = run(input, backend, seed);
                if (result.isPresent() && !result.get().isEmpty()) {
                    wrong.add("seed " + seed + " on " + backend + ": " + result.get());
                }
                ran += result.isPresent() ? 1 : 0;
            }
        }
        assertEquals(List.of(), wrong);
        assertTrue(ran > count / 4, ran + " ran");
    }

    /** What went wrong, in words if anything did; empty for what was refused. */
    private static Optional<String> run(VerifierInput input, String backend, long seed) {
        var random = new Random(seed);
        try (var system = new BpfSystem(new Machine(Machine.Config.ofCpus(1)));
                var process = new BpfProcess(system)) {
            var program = load(process, spec(input, process), backend);
            if (program.isEmpty()) {
                return Optional.empty();
            }
            for (int i = 0; i < RUNS; i++) {
                var packet = new byte[14 + random.nextInt(64)];
                random.nextBytes(packet);
                process.progTestRun(program.getAsInt(), TestRun.Request.ofPacket(packet));
            }
            return Optional.of("");
        } catch (BpfException | VmFault fault) {
            return Optional.of(String.valueOf(fault.getMessage()));
        }
    }

    private static OptionalInt load(BpfProcess process, ProgramSpec spec, String backend) {
        try {
            return OptionalInt.of(process.progLoad(spec, new LoadOptions(0, backend)));
        } catch (BpfException | LoadException refused) {
            return OptionalInt.empty();
        }
    }

    private static ProgramSpec spec(VerifierInput input, BpfProcess process) {
        var slots = input.code().slots();
        var fds = new HashMap<Integer, Integer>();
        for (int i = 0; i < slots.length; i++) {
            if (input.code().opcode(i) == 0x18) {
                if (input.code().src(i) == 1) {
                    int fd = fds.computeIfAbsent(
                            input.code().imm(i),
                            named -> create(process, input.maps().map(named)));
                    slots[i] = slots[i] & 0xffff_ffffL | (long) fd << 32;
                }
                i++;
            }
        }
        return new ProgramSpec(
                "random", input.type(), Optional.empty(), "", "GPL", Bytecode.of(slots), List.of(), LineTable.EMPTY);
    }

    private static int create(BpfProcess process, Optional<MapDefinition> definition) {
        var map = definition.orElseThrow();
        return process.mapCreate(
                MapRequest.of(new MapSpec(
                        map.name(),
                        map.type(),
                        map.keySizeBytes(),
                        map.valueSizeBytes(),
                        map.maxEntries(),
                        map.flags())),
                OptionalInt.empty());
    }
}
