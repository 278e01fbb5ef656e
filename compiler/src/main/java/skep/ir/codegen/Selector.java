package skep.ir.codegen;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.ir.BinaryOp;
import skep.ir.Cfg;
import skep.ir.CompareOp;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Region;
import skep.ir.Terminator;
import skep.ir.Type;
import skep.ir.Value;
import skep.ir.codegen.MachineInsn.Base;
import skep.ir.codegen.MachineInsn.Source;
import skep.isa.AluOp;
import skep.isa.AtomicOp;
import skep.isa.Insn;
import skep.isa.JumpOp;
import skep.isa.MemSize;
import skep.isa.Width;
import skep.source.Span;

/**
 * Chooses instructions, from the last block to the first and in each from the last instruction to the first: when an
 * instruction is reached, all that reads its result has been chosen, and if that has taken it up (a constant into an
 * immediate, an address into an offset, a comparison into a branch) nothing is left to do.
 *
 * <p>Numbers, addresses of maps and of stack slots are made anew at each use: that costs no register.
 */
final class Selector {
    private static final int RETURN_REGISTER = 0;

    private final Function function;
    private final Cfg cfg;
    private final CpuLevel cpu;
    private final MachineFunction out;
    private final Inst.Def[] definition;
    private final int[] useCount;
    private final int[] registerOf;
    private final boolean[] needed;
    private final Map<Value, Integer> slotOf = new HashMap<>();
    private List<MachineInsn> chunk = new ArrayList<>();
    private Span span;

    private Selector(Function function, CpuLevel cpu) {
        this.function = function;
        this.cfg = new Cfg(function);
        this.cpu = cpu;
        this.out = new MachineFunction(function.name());
        int limit = function.valueLimit();
        this.definition = new Inst.Def[limit];
        this.useCount = new int[limit];
        this.registerOf = new int[limit];
        this.needed = new boolean[limit];
        this.span = function.entry().end().span();
        for (var block : cfg.order()) {
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Def def) {
                    definition[def.result().id()] = def;
                }
                inst.operands().forEach(v -> useCount[v.id()]++);
            }
            block.end().operands().forEach(v -> useCount[v.id()]++);
        }
    }

    /** The function has been legalized. */
    static MachineFunction select(Function function, CpuLevel cpu) {
        return new Selector(function, cpu).run();
    }

    private MachineFunction run() {
        for (int i = 0; i < cfg.size(); i++) {
            var block = new MachineFunction.MachineBlock();
            block.loopDepth = cfg.loopDepth(i);
            out.blocks.add(block);
        }
        for (int i = cfg.size() - 1; i >= 0; i--) {
            out.blocks.get(i).insns = block(i);
        }
        return out;
    }

    private List<MachineInsn> block(int position) {
        var block = cfg.order().get(position);
        var chunks = new ArrayList<List<MachineInsn>>();
        span = block.end().span();
        terminator(block.end());
        chunks.add(takeChunk());
        for (var inst : block.insts().reversed()) {
            span = inst.span();
            inst(inst);
            chunks.add(takeChunk());
        }
        if (position == 0) {
            span = block.insts().isEmpty()
                    ? block.end().span()
                    : block.insts().getFirst().span();
            var params = block.params();
            for (int i = 0; i < params.size(); i++) {
                if (needed[params.get(i).id()]) {
                    emit(new MachineInsn.Move(span, register(params.get(i)), i + 1));
                }
            }
            chunks.add(takeChunk());
        }
        var insns = new ArrayList<MachineInsn>();
        chunks.reversed().forEach(insns::addAll);
        return insns;
    }

    private List<MachineInsn> takeChunk() {
        var taken = chunk;
        chunk = new ArrayList<>();
        return taken;
    }

    private void emit(MachineInsn insn) {
        chunk.add(insn);
    }

    // Terminators

    private void terminator(Terminator end) {
        switch (end) {
            case Terminator.Jump j -> {
                copyArguments(j.target());
                emit(new MachineInsn.Jump(span, cfg.position(j.target().block())));
            }
            case Terminator.Branch b -> {
                int then = cfg.position(b.then().block());
                int otherwise = cfg.position(b.otherwise().block());
                var c = condition(b.condition());
                emit(new MachineInsn.Branch(
                        span, c.op, c.width, c.a, c.b, c.sense ? then : otherwise, c.sense ? otherwise : then));
            }
            case Terminator.Return r -> {
                into(RETURN_REGISTER, r.value());
                emit(new MachineInsn.Exit(span));
            }
            case Terminator.Switch s -> throw new IllegalStateException("not legalized: " + s);
        }
    }

    /** Copies the arguments of an edge to the parameters as if all at once. */
    private void copyArguments(Terminator.Edge edge) {
        var params = cfg.order().get(cfg.position(edge.block())).params();
        List<int[]> moves = new ArrayList<>();
        List<Runnable> late = new ArrayList<>();
        for (int i = 0; i < params.size(); i++) {
            int target = register(params.get(i));
            var arg = edge.args().get(i);
            if (isMadeAnew(root(arg))) {
                late.add(() -> into(target, arg));
            } else {
                moves.add(new int[] {target, register(need(root(arg)))});
            }
        }
        moves.removeIf(m -> m[0] == m[1]);
        while (!moves.isEmpty()) {
            var free = moves.stream()
                    .filter(m -> moves.stream().noneMatch(other -> other[1] == m[0]))
                    .findFirst();
            if (free.isPresent()) {
                emit(new MachineInsn.Move(span, free.get()[0], free.get()[1]));
                moves.remove(free.get());
            } else {
                // A cycle: save one target and let those who read it read the copy.
                int saved = out.newRegister();
                int target = moves.getFirst()[0];
                emit(new MachineInsn.Move(span, saved, target));
                moves.forEach(m -> m[1] = m[1] == target ? saved : m[1]);
            }
        }
        late.forEach(Runnable::run);
    }

    // Conditions

    /** A jump is taken if {@code a op b}; it says that the condition is {@code sense}. */
    private record Condition(JumpOp op, Width width, int a, Source b, boolean sense) {
        /** The same condition as a jump with this sense, if there is one. */
        Optional<Condition> as(boolean wanted) {
            if (sense == wanted) {
                return Optional.of(this);
            }
            return Jumps.negated(op).map(n -> new Condition(n, width, a, b, wanted));
        }
    }

    private Condition condition(Value value) {
        var v = root(value);
        return switch (definition[v.id()]) {
            case Inst.Compare c -> comparison(c);
            case Inst.Binary b
            when b.op() == BinaryOp.XOR && isConst(b.b(), 1) -> {
                var c = condition(b.a());
                yield new Condition(c.op, c.width, c.a, c.b, !c.sense);
            }
            case null, default -> new Condition(JumpOp.JNE, Width.W64, reg(v), new Source.OfImm(0), true);
        };
    }

    private Condition comparison(Inst.Compare c) {
        var type = c.a().type();
        var width = type.bits() <= 32 ? Width.W32 : Width.W64;
        var op = c.op();
        var a = c.a();
        var b = c.b();
        if (constant(a).isPresent() && constant(b).isEmpty()) {
            a = c.b();
            b = c.a();
            op = op.swapped();
        }
        if (type.bits() == 32) {
            // Code below that uses the truncated value needs the bound that the verifier learns here.
            a = needed[root(a).id()] ? a : low(a, 32);
            b = needed[root(b).id()] ? b : low(b, 32);
        }
        if ((op == CompareOp.EQ || op == CompareOp.NE)
                && isConst(b, 0)
                && definition[root(a).id()] instanceof Inst.Binary and
                && and.op() == BinaryOp.AND
                && useCount[and.result().id()] == 1) {
            var mask = source(and.b(), width);
            return new Condition(JumpOp.JSET, width, reg(and.a()), mask, op == CompareOp.NE);
        }
        var right = source(b, width);
        return new Condition(op.jump(), width, reg(a), right, true);
    }

    // Instructions

    private void inst(Inst inst) {
        if (inst instanceof Inst.Def def && isPure(inst) && !needed[def.result().id()]) {
            return;
        }
        switch (inst) {
            case Inst.Binary b -> binary(b);
            case Inst.Neg n -> {
                int dst = register(n.result());
                into(dst, n.a());
                emit(new MachineInsn.Alu(span, AluOp.NEG, width(n.result()), dst, new Source.OfImm(0)));
            }
            case Inst.Swap s -> {
                int dst = register(s.result());
                into(dst, s.a());
                emit(new MachineInsn.Swap(span, s.bits(), dst));
            }
            case Inst.Compare c -> {
                int dst = register(c.result());
                var condition = comparison(c);
                emit(moveImm(dst, condition.sense ? 1 : 0));
                emit(new MachineInsn.MoveUnless(
                        span,
                        condition.op,
                        condition.width,
                        condition.a,
                        condition.b,
                        dst,
                        new Source.OfImm(condition.sense ? 0 : 1)));
            }
            case Inst.Select s -> select(s);
            case Inst.Cast c -> cast(c);
            case Inst.PtrAdd p -> {
                int dst = register(p.result());
                var offset = source(p.offset(), Width.W64);
                into(dst, p.base());
                emit(new MachineInsn.Alu(span, AluOp.ADD, Width.W64, dst, offset));
            }
            case Inst.Opaque o -> into(register(o.result()), o.a());
            case Inst.Load l -> load(l);
            case Inst.Store s -> {
                var value = low(s.value(), s.size().bytes() * 8);
                var src = source(value, s.size() == MemSize.DW ? Width.W64 : Width.W32);
                var place = place(s.base(), s.offset());
                emit(new MachineInsn.Store(span, s.size(), place.base, place.offset, src));
            }
            case Inst.AtomicUpdate a -> atomic(a);
            case Inst.CompareExchange c -> {
                int value = reg(c.value());
                var place = place(c.base(), c.offset());
                into(RETURN_REGISTER, c.expected());
                emit(new MachineInsn.Atomic(span, AtomicOp.CMPXCHG, c.size(), place.base, place.offset, value));
                takeResult(c.result());
            }
            case Inst.CallHelper c -> call(Insn.CallKind.HELPER, c.helper().number(), "", c.args(), c.result());
            case Inst.CallKfunc c -> call(Insn.CallKind.KFUNC, c.btfId(), c.name(), c.args(), c.result());
            case Inst.Call c -> call(Insn.CallKind.LOCAL, 0, c.function(), c.args(), c.result());
            case Inst.Zero z -> zero(z);
            case Inst.Copy c -> copy(c);
            case Inst.Const c -> into(register(c.result()), c.result());
            case Inst.StackSlot s -> into(register(s.result()), s.result());
            case Inst.MapRef m -> into(register(m.result()), m.result());
            case Inst.MapValueRef m -> into(register(m.result()), m.result());
            case Inst.KernelVariable v -> into(register(v.result()), v.result());
            case Inst.FunctionRef f -> into(register(f.result()), f.result());
        }
    }

    private static boolean isPure(Inst inst) {
        return switch (inst) {
            case Inst.AtomicUpdate a -> false;
            case Inst.CompareExchange c -> false;
            case Inst.CallHelper c -> false;
            case Inst.CallKfunc c -> false;
            case Inst.Call c -> false;
            default -> true;
        };
    }

    private void binary(Inst.Binary b) {
        var width = width(b.result());
        int bits = width.bits();
        var a = bits == 32 ? low(b.a(), 32) : b.a();
        var c = bits == 32 ? low(b.b(), 32) : b.b();
        if (b.op().commutative() && isBetterLast(a, c)) {
            var swap = a;
            a = c;
            c = swap;
        }
        int dst = register(b.result());
        var right = secondOperand(b.op(), c, width);
        into(dst, a);
        emit(new MachineInsn.Alu(span, b.op().alu(), width, dst, right));
    }

    /** The kernel refuses an immediate divisor of zero and an immediate shift by the width or more. */
    private Source secondOperand(BinaryOp op, Value value, Width width) {
        var number = constant(value);
        if (number.isEmpty()) {
            return source(value, width);
        }
        return switch (op) {
            case UDIV, SDIV, UMOD, SMOD ->
                (int) (long) number.get() == 0 ? new Source.OfReg(reg(value)) : source(value, width);
            case SHL, LSHR, ASHR -> new Source.OfImm((int) (number.get() & (width.bits() - 1)));
            default -> source(value, width);
        };
    }

    /** Whether {@code a} should be the second operand: a constant may be an immediate there, a value in use lives on. */
    private boolean isBetterLast(Value a, Value c) {
        if (constant(a).isPresent() != constant(c).isPresent()) {
            return constant(a).isPresent();
        }
        return needed[root(a).id()] && !needed[root(c).id()];
    }

    private void select(Inst.Select s) {
        int dst = register(s.result());
        var c = condition(s.condition());
        // Preferably the immediate is what is moved behind the jump, into the register that holds the other.
        boolean firstHolds = constant(s.a()).isEmpty() || constant(s.b()).isPresent();
        c = c.as(firstHolds).orElse(c);
        var before = c.sense ? s.a() : s.b();
        var after = source(c.sense ? s.b() : s.a(), Width.W64);
        into(dst, before);
        emit(new MachineInsn.MoveUnless(span, c.op, c.width, c.a, c.b, dst, after));
    }

    private void cast(Inst.Cast c) {
        int dst = register(c.result());
        switch (c.op()) {
            case TRUNC -> {
                var a = low(c.a(), c.result().type().bits());
                switch (c.result().type().bits()) {
                    case 32 -> emit(new MachineInsn.Alu(span, AluOp.MOV, Width.W32, dst, source(a, Width.W32)));
                    case 16 -> mask(dst, a, 0xffff);
                    case 8 -> mask(dst, a, 0xff);
                    default -> mask(dst, a, 1);
                }
            }
            case SEXT -> signExtend(dst, c.a(), c.a().type().bits(), c.result().type());
            case ZEXT, PTRTOINT, INTTOPTR, PTRCAST -> into(dst, c.a());
        }
    }

    private void mask(int dst, Value a, int mask) {
        into(dst, a);
        emit(new MachineInsn.Alu(span, AluOp.AND, Width.W32, dst, new Source.OfImm(mask)));
    }

    private void signExtend(int dst, Value a, int fromBits, Type to) {
        var width = to.bits() == 64 ? Width.W64 : Width.W32;
        if (cpu.atLeast(CpuLevel.V4) && fromBits >= 8) {
            var op = switch (fromBits) {
                case 8 -> AluOp.MOVSX8;
                case 16 -> AluOp.MOVSX16;
                default -> AluOp.MOVSX32;
            };
            emit(new MachineInsn.Alu(span, op, width, dst, new Source.OfReg(reg(low(a, fromBits)))));
        } else {
            into(dst, low(a, fromBits));
            shiftExtend(dst, fromBits, width);
        }
        narrow(dst, to);
    }

    private void shiftExtend(int dst, int fromBits, Width width) {
        var by = new Source.OfImm(width.bits() - fromBits);
        emit(new MachineInsn.Alu(span, AluOp.LSH, width, dst, by));
        emit(new MachineInsn.Alu(span, AluOp.ARSH, width, dst, by));
    }

    /** Clears what a sign extension to 32 bits left above a type of 8 or 16. */
    private void narrow(int dst, Type to) {
        if (to.bits() < 32) {
            emit(new MachineInsn.Alu(span, AluOp.AND, Width.W32, dst, new Source.OfImm((1 << to.bits()) - 1)));
        }
    }

    private void load(Inst.Load l) {
        int dst = register(l.result());
        var place = place(l.base(), l.offset());
        var type = l.result().type();
        boolean extending = l.signed() && l.size().bytes() * 8 < type.bits();
        // Contexts and kernel objects are read through rewritten accesses, which do not sign-extend everywhere.
        boolean direct = cpu.atLeast(CpuLevel.V4)
                && type.bits() == 64
                && !l.base().type().isPointerTo(Region.CTX)
                && !l.base().type().isPointerTo(Region.BTF);
        emit(new MachineInsn.Load(span, l.size(), extending && direct, dst, place.base, place.offset));
        if (extending && !direct) {
            shiftExtend(dst, l.size().bytes() * 8, type.bits() == 64 ? Width.W64 : Width.W32);
            narrow(dst, type);
        }
    }

    private void atomic(Inst.AtomicUpdate a) {
        var place = place(a.base(), a.offset());
        boolean fetch = needed[a.result().id()] || a.op() == AtomicOp.XCHG;
        if (!fetch) {
            int value = reg(a.value());
            emit(new MachineInsn.Atomic(span, a.op(), a.size(), place.base, place.offset, value));
            return;
        }
        int dst = register(a.result());
        into(dst, a.value());
        var op = switch (a.op()) {
            case ADD -> AtomicOp.FETCH_ADD;
            case OR -> AtomicOp.FETCH_OR;
            case AND -> AtomicOp.FETCH_AND;
            case XOR -> AtomicOp.FETCH_XOR;
            default -> AtomicOp.XCHG;
        };
        emit(new MachineInsn.Atomic(span, op, a.size(), place.base, place.offset, dst));
    }

    private void call(Insn.CallKind kind, int number, String symbol, List<Value> args, Value result) {
        // Registers first, then what is made anew: the latter needs none.
        for (int i = 0; i < args.size(); i++) {
            if (!isMadeAnew(root(args.get(i)))) {
                into(i + 1, args.get(i));
            }
        }
        for (int i = 0; i < args.size(); i++) {
            if (isMadeAnew(root(args.get(i)))) {
                into(i + 1, args.get(i));
            }
        }
        emit(new MachineInsn.Call(span, kind, number, symbol, args.size()));
        takeResult(result);
    }

    private void takeResult(Value result) {
        if (!needed[result.id()]) {
            return;
        }
        int dst = register(result);
        switch (result.type().bits()) {
            case 64 -> emit(new MachineInsn.Move(span, dst, RETURN_REGISTER));
            case 32 -> emit(new MachineInsn.Alu(span, AluOp.MOV, Width.W32, dst, new Source.OfReg(RETURN_REGISTER)));
            default -> {
                emit(new MachineInsn.Move(span, dst, RETURN_REGISTER));
                emit(new MachineInsn.Alu(
                        span,
                        AluOp.AND,
                        Width.W32,
                        dst,
                        new Source.OfImm((1 << result.type().bits()) - 1)));
            }
        }
    }

    private void zero(Inst.Zero z) {
        var place = place(z.base(), z.offset());
        for (int done = 0; done < z.sizeBytes(); ) {
            int step = step(done, z.sizeBytes(), z.alignBytes());
            emit(new MachineInsn.Store(
                    span, MemSize.ofBytes(step), place.base, place.offset + done, new Source.OfImm(0)));
            done += step;
        }
    }

    private void copy(Inst.Copy c) {
        var source = place(c.source(), c.sourceOffset());
        var target = place(c.target(), c.targetOffset());
        for (int done = 0; done < c.sizeBytes(); ) {
            int step = step(done, c.sizeBytes(), c.alignBytes());
            var size = MemSize.ofBytes(step);
            int through = out.newRegister();
            emit(new MachineInsn.Load(span, size, false, through, source.base, source.offset + done));
            emit(new MachineInsn.Store(span, size, target.base, target.offset + done, new Source.OfReg(through)));
            done += step;
        }
    }

    /** The widest access that is aligned at this distance from an aligned start. */
    private static int step(int done, int size, int align) {
        int step = Math.min(8, done == 0 ? align : Math.min(align, Integer.lowestOneBit(done)));
        while (step > size - done) {
            step /= 2;
        }
        return step;
    }

    // Operands

    /** Behind conversions that cost nothing: both values live in one register. */
    private Value root(Value value) {
        var v = value;
        while (definition[v.id()] instanceof Inst.Cast c
                && switch (c.op()) {
                    case ZEXT, PTRTOINT, INTTOPTR, PTRCAST -> true;
                    case TRUNC, SEXT -> false;
                }) {
            v = c.a();
        }
        return v;
    }

    /** A value with the same lowest bits that costs less. */
    private Value low(Value value, int bits) {
        var v = value;
        while (definition[v.id()] instanceof Inst.Cast c) {
            boolean same = switch (c.op()) {
                case TRUNC -> c.result().type().bits() >= bits;
                case SEXT -> c.a().type().bits() >= bits;
                case ZEXT, PTRTOINT, INTTOPTR, PTRCAST -> true;
            };
            if (!same) {
                break;
            }
            v = c.a();
        }
        return v;
    }

    private Optional<Long> constant(Value value) {
        return definition[root(value).id()] instanceof Inst.Const c ? Optional.of(c.value()) : Optional.empty();
    }

    private boolean isConst(Value value, long number) {
        return definition[root(value).id()] instanceof Inst.Const c && c.value() == number;
    }

    /** Whether each use makes the value again. */
    private boolean isMadeAnew(Value root) {
        return switch (definition[root.id()]) {
            case Inst.Const c -> true;
            case Inst.MapRef m -> true;
            case Inst.MapValueRef m -> true;
            case Inst.KernelVariable v -> true;
            case Inst.FunctionRef f -> true;
            case Inst.StackSlot s -> true;
            case Inst.PtrAdd p ->
                place(p.result()).filter(f -> f.base instanceof Base.OfSlot).isPresent();
            case null, default -> false;
        };
    }

    private int register(Value value) {
        if (registerOf[value.id()] == 0) {
            registerOf[value.id()] = out.newRegister();
        }
        return registerOf[value.id()];
    }

    private Value need(Value root) {
        needed[root.id()] = true;
        return root;
    }

    /** The register that holds the value here. */
    private int reg(Value value) {
        var v = root(value);
        if (!isMadeAnew(v)) {
            return register(need(v));
        }
        int fresh = out.newRegister();
        into(fresh, v);
        return fresh;
    }

    /** Puts the value into this register. */
    private void into(int dst, Value value) {
        var v = root(value);
        if (!isMadeAnew(v)) {
            emit(new MachineInsn.Move(span, dst, register(need(v))));
            return;
        }
        switch (definition[v.id()]) {
            case Inst.Const c -> number(dst, c.value());
            case Inst.MapRef m -> emit(new MachineInsn.LoadImm(span, dst, Insn.ImmKind.MAP_FD, 0, m.map()));
            case Inst.MapValueRef m ->
                emit(new MachineInsn.LoadImm(span, dst, Insn.ImmKind.MAP_VALUE, (long) m.offset() << 32, m.map()));
            case Inst.KernelVariable k ->
                emit(new MachineInsn.LoadImm(span, dst, Insn.ImmKind.BTF_ID, Integer.toUnsignedLong(k.btfId()), ""));
            case Inst.FunctionRef f -> emit(new MachineInsn.LoadImm(span, dst, Insn.ImmKind.FUNC, 0, f.function()));
            default -> {
                var place = place(v).orElseThrow();
                emit(new MachineInsn.FrameAddress(span, dst, ((Base.OfSlot) place.base).slot(), place.offset));
            }
        }
    }

    private void number(int dst, long value) {
        if (value == (int) value) {
            emit(moveImm(dst, (int) value));
        } else if (value >>> 32 == 0) {
            emit(new MachineInsn.Alu(span, AluOp.MOV, Width.W32, dst, new Source.OfImm((int) value)));
        } else {
            emit(new MachineInsn.LoadImm(span, dst, Insn.ImmKind.NUMBER, value, ""));
        }
    }

    private MachineInsn moveImm(int dst, int imm) {
        return new MachineInsn.Alu(span, AluOp.MOV, Width.W64, dst, new Source.OfImm(imm));
    }

    /** An immediate if the value is a number that fits, otherwise its register. */
    private Source source(Value value, Width width) {
        var number = constant(value);
        if (number.isPresent()) {
            long n = number.get();
            if (n == (int) n || width == Width.W32) {
                return new Source.OfImm((int) n);
            }
        }
        return new Source.OfReg(reg(value));
    }

    private static Width width(Value value) {
        return value.type().bits() == 64 ? Width.W64 : Width.W32;
    }

    /** An address as base and offset. */
    private record Place(Base base, int offset) {}

    private Place place(Value base, int offset) {
        var folded = foldAddress(base, offset);
        return folded.slot.isPresent()
                ? new Place(new Base.OfSlot(folded.slot.get()), folded.offset)
                : new Place(new Base.OfReg(reg(folded.base)), folded.offset);
    }

    /** The address of a stack slot plus a known offset, if the value is one. */
    private Optional<Place> place(Value value) {
        var folded = foldAddress(value, 0);
        return folded.slot.map(slot -> new Place(new Base.OfSlot(slot), folded.offset));
    }

    private record Folded(Value base, Optional<Integer> slot, int offset) {}

    private Folded foldAddress(Value base, int offset) {
        var at = root(base);
        long sum = offset;
        while (definition[at.id()] instanceof Inst.PtrAdd p
                && constant(p.offset()).isPresent()
                && fits(sum + constant(p.offset()).get())) {
            sum += constant(p.offset()).get();
            at = root(p.base());
        }
        if (definition[at.id()] instanceof Inst.StackSlot s) {
            return new Folded(at, Optional.of(slot(s)), (int) sum);
        }
        return new Folded(at, Optional.empty(), (int) sum);
    }

    private static boolean fits(long offset) {
        return offset == (short) offset;
    }

    private int slot(Inst.StackSlot s) {
        return slotOf.computeIfAbsent(
                s.result(),
                v -> out.newSlot(new MachineFunction.Slot(
                        s.sizeBytes(), s.alignBytes(), s.name(), s.span(), Optional.of(s.result()))));
    }
}
