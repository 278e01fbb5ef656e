package skep.vm.jit;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import skep.isa.DecodedProgram;
import skep.isa.Insn;
import skep.isa.MemSize;
import skep.isa.Reg;
import skep.isa.Width;
import skep.isa.kernel.Errno;
import skep.isa.kernel.Helper;
import skep.vm.LinkedProgram;
import skep.vm.VmCpu;

/** Writes the method of a function, or of one part of it: blocks in the order of their slots, jumps between them. */
final class FunctionEmitter {
    private static final ClassDesc I = ConstantDescs.CD_int;
    private static final ClassDesc J = ConstantDescs.CD_long;
    private static final ClassDesc VOID = ConstantDescs.CD_void;
    private static final ClassDesc CPU = InsnEmitter.CPU;
    private static final ClassDesc CACHE = InsnEmitter.CACHE;
    private static final ClassDesc SUPPORT = InsnEmitter.SUPPORT;
    private static final ClassDesc FRAME = InsnEmitter.desc(JitFrame.class);
    private static final ClassDesc PROGRAM = InsnEmitter.desc(JitProgram.class);
    private static final ClassDesc EXECUTABLE = InsnEmitter.desc(skep.vm.Executable.class);
    private static final ClassDesc FAULT = InsnEmitter.desc(skep.vm.VmFault.class);

    /** {@code long f(VmCpu cpu, long fp, long a, long b, long c, long d, long e)}. */
    static final MethodTypeDesc FUNCTION = MethodTypeDesc.of(J, CPU, J, J, J, J, J, J);

    /** {@code int p(VmCpu cpu, JitFrame frame, int block)}. */
    static final MethodTypeDesc PART = MethodTypeDesc.of(I, CPU, FRAME, I);

    private static final int[] FUNCTION_REGS = {13, 3, 5, 7, 9, 11, 15, 17, 19, 21, 1};
    private static final int[] PART_REGS = {3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23};
    private static final int FUNCTION_OTHERS = 23;
    private static final int PART_OTHERS = 25;

    private final CodeBuilder code;
    private final LinkedProgram linked;
    private final DecodedProgram program;
    private final Plan plan;
    private final Plan.Function function;
    private final JitProgram owner;
    private final Constants constants;
    private final ClassDesc self;
    private final boolean whole;
    private final int from;
    private final int to;
    private final InsnEmitter.Locals locals;
    private final int temporary;
    private final InsnEmitter insns;
    private final Map<Integer, Label> labels = new HashMap<>();
    private final List<BackEdge> backEdges = new ArrayList<>();
    private final List<SlowRun> slowRuns = new ArrayList<>();
    /** Slots behind runs, which slow runs go to. */
    private final Set<Integer> resumed = new HashSet<>();
    /** Slots that no run goes past: heads of counted loops, switch trees. */
    private final BitSet stops = new BitSet();

    private final Map<Integer, Label> leaves = new HashMap<>();

    /** Where a jump back goes first: there it pays for the way. */
    private record BackEdge(Label label, int target, int jumpSlot) {}

    /** The careful copy of a run. */
    private record SlowRun(AccessRun run, Label begin, Label done) {}

    private FunctionEmitter(
            CodeBuilder code,
            LinkedProgram linked,
            Plan plan,
            Plan.Function function,
            JitProgram owner,
            Constants constants,
            ClassDesc self,
            boolean whole,
            int from,
            int to) {
        this.code = code;
        this.linked = linked;
        this.program = linked.program();
        this.plan = plan;
        this.function = function;
        this.owner = owner;
        this.constants = constants;
        this.self = self;
        this.whole = whole;
        this.from = from;
        this.to = to;
        int others = whole ? FUNCTION_OTHERS : PART_OTHERS;
        locals = new InsnEmitter.Locals(
                whole ? FUNCTION_REGS : PART_REGS,
                others,
                others + 2,
                others + 4,
                others + 6,
                others + 8,
                others + 16,
                others + 17,
                others + 18,
                others + 19,
                others + 20);
        temporary = locals.temporary();
        insns = new InsnEmitter(code, linked, constants, locals);
        function.trees().keySet().forEach(stops::set);
        function.loops().keySet().forEach(stops::set);
        function.absorbed().forEach(stops::set);
    }

    /** The method that callers call. */
    static void function(
            CodeBuilder code,
            LinkedProgram linked,
            Plan plan,
            Plan.Function function,
            JitProgram owner,
            Constants constants,
            ClassDesc self) {
        var emitter = new FunctionEmitter(
                code, linked, plan, function, owner, constants, self, true, function.start(), function.end());
        if (function.parts().isEmpty()) {
            emitter.body();
        } else {
            emitter.driver();
        }
    }

    /** The method of one part. */
    static void part(
            CodeBuilder code,
            LinkedProgram linked,
            Plan plan,
            Plan.Function function,
            Plan.Part part,
            JitProgram owner,
            Constants constants,
            ClassDesc self) {
        new FunctionEmitter(code, linked, plan, function, owner, constants, self, false, part.start(), part.end())
                .part(part);
    }

    private void driver() {
        if (linked.checked()) {
            code.aload(0).invokevirtual(CPU, "push", MethodTypeDesc.of(J)).lstore(locals.of(Reg.R10));
        }
        constants.load(code, owner, PROGRAM);
        code.aload(0);
        code.new_(FRAME).dup().aload(0);
        insns.load(Reg.R10);
        insns.arguments();
        code.invokespecial(FRAME, "<init>", MethodTypeDesc.of(VOID, CPU, J, J, J, J, J, J));
        code.loadConstant(function.idOf(function.start()));
        code.invokestatic(SUPPORT, "drive", MethodTypeDesc.of(J, PROGRAM, CPU, FRAME, I));
        if (linked.checked()) {
            code.aload(0);
            insns.load(Reg.R10);
            code.invokevirtual(CPU, "pop", MethodTypeDesc.of(VOID, J));
        }
        code.lreturn();
    }

    private void body() {
        for (var reg : new Reg[] {Reg.R0, Reg.R6, Reg.R7, Reg.R8, Reg.R9}) {
            code.lconst_0();
            insns.store(reg);
        }
        if (linked.checked()) {
            code.aload(0).invokevirtual(CPU, "push", MethodTypeDesc.of(J)).lstore(locals.of(Reg.R10));
            cache(false, locals.reads());
            cache(true, locals.writes());
            enterChecked();
        }
        code.loadConstant(JitSupport.MAX_MAY_GOTOS).istore(locals.mayGotos());
        guarded(this::blocks);
    }

    private void cache(boolean write, int local) {
        code.new_(CACHE).dup().aload(0).loadConstant(write ? 1 : 0);
        code.invokespecial(CACHE, "<init>", MethodTypeDesc.of(VOID, CPU, ConstantDescs.CD_boolean))
                .astore(local);
    }

    private void enterChecked() {
        code.aload(0).invokevirtual(CPU, "stackLow", MethodTypeDesc.of(J)).lstore(locals.stackLow());
        code.aload(0).invokevirtual(CPU, "stackEnd", MethodTypeDesc.of(J)).lstore(locals.stackEnd());
        code.aload(0).invokevirtual(CPU, "budget", MethodTypeDesc.of(J)).lstore(locals.budget());
        code.aload(0).invokevirtual(CPU, "favouriteLow", MethodTypeDesc.of(J)).lstore(locals.favouriteLow());
        for (var size : MemSize.values()) {
            code.aload(0)
                    .loadConstant(size.bytes())
                    .invokevirtual(CPU, "favouritePlaces", MethodTypeDesc.of(J, I))
                    .lstore(locals.places(size));
        }
        code.iconst_m1().istore(locals.at());
    }

    private void part(Plan.Part part) {
        for (var reg : Reg.values()) {
            code.aload(1).getfield(FRAME, reg.toString(), J);
            insns.store(reg);
        }
        code.aload(1).getfield(FRAME, "mayGotos", I).istore(locals.mayGotos());
        if (linked.checked()) {
            code.aload(1).getfield(FRAME, "reads", CACHE).astore(locals.reads());
            code.aload(1).getfield(FRAME, "writes", CACHE).astore(locals.writes());
            enterChecked();
        }
        guarded(() -> {
            var cases = new ArrayList<SwitchCase>();
            for (int i = 0; i < part.entries().size(); i++) {
                int slot = part.entries().get(i);
                if (isEmitted(slot)) {
                    cases.add(SwitchCase.of(i, label(slot)));
                }
            }
            var unknown = code.newLabel();
            code.iload(2).tableswitch(unknown, cases);
            code.labelBinding(unknown).aconst_null().athrow();
            blocks();
        });
    }

    /** Checked code tells faults of helpers where they were called. */
    private void guarded(Runnable body) {
        if (!linked.checked()) {
            body.run();
            return;
        }
        var start = code.newBoundLabel();
        body.run();
        var end = code.newBoundLabel();
        var handler = code.newBoundLabel();
        code.iload(locals.at())
                .invokestatic(SUPPORT, "placed", MethodTypeDesc.of(FAULT, FAULT, I))
                .athrow();
        code.exceptionCatch(start, end, handler, FAULT);
    }

    private boolean isEmitted(int slot) {
        return program.reachable(slot) && !function.absorbed().contains(slot);
    }

    private void blocks() {
        boolean falls = false;
        int runEnd = from;
        for (int slot = from; slot < to; slot = program.next(slot)) {
            if (isEmitted(slot)) {
                if (slot >= runEnd) {
                    if (function.blocks().begins(slot) || slot == from || resumed.contains(slot)) {
                        code.labelBinding(label(slot));
                    }
                    insns.nothingProved();
                    runEnd = run(slot);
                }
                var loop = function.loops().get(slot);
                boolean inHere = loop != null && program.next(loop.end()) <= to;
                if (inHere && loop != null) {
                    falls = loop(loop);
                    slot = loop.end();
                } else {
                    falls = emit(slot);
                }
            }
        }
        if (falls && to < function.end()) {
            leaveTo(to);
        }
        insns.nothingProved();
        while (!slowRuns.isEmpty()) {
            slowRun(slowRuns.removeLast());
        }
        backEdges.forEach(this::backEdge);
        if (!leaves.isEmpty()) {
            leaves();
        }
    }

    /** Tests the places of a run of accesses that begins here, if one does; returns where it ends. */
    private int run(int slot) {
        boolean access = linked.insn(slot) instanceof Insn.Load || linked.insn(slot) instanceof Insn.Store;
        if (!linked.checked() || !access || stops.get(slot)) {
            return slot;
        }
        var run = AccessRun.at(program, function.blocks(), stops, slot, to);
        if (run.saves()) {
            var slow = new SlowRun(run, code.newLabel(), label(run.end()));
            slowRuns.add(slow);
            run.spans().forEach(span -> insns.testSpan(span, slow.begin));
            insns.prove(run.proved());
            resumed.add(run.end());
        }
        return run.end();
    }

    /** The same instructions, each access tested. */
    private void slowRun(SlowRun slow) {
        code.labelBinding(slow.begin);
        for (int slot = slow.run.start(); slot < slow.run.end(); slot = program.next(slot)) {
            if (slot > slow.run.start() && function.blocks().begins(slot)) {
                code.labelBinding(label(slot));
            }
            emit(slot);
        }
        if (slow.run.end() < to) {
            code.goto_(slow.done);
        } else {
            leaveTo(slow.run.end());
        }
    }

    /** Writes both copies of a loop. */
    private boolean loop(CountedLoop loop) {
        var slow = code.newLabel();
        var done = code.newLabel();
        new LoopEmitter(code, linked, insns, locals, loop).emit(slow, done);
        code.labelBinding(slow);
        for (int slot = loop.head(); slot < loop.end(); slot = program.next(slot)) {
            insns.emit(linked.insn(slot), slot);
        }
        if (linked.checked()) {
            spend(loop.end(), loop.head());
        }
        insns.branch((Insn.Branch) program.at(loop.end()), slow);
        code.labelBinding(done);
        return true;
    }

    /** Writes one instruction; false if control never comes out behind it. */
    private boolean emit(int slot) {
        var tree = function.trees().get(slot);
        if (tree != null) {
            table(tree, slot);
            return false;
        }
        var insn = linked.insn(slot);
        switch (insn) {
            case Insn.Jump _ -> {
                jump(slot, program.target(slot));
                return false;
            }
            case Insn.Branch branch -> insns.branch(branch, destination(slot, program.target(slot)));
            case Insn.MayGoto _ -> {
                var stays = code.newLabel();
                code.iinc(locals.mayGotos(), -1).iload(locals.mayGotos()).ifge(stays);
                jump(slot, program.target(slot));
                code.labelBinding(stays);
            }
            case Insn.Exit() -> {
                exit();
                return false;
            }
            case Insn.Call call when LinkedProgram.isTailCall(call) -> tailCall(slot);
            case Insn.Call call when call.kind() == Insn.CallKind.LOCAL -> localCall(slot);
            case Insn.Call call when loopCallback(call, slot) >= 0 -> loopCall(loopCallback(call, slot));
            default -> insns.emit(insn, slot);
        }
        return true;
    }

    private void exit() {
        if (linked.checked()) {
            code.aload(0).lload(locals.budget()).invokevirtual(CPU, "setBudget", MethodTypeDesc.of(VOID, J));
        }
        if (!whole) {
            code.aload(1);
            insns.load(Reg.R0);
            code.putfield(FRAME, "r0", J).loadConstant(JitCode.DONE).ireturn();
            return;
        }
        if (linked.checked()) {
            code.aload(0);
            insns.load(Reg.R10);
            code.invokevirtual(CPU, "pop", MethodTypeDesc.of(VOID, J));
        }
        insns.load(Reg.R0);
        code.lreturn();
    }

    private void tailCall(int slot) {
        insns.beforeCall(slot);
        code.aload(0);
        insns.load(Reg.R2);
        insns.load(Reg.R3);
        code.l2i()
                .invokevirtual(CPU, "tailCallTarget", MethodTypeDesc.of(EXECUTABLE, J, I))
                .astore(temporary);
        var none = code.newLabel();
        code.aload(temporary).ifnull(none);
        code.aload(0);
        insns.load(Reg.R10);
        code.invokevirtual(CPU, "pop", MethodTypeDesc.of(VOID, J));
        code.aload(temporary).aload(0).iconst_0();
        insns.load(Reg.R1);
        code.lconst_0().lconst_0().lconst_0().lconst_0();
        code.invokeinterface(EXECUTABLE, "call", MethodTypeDesc.of(J, CPU, I, J, J, J, J, J));
        if (whole) {
            code.lreturn();
        } else {
            insns.store(Reg.R0);
            code.aload(1);
            insns.load(Reg.R0);
            code.putfield(FRAME, "r0", J).loadConstant(JitCode.DONE).ireturn();
        }
        code.labelBinding(none);
        insns.afterCall();
    }

    /** The function that a verified call of {@code bpf_loop} runs, if the block says so and it lies in this class; or -1. */
    private int loopCallback(Insn.Call call, int slot) {
        boolean loops = call.kind() == Insn.CallKind.HELPER && call.imm() == Helper.LOOP.number();
        if (!loops || linked.checked()) {
            return -1;
        }
        int callback = -1;
        int begin = slot;
        while (begin > from && !function.blocks().begins(begin)) {
            begin--;
        }
        for (int at = begin; at < slot; at = program.next(at)) {
            var insn = program.at(at);
            if (DecodedProgram.written(insn) == Reg.R2.number() || insn instanceof Insn.Call) {
                callback = insn instanceof Insn.LoadImm64 load && load.kind() == Insn.ImmKind.FUNC
                        ? program.callee(at)
                        : -1;
            }
        }
        boolean here = callback >= 0
                && plan.functions().get(program.functionAt(callback)).inClass() == owner.compiling();
        return here ? callback : -1;
    }

    /** {@code bpf_loop(count, callback, ctx, flags)} as a loop around a direct call; results as the helper's. */
    private void loopCall(int callee) {
        int index = temporary + 2;
        int times = temporary + 4;
        var tooMany = code.newLabel();
        var again = code.newLabel();
        var ended = code.newLabel();
        var done = code.newLabel();
        code.loadConstant((long) Errno.EINVAL.negated());
        insns.store(Reg.R0);
        insns.load(Reg.R4);
        code.lconst_0().lcmp().ifne(done);
        insns.load(Reg.R1);
        code.loadConstant(0xffff_ffffL).land().lstore(times);
        code.lload(times).loadConstant((long) JitSupport.MAX_LOOPS).lcmp().ifgt(tooMany);
        code.lconst_0().lstore(index);
        code.labelBinding(again);
        code.lload(index).lload(times).lcmp().ifge(ended);
        code.aload(0);
        insns.load(Reg.R10);
        code.loadConstant((long) VmCpu.FRAME_BYTES).lsub();
        code.lload(index);
        insns.load(Reg.R3);
        code.lconst_0().lconst_0().lconst_0();
        code.lload(index).lconst_1().ladd().lstore(index);
        code.invokestatic(self, name(callee), FUNCTION);
        code.lconst_0().lcmp().ifeq(again);
        code.labelBinding(ended).lload(index);
        insns.store(Reg.R0);
        code.goto_(done);
        code.labelBinding(tooMany).loadConstant((long) Errno.E2BIG.negated());
        insns.store(Reg.R0);
        code.labelBinding(done);
    }

    private void localCall(int slot) {
        int callee = program.callee(slot);
        var target = plan.functions().get(program.functionAt(callee));
        boolean here = target.inClass() == owner.compiling();
        if (linked.checked()) {
            insns.beforeCall(slot);
        }
        if (!here) {
            constants.load(code, owner, PROGRAM);
        }
        code.aload(0);
        if (!here) {
            code.loadConstant(callee);
        }
        insns.load(Reg.R10);
        code.loadConstant((long) VmCpu.FRAME_BYTES).lsub();
        insns.arguments();
        if (here) {
            code.invokestatic(self, name(callee), FUNCTION);
        } else {
            code.invokevirtual(PROGRAM, "callFunction", MethodTypeDesc.of(J, CPU, I, J, J, J, J, J, J));
        }
        insns.store(Reg.R0);
        insns.afterCall();
    }

    static String name(int slot) {
        return "f" + slot;
    }

    private void table(SwitchTree tree, int slot) {
        long mask = tree.width() == Width.W64 ? -1 : 0xffff_ffffL;
        insns.load(tree.reg());
        code.loadConstant(mask).land();
        if (tree.below() != tree.above()) {
            code.dup2().lstore(temporary).loadConstant(tree.low());
            compareUnsigned();
            code.iflt(destination(slot, tree.below()));
            code.lload(temporary);
        }
        code.loadConstant(tree.low()).lsub();
        if (tree.width() == Width.W32) {
            code.loadConstant(mask).land();
        }
        code.dup2().lstore(temporary).loadConstant((long) tree.targets().length);
        compareUnsigned();
        var above = destination(slot, tree.above());
        code.ifge(above);
        var cases = new ArrayList<SwitchCase>();
        for (int i = 0; i < tree.targets().length; i++) {
            cases.add(SwitchCase.of(i, destination(slot, tree.targets()[i])));
        }
        code.lload(temporary).l2i().tableswitch(above, cases);
    }

    private void compareUnsigned() {
        code.invokestatic(ConstantDescs.CD_Long, "compareUnsigned", MethodTypeDesc.of(I, J, J));
    }

    private void jump(int slot, int target) {
        code.goto_(destination(slot, target));
    }

    /** Where a jump goes that wants to go to a slot: right there, or to a place that does what has to be done on the way. */
    private Label destination(int slot, int target) {
        boolean outside = target < from || target >= to;
        boolean back = linked.checked() && target <= slot;
        if (!back) {
            return outside ? leaves.computeIfAbsent(target, t -> code.newLabel()) : label(target);
        }
        var edge = new BackEdge(code.newLabel(), target, slot);
        backEdges.add(edge);
        return edge.label;
    }

    private void backEdge(BackEdge edge) {
        code.labelBinding(edge.label);
        spend(edge.jumpSlot, edge.target);
        if (edge.target < from || edge.target >= to) {
            leaveTo(edge.target);
        } else {
            code.goto_(label(edge.target));
        }
    }

    /** Compared first and then taken away: HotSpot must not take the budget for the counter of a loop, which is costly to enter then. */
    private void spend(int slot, int target) {
        code.lload(locals.budget())
                .loadConstant(slot - target + 1)
                .loadConstant(slot)
                .invokestatic(SUPPORT, "spend", MethodTypeDesc.of(J, J, I, I))
                .lstore(locals.budget());
    }

    private void leaveTo(int target) {
        code.goto_(leaves.computeIfAbsent(target, t -> code.newLabel()));
    }

    /** The ways out of a part: each says where to, then all give the registers to the frame. */
    private void leaves() {
        var common = code.newLabel();
        leaves.forEach((target, label) ->
                code.labelBinding(label).loadConstant(function.idOf(target)).goto_(common));
        code.labelBinding(common).storeLocal(TypeKind.INT, temporary);
        for (var reg : Reg.values()) {
            if (reg != Reg.R10) {
                code.aload(1);
                insns.load(reg);
                code.putfield(FRAME, reg.toString(), J);
            }
        }
        code.aload(1).iload(locals.mayGotos()).putfield(FRAME, "mayGotos", I);
        if (linked.checked()) {
            code.aload(0).lload(locals.budget()).invokevirtual(CPU, "setBudget", MethodTypeDesc.of(VOID, J));
        }
        code.iload(temporary).ireturn();
    }

    private Label label(int slot) {
        return labels.computeIfAbsent(slot, s -> code.newLabel());
    }
}
