package skep.arm64.exec;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.arm64.a64.Disassembler;
import skep.arm64.lower.Calls;
import skep.arm64.lower.Lowering;
import skep.arm64.lower.LoweringOptions;
import skep.arm64.lower.MachineCode;
import skep.isa.Insn;
import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.VmCpu;
import skep.vm.VmFault;

/** A program as A64 code in the shared memory. */
final class Arm64Executable implements Executable {
    /** Frames of the CPU's stack that one call takes: eight functions deep, with what A64 saves beside each frame. */
    private static final int FRAMES = 16;

    private final LinkedProgram linked;

    private final Runner runner;
    private final MachineCode code;
    private final long address;
    private final List<Site> sites = new ArrayList<>();

    /** A place in the program that calls out. */
    private interface Site {
        Runner.Answer call(VmCpu cpu, long a, long b, long c, long d, long e);
    }

    private Arm64Executable(Runner runner, LinkedProgram linked) {
        this.runner = runner;
        this.linked = linked;
        var options = linked.checked() ? LoweringOptions.CHECKED : LoweringOptions.VERIFIED;
        this.code = Lowering.lower(linked.program(), linked::insn, options, new Linked());
        this.address = runner.publish(code.words());
        linked.bind(this);
    }

    static Executable of(Runner runner, LinkedProgram linked) {
        return new Arm64Executable(runner, linked);
    }

    /** Call sites get numbers from 1. */
    private final class Linked implements Calls {
        @Override
        public CallTarget target(int slot) {
            if (LinkedProgram.isTailCall(linked.program().at(slot))) {
                sites.add(Arm64Executable::tailCall);
            } else {
                var function = linked.call(slot);
                sites.add((cpu, a, b, c, d, e) -> new Runner.Answer(function.call(cpu, a, b, c, d, e), false));
            }
            return new CallTarget(Runner.callOutRoutine(), sites.size());
        }

        @Override
        public long throughRegister() {
            return Runner.callRegisterRoutine();
        }

        @Override
        public long immediate(int slot) {
            return linked.immediate(slot);
        }
    }

    private static Runner.Answer tailCall(VmCpu cpu, long context, long map, long index, long d, long e) {
        if (cpu.tailCallTarget(map, (int) index) instanceof Executable next) {
            return new Runner.Answer(next.call(cpu, 0, context, 0, 0, 0, 0), true);
        }
        return new Runner.Answer(0, false);
    }

    @Override
    public String backend() {
        return "arm64";
    }

    @Override
    public int codeSizeBytes() {
        return code.sizeBytes();
    }

    @Override
    public long call(VmCpu cpu, int slot, long a, long b, long c, long d, long e) {
        long top = cpu.push();
        for (int i = 1; i < FRAMES; i++) {
            cpu.push();
        }
        try {
            if (linked.checked()) {
                Runner.setRegions(linked.runtime().addressSpace().regions(), cpu.stackLow(), top);
            }
            return runner.call(
                    entry(slot),
                    new long[] {a, b, c, d, e},
                    top,
                    linked.checked(),
                    (number, p, q, r, s, t) -> callOut(cpu, number, p, q, r, s, t));
        } catch (Runner.Fault fault) {
            throw new VmFault(slotOf(fault).orElse(-1), String.valueOf(fault.getMessage()));
        } finally {
            cpu.pop(top);
        }
    }

    private Runner.Answer callOut(VmCpu cpu, long number, long a, long b, long c, long d, long e) {
        if (Mailbox.get(Mailbox.THROUGH_REGISTER) != 0) {
            return new Runner.Answer(cpu.callRegister(number, a, b, c, d, e), false);
        }
        return sites.get((int) number - 1).call(cpu, a, b, c, d, e);
    }

    private long entry(int slot) {
        for (var function : code.functions()) {
            if (function.slot() == slot) {
                return address + 4L * function.word();
            }
        }
        throw new VmFault("no function begins at slot " + slot);
    }

    private Optional<Integer> slotOf(Runner.Fault fault) {
        long word = (fault.codeAddress() - address) / 4;
        if (fault.codeAddress() < address || word >= code.words().length) {
            return Optional.empty();
        }
        int slot = code.slotOfWord((int) word);
        return slot < 0 ? Optional.empty() : Optional.of(slot);
    }

    /** Bytes and A64 of each bytecode instruction. */
    @Override
    public String dump() {
        var out = new StringBuilder();
        int[] words = code.words();
        var program = linked.program();
        for (int slot = 0; slot < program.size(); slot = program.next(slot)) {
            out.append(String.format("; %d: %s%n", slot, describe(slot)));
            int end = code.wordOfSlot()[program.next(slot)];
            for (int word = code.wordOfSlot()[slot]; word < end; word++) {
                out.append(String.format(
                        "%8x:  %08x  %s%n", word * 4, words[word], Disassembler.disassemble(words[word])));
            }
        }
        return out.toString();
    }

    private String describe(int slot) {
        Insn insn = linked.program().at(slot);
        return skep.isa.Disassembler.text(insn);
    }

    @Override
    public void close() {
        linked.release();
    }
}
