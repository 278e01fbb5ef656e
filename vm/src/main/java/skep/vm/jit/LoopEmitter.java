package skep.vm.jit;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import skep.isa.Insn;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.vm.LinkedProgram;

/** Writes the fast copy of a {@link CountedLoop} and the tests that lead there. */
final class LoopEmitter {
    private static final ClassDesc SUPPORT = InsnEmitter.SUPPORT;
    private static final ClassDesc I = ConstantDescs.CD_int;
    private static final ClassDesc J = ConstantDescs.CD_long;
    private static final ClassDesc Z = ConstantDescs.CD_boolean;

    private final CodeBuilder code;
    private final LinkedProgram linked;
    private final InsnEmitter insns;
    private final InsnEmitter.Locals locals;
    private final CountedLoop loop;
    private final int trips;
    private final int index;
    private final int addresses;

    LoopEmitter(
            CodeBuilder code, LinkedProgram linked, InsnEmitter insns, InsnEmitter.Locals locals, CountedLoop loop) {
        this.code = code;
        this.linked = linked;
        this.insns = insns;
        this.locals = locals;
        this.loop = loop;
        trips = locals.temporary() + 2;
        index = trips + 1;
        addresses = index + 1;
    }

    /** Goes to {@code slow} if the loop must be watched, otherwise runs it and goes to {@code done}. */
    void emit(Label slow, Label done) {
        countTrips(slow);
        for (var access : loop.ordered()) {
            firstAddress(access.address());
            code.lstore(variable(access));
            if (linked.checked()) {
                testRange(access, slow);
            }
        }
        if (linked.checked()) {
            spend(slow);
        }
        code.iconst_0().istore(index);
        var again = code.newLabel();
        switch (loop.bulk()) {
            case COPY -> copy(again);
            case FILL -> fill();
            case NONE -> {}
        }
        code.labelBinding(again);
        body();
        code.iinc(index, 1).iload(index).iload(trips).if_icmplt(again);
        code.goto_(done);
    }

    /** How often the body runs; 0 if that cannot be said. */
    private void countTrips(Label slow) {
        insns.load(loop.counter());
        insns.operand(loop.limit(), true);
        code.loadConstant(loop.stride());
        var name = switch (loop.op()) {
            case JNE -> "tripsUntilEqual";
            case JLT -> "tripsBelowUnsigned";
            default -> "tripsBelow";
        };
        code.invokestatic(SUPPORT, name, MethodTypeDesc.of(I, J, J, J)).istore(trips);
        code.iload(trips).ifle(slow);
    }

    private void firstAddress(CountedLoop.Linear address) {
        code.loadConstant(address.constant());
        for (var reg : Reg.values()) {
            int factor = address.factors()[reg.number()];
            if (factor != 0) {
                insns.load(reg);
                if (factor != 1) {
                    code.loadConstant((long) factor).lmul();
                }
                code.ladd();
            }
        }
    }

    private void testRange(CountedLoop.Access access, Label slow) {
        code.lload(variable(access)).iload(trips).loadConstant(access.step());
        code.lload(locals.favouriteLow()).lload(locals.places(access.size()));
        code.invokestatic(SUPPORT, "inside", MethodTypeDesc.of(Z, J, I, J, J, J))
                .ifeq(slow);
    }

    private void spend(Label slow) {
        code.iload(trips)
                .i2l()
                .loadConstant((long) (loop.end() - loop.head() + 1))
                .lmul();
        code.lstore(locals.temporary());
        code.lload(locals.budget()).lload(locals.temporary()).lcmp().iflt(slow);
        code.lload(locals.budget()).lload(locals.temporary()).lsub().lstore(locals.budget());
    }

    /** All but the last round at once, if source and destination permit; the last one is run as it stands. */
    private void copy(Label again) {
        var from = loop.only(false);
        code.lload(variable(from)).lload(variable(loop.only(true)));
        code.iload(trips).iconst_1().isub().i2l();
        code.loadConstant((long) from.size().bytes()).lmul();
        code.invokestatic(SUPPORT, "copy", MethodTypeDesc.of(Z, J, J, J)).ifeq(again);
        skipToLast();
    }

    private void fill() {
        var to = loop.only(true);
        code.lload(variable(to)).iload(trips).iconst_1().isub();
        for (int slot = loop.head(); slot < loop.end(); slot = linked.program().next(slot)) {
            if (linked.program().at(slot) instanceof Insn.Store store) {
                insns.operand(store.src(), false);
            }
        }
        code.invokestatic(SUPPORT, "fill", MethodTypeDesc.of(ConstantDescs.CD_void, J, I, I));
        skipToLast();
    }

    private void skipToLast() {
        code.iload(trips).iconst_1().isub().istore(index);
        loop.strides().forEach((reg, stride) -> {
            if (stride != 0) {
                insns.load(reg);
                code.iload(index).i2l().loadConstant((long) stride).lmul().ladd();
                insns.store(reg);
            }
        });
    }

    private void body() {
        for (int slot = loop.head(); slot < loop.end(); slot = linked.program().next(slot)) {
            var insn = linked.insn(slot);
            var access = loop.accesses().get(slot);
            if (access == null) {
                insns.emit(insn, slot);
                continue;
            }
            insns.beforeAddress();
            code.lload(variable(access));
            if (access.step() != 0) {
                code.iload(index).i2l();
                if (access.step() != 1) {
                    code.loadConstant(access.step()).lmul();
                }
                code.ladd();
            }
            switch (insn) {
                case Insn.Load load -> {
                    insns.fetch(load.size(), load.signed());
                    insns.store(load.dst());
                }
                case Insn.Store(skep.isa.MemSize size, Reg _, short _, Operand src) -> insns.storeValue(size, src);
                default -> throw new AssertionError(insn);
            }
        }
    }

    private int variable(CountedLoop.Access access) {
        return addresses + 2 * access.number();
    }
}
