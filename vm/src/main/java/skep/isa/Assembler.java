package skep.isa;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads programs in the notation that {@link Disassembler} writes, one instruction a line, and makes slots.
 *
 * <pre>
 * line  = [ slot ":" [ "(" opcode ")" ] ] [ label ":" ] [ insn ] [ ( ";" | "//" | "#" ) comment ]
 * </pre>
 *
 * <p>Beyond what the disassembler writes: labels may stand for {@code pc+N} in jumps, calls and {@code subprog[…]}; helpers may be given
 * by name alone ({@code call bpf_ktime_get_ns}) or number alone ({@code call 5}); a number followed by {@code ll} is a 64-bit
 * immediate load however it is written.
 */
public final class Assembler {
    private Assembler() {}

    /**
     * Assembles.
     *
     * @throws AssemblyException at the first mistake
     */
    public static Bytecode assemble(String text) {
        var pending = new ArrayList<Pending>();
        var labels = new HashMap<String, Integer>();
        int slot = 0;
        int lineNumber = 0;
        for (var line : text.lines().toList()) {
            lineNumber++;
            var scanner = new AssemblyLine(line, lineNumber);
            scanner.skipSlotNumber();
            for (var label = scanner.label(); !label.isEmpty(); label = scanner.label()) {
                if (labels.put(label, slot) != null) {
                    throw scanner.error("label " + label + " is defined twice");
                }
            }
            if (!scanner.atEnd()) {
                var parsed = scanner.insn();
                scanner.expectEnd();
                pending.add(new Pending(parsed, slot, scanner));
                slot += parsed.insn().slots();
            }
        }
        return InsnCodec.encode(resolve(pending, labels));
    }

    private static List<Insn> resolve(List<Pending> pending, Map<String, Integer> labels) {
        var insns = new ArrayList<Insn>(pending.size());
        for (var p : pending) {
            var label = p.parsed.label();
            if (label.isEmpty()) {
                insns.add(p.parsed.insn());
                continue;
            }
            var target = labels.get(label);
            if (target == null) {
                throw p.scanner.error("label " + label + " is not defined");
            }
            insns.add(retarget(p, target - p.slot - 1));
        }
        return insns;
    }

    private static Insn retarget(Pending p, int off) {
        return switch (p.parsed.insn()) {
            case Insn.Jump(int _, boolean wide) -> new Insn.Jump(wide ? off : near(p, off), wide);
            case Insn.Branch b -> new Insn.Branch(b.op(), b.width(), b.dst(), b.src(), near(p, off));
            case Insn.MayGoto _ -> new Insn.MayGoto(near(p, off));
            case Insn.Call call -> new Insn.Call(call.kind(), off, call.off());
            case Insn.LoadImm64 load -> new Insn.LoadImm64(load.dst(), load.kind(), off & 0xffff_ffffL);
            default -> throw new AssertionError(p);
        };
    }

    private static short near(Pending p, int off) {
        if (off != (short) off) {
            throw p.scanner.error("jump over " + off + " slots does not fit 16 bits; use gotol");
        }
        return (short) off;
    }

    /** An instruction whose label, if it has one, is still to be replaced by an offset. */
    record Parsed(Insn insn, String label) {
        Parsed(Insn insn) {
            this(insn, "");
        }
    }

    private record Pending(Parsed parsed, int slot, AssemblyLine scanner) {}
}
