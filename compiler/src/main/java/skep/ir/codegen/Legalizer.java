package skep.ir.codegen;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import skep.ir.BinaryOp;
import skep.ir.Block;
import skep.ir.CastOp;
import skep.ir.CompareOp;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Terminator;
import skep.ir.Terminator.Edge;
import skep.ir.Type;
import skep.ir.Value;
import skep.source.Span;

/**
 * Rewrites what the machine has no instruction for: switches become comparisons, signed division without the
 * instruction becomes unsigned division, narrow signed comparisons are widened. Afterwards only jumps hand values to
 * blocks, so the copies that stand for block parameters have a place of their own.
 */
final class Legalizer {
    /** Up to so many cases are compared one after another; more are searched by halves. */
    private static final int LINEAR_CASES = 4;

    private final Function function;
    private final CpuLevel cpu;
    private final List<Block> blocks = new ArrayList<>();
    private int nextValue;
    private int nextBlock;

    private Legalizer(Function function, CpuLevel cpu) {
        this.function = function;
        this.cpu = cpu;
        this.nextValue = function.valueLimit();
        this.nextBlock = function.blockLimit();
    }

    static Function legalize(Function function, CpuLevel cpu) {
        var legalizer = new Legalizer(function, cpu);
        for (var block : function.blocks()) {
            legalizer.block(block);
        }
        return function.withBlocks(legalizer.blocks);
    }

    private void block(Block block) {
        var insts = new ArrayList<Inst>();
        for (var inst : block.insts()) {
            inst(inst, insts);
        }
        var extra = new ArrayList<Block>();
        var end = switch (block.end()) {
            case Terminator.Switch s -> lowerSwitch(s, insts, extra);
            case Terminator.Branch b when b.then().equals(b.otherwise()) -> new Terminator.Jump(b.span(), b.then());
            case Terminator.Branch b -> b.mapEdges(e -> split(b.span(), e, extra));
            default -> block.end();
        };
        blocks.add(block.with(insts, end));
        blocks.addAll(extra);
    }

    /** An edge that hands values goes through a block of its own. */
    private Edge split(Span span, Edge edge, List<Block> extra) {
        if (edge.args().isEmpty()) {
            return edge;
        }
        var between = new Block(nextBlock++, List.of(), List.of(), new Terminator.Jump(span, edge));
        extra.add(between);
        return Edge.to(between.id());
    }

    private Terminator lowerSwitch(Terminator.Switch s, List<Inst> insts, List<Block> extra) {
        var cases = new ArrayList<>(s.cases());
        cases.sort(Comparator.comparing(Terminator.Switch.Case::number, Long::compareUnsigned));
        var targets = new ArrayList<Terminator.Switch.Case>();
        for (var c : cases) {
            targets.add(new Terminator.Switch.Case(c.number(), split(s.span(), c.target(), extra)));
        }
        return search(s, targets, split(s.span(), s.otherwise(), extra), insts, extra);
    }

    private Terminator search(
            Terminator.Switch s,
            List<Terminator.Switch.Case> cases,
            Edge otherwise,
            List<Inst> insts,
            List<Block> extra) {
        if (cases.isEmpty()) {
            return new Terminator.Jump(s.span(), otherwise);
        }
        if (cases.size() <= LINEAR_CASES) {
            var first = cases.getFirst();
            var hit = compare(s, CompareOp.EQ, first.number(), insts);
            if (cases.size() == 1) {
                return branch(s, hit, first.target(), otherwise);
            }
            var rest = later(s, cases.subList(1, cases.size()), otherwise, extra);
            return branch(s, hit, first.target(), rest);
        }
        int middle = cases.size() / 2;
        var below = compare(s, CompareOp.ULT, cases.get(middle).number(), insts);
        return branch(
                s,
                below,
                later(s, cases.subList(0, middle), otherwise, extra),
                later(s, cases.subList(middle, cases.size()), otherwise, extra));
    }

    private static Terminator branch(Terminator.Switch s, Value condition, Edge then, Edge otherwise) {
        return then.equals(otherwise)
                ? new Terminator.Jump(s.span(), then)
                : new Terminator.Branch(s.span(), condition, then, otherwise);
    }

    private Edge later(Terminator.Switch s, List<Terminator.Switch.Case> cases, Edge otherwise, List<Block> extra) {
        int id = nextBlock++;
        var insts = new ArrayList<Inst>();
        var inner = new ArrayList<Block>();
        var end = search(s, cases, otherwise, insts, inner);
        extra.add(new Block(id, List.of(), insts, end));
        extra.addAll(inner);
        return Edge.to(id);
    }

    private Value compare(Terminator.Switch s, CompareOp op, long number, List<Inst> insts) {
        var constant = constant(s.span(), s.value().type(), number, insts);
        return add(insts, new Inst.Compare(s.span(), newValue(Type.I1), op, s.value(), constant));
    }

    private void inst(Inst inst, List<Inst> out) {
        switch (inst) {
            case Inst.Binary b when b.op() == BinaryOp.SDIV && !cpu.atLeast(CpuLevel.V4) -> signedDivide(b, out);
            case Inst.Binary b when b.op() == BinaryOp.SMOD && !cpu.atLeast(CpuLevel.V4) -> signedRemainder(b, out);
            case Inst.Compare c
            when c.op().signed() && c.a().type().bits() < 32 ->
                out.add(new Inst.Compare(
                        c.span(), c.result(), c.op(), widen(c.span(), c.a(), out), widen(c.span(), c.b(), out)));
            default -> out.add(inst);
        }
    }

    private Value widen(Span span, Value value, List<Inst> out) {
        return add(out, new Inst.Cast(span, newValue(Type.I32), CastOp.SEXT, value));
    }

    /** {@code |a| / |b|}, negated if the signs differ. A zero divisor gives zero either way. */
    private void signedDivide(Inst.Binary b, List<Inst> out) {
        var span = b.span();
        var quotient = binary(span, BinaryOp.UDIV, magnitude(span, b.a(), out), magnitude(span, b.b(), out), out);
        var negative = isNegative(span, binary(span, BinaryOp.XOR, b.a(), b.b(), out), out);
        var minus = add(out, new Inst.Neg(span, newValue(b.a().type()), quotient));
        out.add(new Inst.Select(span, b.result(), negative, minus, quotient));
    }

    /** {@code |a| % |b|} with the sign of {@code a}. A zero divisor gives {@code a} either way. */
    private void signedRemainder(Inst.Binary b, List<Inst> out) {
        var span = b.span();
        var rest = binary(span, BinaryOp.UMOD, magnitude(span, b.a(), out), magnitude(span, b.b(), out), out);
        var minus = add(out, new Inst.Neg(span, newValue(b.a().type()), rest));
        out.add(new Inst.Select(span, b.result(), isNegative(span, b.a(), out), minus, rest));
    }

    private Value magnitude(Span span, Value a, List<Inst> out) {
        var minus = add(out, new Inst.Neg(span, newValue(a.type()), a));
        return add(out, new Inst.Select(span, newValue(a.type()), isNegative(span, a, out), minus, a));
    }

    private Value isNegative(Span span, Value a, List<Inst> out) {
        var zero = constant(span, a.type(), 0, out);
        return add(out, new Inst.Compare(span, newValue(Type.I1), CompareOp.SLT, a, zero));
    }

    private Value binary(Span span, BinaryOp op, Value a, Value b, List<Inst> out) {
        return add(out, new Inst.Binary(span, newValue(a.type()), op, a, b));
    }

    private Value constant(Span span, Type type, long number, List<Inst> out) {
        return add(out, new Inst.Const(span, newValue(type), number));
    }

    private Value newValue(Type type) {
        return new Value(nextValue++, type);
    }

    private static Value add(List<Inst> out, Inst.Def inst) {
        out.add(inst);
        return inst.result();
    }
}
