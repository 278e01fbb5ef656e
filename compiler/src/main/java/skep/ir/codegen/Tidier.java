package skep.ir.codegen;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import skep.ir.codegen.MachineFunction.MachineBlock;

/**
 * Straightens a function whose registers are those of the machine: jumps to jumps go to the end of the chain, blocks
 * with the same content become one, blocks that nothing reaches are dropped, a block moves behind the one that jumps to
 * it if nothing else falls into it.
 */
final class Tidier {
    private final MachineFunction function;

    private Tidier(MachineFunction function) {
        this.function = function;
    }

    static void tidy(MachineFunction function) {
        var tidier = new Tidier(function);
        boolean changed = true;
        while (changed) {
            changed = tidier.redirect(tidier.endsOfChains());
            changed |= tidier.redirect(tidier.twins());
            changed |= tidier.exitInPlace();
        }
        tidier.layOut();
    }

    /** For each block the one that a jump to it may as well go to. */
    private int[] endsOfChains() {
        int n = function.blocks.size();
        var to = identity(n);
        for (int i = 0; i < n; i++) {
            int at = i;
            int steps = 0;
            while (function.blocks.get(at).insns.size() == 1
                    && function.blocks.get(at).end() instanceof MachineInsn.Jump j
                    && steps++ < n) {
                at = j.target();
            }
            to[i] = at;
        }
        return to;
    }

    /** A jump to nothing but an exit is an exit. */
    private boolean exitInPlace() {
        boolean changed = false;
        for (var block : function.blocks) {
            if (block.end() instanceof MachineInsn.Jump j
                    && function.blocks.get(j.target()).insns.getFirst() instanceof MachineInsn.Exit exit) {
                block.insns.set(block.insns.size() - 1, exit);
                changed = true;
            }
        }
        return changed;
    }

    private int[] twins() {
        int n = function.blocks.size();
        var to = identity(n);
        Map<List<Object>, Integer> first = new HashMap<>();
        for (int i = 1; i < n; i++) {
            var key = function.blocks.get(i).insns.stream()
                    .map(Tidier::withoutSpan)
                    .toList();
            to[i] = first.merge(key, i, (a, b) -> a);
        }
        return to;
    }

    /** What makes two instructions the same, wherever they come from. */
    private static Object withoutSpan(MachineInsn insn) {
        return switch (insn) {
            case MachineInsn.Move m -> List.of(m.dst(), m.src());
            case MachineInsn.Alu a -> List.of(a.op(), a.width(), a.dst(), a.src());
            case MachineInsn.Swap s -> List.of("swap", s.bits(), s.dst());
            case MachineInsn.Load l -> List.of(l.size(), l.signed(), l.dst(), l.base(), l.offset());
            case MachineInsn.Store s -> List.of("store", s.size(), s.base(), s.offset(), s.src());
            case MachineInsn.Atomic a -> List.of(a.op(), a.size(), a.base(), a.offset(), a.src());
            case MachineInsn.LoadImm l -> List.of(l.dst(), l.kind(), l.imm(), l.symbol());
            case MachineInsn.FrameAddress f -> List.of("frame", f.dst(), f.slot(), f.offset());
            case MachineInsn.Call c -> List.of(c.kind(), c.number(), c.symbol());
            case MachineInsn.MoveUnless m -> List.of(m.op(), m.width(), m.a(), m.b(), m.dst(), m.src());
            case MachineInsn.Branch b -> List.of(b.op(), b.width(), b.a(), b.b(), b.then(), b.otherwise());
            case MachineInsn.Jump j -> List.of("jump", j.target());
            case MachineInsn.Exit e -> "exit";
        };
    }

    private static int[] identity(int n) {
        var to = new int[n];
        Arrays.setAll(to, i -> i);
        return to;
    }

    private boolean redirect(int[] to) {
        boolean changed = false;
        for (var block : function.blocks) {
            var end = redirected(block.end(), i -> to[i]);
            if (!end.equals(block.end())) {
                block.insns.set(block.insns.size() - 1, end);
                changed = true;
            }
        }
        return changed;
    }

    private static MachineInsn redirected(MachineInsn end, IntUnaryOperator to) {
        return switch (end) {
            case MachineInsn.Jump j -> new MachineInsn.Jump(j.span(), to.applyAsInt(j.target()));
            case MachineInsn.Branch b -> {
                int then = to.applyAsInt(b.then());
                int otherwise = to.applyAsInt(b.otherwise());
                yield then == otherwise
                        ? new MachineInsn.Jump(b.span(), then)
                        : new MachineInsn.Branch(b.span(), b.op(), b.width(), b.a(), b.b(), then, otherwise);
            }
            default -> end;
        };
    }

    /** Chains of blocks, each followed by the target it can fall into. */
    private void layOut() {
        int n = function.blocks.size();
        var entries = new int[n];
        entries[0] = 1;
        for (int i : reachable()) {
            for (int s : function.blocks.get(i).successors()) {
                entries[s]++;
            }
        }
        var placed = new int[n];
        Arrays.fill(placed, -1);
        List<Integer> order = new ArrayList<>();
        List<Integer> waiting = new ArrayList<>(reachable().reversed());
        while (!waiting.isEmpty()) {
            int at = waiting.removeLast();
            while (at >= 0 && placed[at] < 0) {
                placed[at] = order.size();
                order.add(at);
                at = next(at, placed, entries);
            }
        }
        List<MachineBlock> blocks = new ArrayList<>();
        for (int i : order) {
            blocks.add(function.blocks.get(i));
        }
        function.blocks.clear();
        function.blocks.addAll(blocks);
        redirect(placed);
    }

    private int next(int at, int[] placed, int[] entries) {
        return switch (function.blocks.get(at).end()) {
            case MachineInsn.Jump j -> placed[j.target()] < 0 ? j.target() : -1;
            case MachineInsn.Branch b -> {
                boolean then = placed[b.then()] < 0;
                boolean otherwise = placed[b.otherwise()] < 0;
                // To fall into the first one the condition has to be negated.
                if (!then || Jumps.negated(b.op()).isEmpty()) {
                    yield otherwise ? b.otherwise() : -1;
                }
                if (!otherwise || (entries[b.then()] == 1) != (entries[b.otherwise()] == 1)) {
                    yield !otherwise || entries[b.then()] == 1 ? b.then() : b.otherwise();
                }
                yield Math.min(b.then(), b.otherwise());
            }
            default -> -1;
        };
    }

    private List<Integer> reachable() {
        int n = function.blocks.size();
        var seen = new boolean[n];
        List<Integer> work = new ArrayList<>(List.of(0));
        seen[0] = true;
        while (!work.isEmpty()) {
            for (int s : function.blocks.get(work.removeLast()).successors()) {
                if (!seen[s]) {
                    seen[s] = true;
                    work.add(s);
                }
            }
        }
        List<Integer> list = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            if (seen[i]) {
                list.add(i);
            }
        }
        return list;
    }
}
