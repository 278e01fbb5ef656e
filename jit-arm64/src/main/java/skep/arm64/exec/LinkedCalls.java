package skep.arm64.exec;

import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import skep.arm64.lower.Calls;
import skep.isa.Insn;
import skep.isa.kernel.Helper;
import skep.vm.Executable;
import skep.vm.HelperFunction;
import skep.vm.LinkedProgram;
import skep.vm.VmCpu;
import skep.vm.VmMap;

/** What a linked program calls: a number for each function, and the runner's routines that take it. */
final class LinkedCalls implements Calls, AutoCloseable {
    private final LinkedProgram linked;
    private final Sites sites;
    private final CodeHost.Routines routines;
    private final Map<Integer, CallTarget> targetOfSlot = new HashMap<>();
    private final Map<HelperFunction, Integer> numberOfFunction = new IdentityHashMap<>();
    private final Map<Integer, Integer> numberOfSize = new HashMap<>();
    private int tailCallNumber;

    LinkedCalls(LinkedProgram linked, Sites sites, CodeHost.Routines routines) {
        this.linked = linked;
        this.sites = sites;
        this.routines = routines;
    }

    @Override
    public CallTarget target(int slot) {
        return targetOfSlot.computeIfAbsent(slot, this::newTarget);
    }

    private CallTarget newTarget(int slot) {
        var insn = linked.program().at(slot);
        if (insn instanceof Insn.Load load) {
            int number = numberOfSize.computeIfAbsent(
                    load.size().bytes(),
                    size -> sites.add((cpu, address, b, c, d, e) -> new Runner.Answer(cpu.loadKernel(address, size))));
            return new CallTarget(routines.loadKernel(), number);
        }
        if (LinkedProgram.isTailCall(insn)) {
            if (tailCallNumber == 0) {
                tailCallNumber = sites.add(this::tailCall);
            }
            return new CallTarget(routines.callOut(), tailCallNumber);
        }
        var function = linked.call(slot);
        if (insn instanceof Insn.Call) {
            function = linked.map(slot).flatMap(function::forMap).orElse(function);
        }
        int number = numberOfFunction.computeIfAbsent(
                function,
                known -> sites.add((cpu, a, b, c, d, e) -> new Runner.Answer(known.call(cpu, a, b, c, d, e))));
        return new CallTarget(routines.callOut(), number);
    }

    private Runner.Answer tailCall(VmCpu cpu, long context, long map, long index, long d, long e) {
        Executable next = cpu.tailCallTarget(map, (int) index);
        return switch (next) {
            case null -> new Runner.Answer(0);
            case Arm64Executable code -> new Runner.Answer(code.entryAddress(), true, context);
            // A program that another backend runs is called; what it returns is what this one returns.
            default -> new Runner.Answer(routines.returns(), true, next.call(cpu, 0, context, 0, 0, 0, 0));
        };
    }

    @Override
    public long throughRegister() {
        return routines.callRegister();
    }

    @Override
    public long immediate(int slot) {
        return linked.immediate(slot);
    }

    @Override
    public boolean isKernelLoad(int slot) {
        return linked.program().at(slot) instanceof Insn.Load && linked.isKernelLoad(slot) && !linked.checked();
    }

    @Override
    public Optional<VmMap.ArrayLayout> arrayLookup(int slot) {
        boolean lookup = linked.program().at(slot) instanceof Insn.Call(Insn.CallKind kind, int imm, short _)
                && kind == Insn.CallKind.HELPER
                && imm == Helper.MAP_LOOKUP_ELEM.number();
        return lookup && !linked.checked() ? linked.map(slot).flatMap(VmMap::arrayLayout) : Optional.empty();
    }

    @Override
    public Optional<Snapshot> snapshot() {
        return linked.checked()
                ? Optional.empty()
                : Optional.of(new Snapshot(
                        SharedPool.BASE,
                        Mailbox.SNAPSHOT_VALID,
                        Mailbox.SNAPSHOT_CPU,
                        Mailbox.SNAPSHOT_KTIME,
                        Mailbox.SNAPSHOT_PID_TGID,
                        Mailbox.SNAPSHOT_UID_GID,
                        Mailbox.SNAPSHOT_TASK,
                        Mailbox.SNAPSHOT_BOOT));
    }

    @Override
    public int stackBytes(int functionSlot) {
        return linked.stackBytes(functionSlot);
    }

    @Override
    public void close() {
        numberOfFunction.values().forEach(sites::remove);
        numberOfSize.values().forEach(sites::remove);
        if (tailCallNumber != 0) {
            sites.remove(tailCallNumber);
        }
    }
}
