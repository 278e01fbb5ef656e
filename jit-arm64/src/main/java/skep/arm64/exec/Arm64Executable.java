package skep.arm64.exec;

import java.util.Optional;
import skep.arm64.lower.Listing;
import skep.arm64.lower.Lowering;
import skep.arm64.lower.LoweringOptions;
import skep.arm64.lower.MachineCode;
import skep.vm.Executable;
import skep.vm.LinkedProgram;
import skep.vm.VmCpu;
import skep.vm.VmFault;

/** A program as A64 code in the shared memory. */
final class Arm64Executable implements Executable {
    /** Frames of the CPU's stack that one call takes: eight functions deep, with what A64 saves beside each frame. */
    private static final int FRAMES = 16;

    private final LinkedProgram linked;
    private final CodeHost host;
    private final LinkedCalls calls;
    private final MachineCode code;
    private final long address;

    private Arm64Executable(CodeHost host, LinkedProgram linked, LoweringOptions options) {
        this.host = host;
        this.linked = linked;
        this.calls = new LinkedCalls(linked, host.sites(), host.routines());
        this.code = Lowering.lower(linked.program(), linked::insn, options, calls);
        this.address = host.publish(code.words(), this);
        linked.bind(this);
    }

    static Executable of(CodeHost host, LinkedProgram linked, LoweringOptions options) {
        return new Arm64Executable(host, linked, options);
    }

    @Override
    public String backend() {
        return "arm64";
    }

    @Override
    public int codeSizeBytes() {
        return code.sizeBytes();
    }

    /** Where other programs' tail calls enter. */
    long entryAddress() {
        return entry(0);
    }

    @Override
    public long call(VmCpu cpu, int slot, long a, long b, long c, long d, long e) {
        long top = cpu.push();
        if (!SharedPool.holds(top - 1)) {
            cpu.pop(top);
            throw new VmFault(
                    "the backend arm64 runs in a process of its own, which does not see this target's memory: open the "
                            + "target for that backend");
        }
        try {
            for (int i = 1; i < FRAMES; i++) {
                cpu.push();
            }
            if (linked.checked()) {
                Runner.setRegions(linked.runtime().addressSpace().regions(), cpu.stackLow(), top);
            }
            return host.call(cpu, entry(slot), new long[] {a, b, c, d, e}, top, linked.checked());
        } catch (Runner.Fault fault) {
            throw host.explain(fault);
        } finally {
            cpu.pop(top);
        }
    }

    private long entry(int slot) {
        for (var function : code.functions()) {
            if (function.slot() == slot) {
                return address + 4L * function.word();
            }
        }
        throw new VmFault("no function begins at slot " + slot);
    }

    /** Whether an address is in this program's code. */
    boolean covers(long codeAddress) {
        return codeAddress >= address && codeAddress < address + code.sizeBytes();
    }

    /** A fault in this program's code, with the instruction of the bytecode and the source line that made it. */
    VmFault explained(Runner.Fault fault) {
        int slot = code.slotOfWord((int) ((fault.codeAddress() - address) / 4));
        var line = slot < 0
                ? Optional.<String>empty()
                : linked.lines()
                        .at(slot)
                        .map(entry -> " (" + entry.source() + ":" + entry.line() + ": "
                                + entry.text().strip() + ")");
        return new VmFault(slot, fault.getMessage() + line.orElse(""));
    }

    /** Bytes, A64, bytecode and source. */
    @Override
    public String dump() {
        return Listing.of(code, linked.program(), linked.lines(), address);
    }

    @Override
    public void close() {
        linked.release();
        calls.close();
        host.retract(address, code.sizeBytes());
    }
}
