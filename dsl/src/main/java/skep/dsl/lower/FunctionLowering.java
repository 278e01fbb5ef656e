package skep.dsl.lower;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.dsl.CompiledScript;
import skep.dsl.MapView;
import skep.dsl.RuntimeFault;
import skep.dsl.ScriptProgram;
import skep.dsl.Type;
import skep.dsl.ast.Expr.BinaryOp;
import skep.dsl.check.LocalVariable;
import skep.dsl.check.Strings;
import skep.dsl.check.Typed;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.FunctionBuilder.Label;
import skep.ir.ProgramInfo;
import skep.ir.Region;
import skep.ir.Value;
import skep.isa.AtomicOp;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.source.Span;

/**
 * Writes one function. Integers are 64 bits wide, extended as their type says; truth values are {@code i1} where they
 * are branched on. Compound values lie in {@link Memory}. Variables live in stack slots, which the optimiser turns into
 * values.
 */
final class FunctionLowering {
    /** Values above this size go to scratch memory. */
    static final int ON_STACK_BYTES = 64;

    /** Stack that values may take together before scratch memory is used; the rest is for spills and keys. */
    private static final int STACK_BUDGET_BYTES = 320;

    /** Above this size a helper call clears or copies memory with fewer instructions than stores do. */
    private static final int INLINE_BYTES = 64;

    final ScriptPlan plan;
    final FunctionBuilder f;
    final MapAccess maps;
    final RecordWriter records;
    private final TextLowering texts;
    private final Optional<Value> context;
    private final Map<LocalVariable, Memory> locals = new HashMap<>();
    private final Optional<Value> scratch;
    private int scratchUsed;
    private int stackUsed;
    private final Label exit;
    private final skep.ir.Type result;
    private final List<Loop> loops = new ArrayList<>();
    /** Inside the body of a loop that is a callback: where {@code return} of the program leaves a mark. */
    private final Optional<Memory> returnFlag;

    private final Optional<LoopBody> callback;

    private record Loop(Label again, Label out) {}

    /** What the callback of a loop shares with the function around it. */
    private record LoopBody(Map<LocalVariable, Integer> captured, int returnFlagOffset) {}

    private FunctionLowering(
            ScriptPlan plan,
            FunctionBuilder f,
            Optional<Value> context,
            skep.ir.Type result,
            int scratchBytes,
            Optional<LoopBody> callback,
            Optional<Memory> returnFlag) {
        this.plan = plan;
        this.f = f;
        this.context = context;
        this.result = result;
        this.callback = callback;
        this.returnFlag = returnFlag;
        this.maps = new MapAccess(this);
        this.records = new RecordWriter(this);
        this.texts = new TextLowering(this);
        this.exit = f.newBlock();
        this.scratch = scratchBytes > 0 ? Optional.of(scratchBase(scratchBytes)) : Optional.empty();
    }

    // ---- whole functions

    static void program(ScriptPlan plan, Typed.Program program, String license) {
        var info = new ProgramInfo(program.programType(), program.attachType(), program.attachTo(), license);
        var mark = plan.mark();
        int needed = writeProgram(plan, new skep.ir.ModuleBuilder(), program, info, 0, false);
        boolean ends = plan.endsSince(mark) && program.role() == ScriptProgram.Role.PROBE;
        plan.reset(mark);
        writeProgram(plan, plan.module, program, info, needed, ends);
    }

    /** Returns how much scratch memory the program needs. */
    private static int writeProgram(
            ScriptPlan plan,
            skep.ir.ModuleBuilder module,
            Typed.Program program,
            ProgramInfo info,
            int scratchBytes,
            boolean ends) {
        var f = module.program(program.name(), info, program.span());
        var lowering = new FunctionLowering(
                plan, f, Optional.of(f.param(0)), skep.ir.Type.I64, scratchBytes, Optional.empty(), Optional.empty());
        lowering.module = module;
        lowering.mayLackObjects = program.context().kind() == skep.isa.kernel.ProbeKind.ITER;
        if (ends) {
            lowering.stopOnceEnded();
        }
        if (!program.body().isEmpty() && program.body().getFirst() instanceof Typed.SystemCalls all) {
            lowering.systemCalls(all);
        } else {
            lowering.body(program.predicate(), program.body());
        }
        lowering.finish(program.span());
        return lowering.scratchUsed;
    }

    /** User space takes a while to detach a probe that said {@code exit()}: until then it does nothing. */
    private void stopOnceEnded() {
        var on = f.newBlock();
        var ended = f.load(skep.ir.Type.I64, f.mapValueRef(ScriptPlan.ENDING_MAP, 0), 0);
        f.branch(f.compare(CompareOp.EQ, ended, 0), on, exit);
        f.enter(on);
    }

    static void subprogram(ScriptPlan plan, Typed.Subprogram subprogram) {
        var mark = plan.mark();
        int needed = writeSubprogram(plan, new skep.ir.ModuleBuilder(), subprogram, 0);
        plan.reset(mark);
        writeSubprogram(plan, plan.module, subprogram, needed);
    }

    private static int writeSubprogram(
            ScriptPlan plan, skep.ir.ModuleBuilder module, Typed.Subprogram subprogram, int scratchBytes) {
        var parameters = new ArrayList<skep.ir.Type>();
        subprogram.parameters().forEach(_ -> parameters.add(skep.ir.Type.I64));
        var f = module.function(subprogram.name(), skep.ir.Type.I64, parameters, subprogram.span());
        var lowering = new FunctionLowering(
                plan, f, Optional.empty(), skep.ir.Type.I64, scratchBytes, Optional.empty(), Optional.empty());
        lowering.module = module;
        for (int i = 0; i < parameters.size(); i++) {
            var variable = subprogram.parameters().get(i);
            lowering.writeScalar(lowering.place(variable), variable.type(), f.param(i));
        }
        lowering.statements(subprogram.body());
        lowering.finish(subprogram.span());
        return lowering.scratchUsed;
    }

    private skep.ir.ModuleBuilder module = new skep.ir.ModuleBuilder();
    /** Whether pointers of the context may be null, as an iterator's are. */
    private boolean mayLackObjects;

    private void finish(Span span) {
        if (f.isOpen()) {
            f.jump(exit);
        }
        f.enter(exit);
        f.at(span);
        f.ret(f.constant(result, 0));
    }

    private Value scratchBase(int bytes) {
        int entry = plan.scratchEntry(bytes);
        var key = f.slot(4, 4, "scratch key");
        f.store(key, 0, f.i32(entry));
        var found = f.lookup(ScriptPlan.SCRATCH_MAP, key);
        var ok = f.newBlock();
        f.branch(f.compare(CompareOp.NE, found, 0), ok, exit);
        f.enter(ok);
        return f.nonNull(found);
    }

    /** Memory of this run for a value; cleared by nobody. */
    Memory allocate(int bytes, String name) {
        int aligned = Type.Layout.alignUp(Math.max(1, bytes), 8);
        if (bytes <= ON_STACK_BYTES && stackUsed + aligned <= STACK_BUDGET_BYTES) {
            stackUsed += aligned;
            return Memory.own(f.slot(Math.max(1, bytes), 8, name), 0);
        }
        int at = scratchUsed;
        scratchUsed += aligned;
        // While the need is being found out there is no scratch memory: a slot stands for it.
        return scratch.map(base -> Memory.own(base, at)).orElseGet(() -> Memory.own(f.slot(bytes, 8, name), 0));
    }

    /** A small stack slot whatever else lies on the stack. */
    Memory allocateSlot(int bytes, String name) {
        return Memory.own(f.slot(bytes, 8, name), 0);
    }

    Value context() {
        return context.orElseThrow();
    }

    // ---- statements

    void statements(List<Typed.Stmt> statements) {
        for (var statement : statements) {
            statement(statement);
        }
    }

    private void statement(Typed.Stmt statement) {
        f.at(statement.span());
        switch (statement) {
            case Typed.Evaluate s -> evaluate(s.expr());
            case Typed.SetLocal s -> setLocal(s);
            case Typed.ClearLocal s -> {
                var place = place(s.variable());
                clear(place, sizeInFrame(s.variable()));
            }
            case Typed.SetMap s -> maps.set(s);
            case Typed.UpdateMap s -> maps.update(s);
            case Typed.Aggregate s -> maps.aggregate(s);
            case Typed.If s -> ifStatement(s);
            case Typed.While s -> whileLoop(s);
            case Typed.ForMap s -> forMap(s);
            case Typed.ForRange s -> forRange(s);
            case Typed.Return s -> returnStatement(s);
            case Typed.Break s -> breakLoop(s.span());
            case Typed.Continue s -> continueLoop(s.span());
            case Typed.Sequence s -> statements(s.statements());
            case Typed.SystemCalls s -> systemCalls(s);
            case Typed.Ending _ -> {
                plan.useEnding();
                f.store(f.mapValueRef(ScriptPlan.ENDING_MAP, 0), 0, f.i64(1));
            }
        }
    }

    private void evaluate(Typed.Expr expr) {
        switch (expr) {
            case Typed.Emit e -> records.emit(e);
            case Typed.Nothing _ -> {}
            case Typed.Block b -> {
                statements(b.statements());
                evaluate(b.value());
            }
            case Typed.Delete d -> maps.delete(d);
            case Typed.Conditional c
            when c.type() instanceof Type.Void -> {
                var then = f.newBlock();
                var otherwise = f.newBlock();
                var out = f.newBlock();
                branch(c.condition(), then, otherwise);
                f.enter(then);
                evaluate(c.then());
                f.jump(out);
                f.enter(otherwise);
                evaluate(c.otherwise());
                f.jump(out);
                f.enter(out);
            }
            case Typed.Expr e when isScalar(e.type()) || e.type() instanceof Type.Void -> scalar(e);
            case Typed.Expr e -> memory(e);
        }
    }

    private void setLocal(Typed.SetLocal s) {
        var variable = s.variable();
        if (isScalar(variable.type())) {
            var value = scalar(s.value());
            f.at(s.span());
            writeScalar(place(variable), variable.type(), value);
            return;
        }
        boolean readsItself = mentions(s.value(), variable);
        if (readsItself) {
            var copy = memory(s.value());
            copy(place(variable), copy, variable.type().sizeBytes());
            return;
        }
        write(s.value(), place(variable), true);
    }

    private static boolean mentions(Typed.Expr expr, LocalVariable variable) {
        var found = new boolean[1];
        TypedWalker.walk(expr, e -> found[0] |= e instanceof Typed.Local l && l.variable() == variable);
        return found[0];
    }

    /** Where a variable lies. Integers always take eight bytes. */
    Memory place(LocalVariable variable) {
        return locals.computeIfAbsent(variable, v -> {
            int bytes = isScalar(v.type()) ? 8 : Math.max(1, v.type().sizeBytes());
            if (isScalar(v.type())) {
                return Memory.own(f.slot(8, 8, v.name()), 0);
            }
            return allocate(bytes, v.name());
        });
    }

    private void ifStatement(Typed.If s) {
        var then = f.newBlock();
        var out = f.newBlock();
        var otherwise = s.otherwise().isEmpty() ? out : f.newBlock();
        branch(s.condition(), then, otherwise);
        f.enter(then);
        statements(s.then());
        if (f.isOpen()) {
            f.jump(out);
        }
        if (!s.otherwise().isEmpty()) {
            f.enter(otherwise);
            statements(s.otherwise());
            if (f.isOpen()) {
                f.jump(out);
            }
        }
        f.enter(out);
    }

    private void whileLoop(Typed.While s) {
        var head = f.newBlock();
        var body = f.newBlock();
        var out = f.newBlock();
        f.jump(head);
        f.enter(head);
        branch(s.condition(), body, out);
        f.enter(body);
        loops.add(new Loop(head, out));
        statements(s.body());
        loops.removeLast();
        if (f.isOpen()) {
            f.jump(head);
        }
        f.enter(out);
    }

    /** One case runs, if any: all may use the same memory. */
    private void systemCalls(Typed.SystemCalls s) {
        var task = f.helper(skep.ir.Type.ptr(Region.BTF), Helper.GET_CURRENT_TASK_BTF);
        var word = f.load(
                skep.ir.Type.I64, MemSize.ofBytes(4), false, task, s.foreign().offsetBytes());
        var own = f.newBlock();
        f.branch(
                f.compare(
                        CompareOp.EQ,
                        f.binary(skep.ir.BinaryOp.AND, word, s.foreign().mask()),
                        0),
                own,
                exit);
        f.enter(own);
        var targets = new ArrayList<Label>();
        var numbers = new ArrayList<Long>();
        var bodies = new ArrayList<Label>();
        for (var one : s.cases()) {
            var body = f.newBlock();
            bodies.add(body);
            one.numbers().forEach(n -> {
                numbers.add(n);
                targets.add(body);
            });
        }
        f.switchOn(scalar(s.number()), numbers.stream().mapToLong(n -> n).toArray(), targets, exit);
        int stackBefore = stackUsed;
        int scratchBefore = scratchUsed;
        int scratchMost = scratchUsed;
        for (int i = 0; i < bodies.size(); i++) {
            var one = s.cases().get(i);
            stackUsed = stackBefore;
            scratchUsed = scratchBefore;
            f.enter(bodies.get(i));
            body(one.predicate(), one.body());
            if (f.isOpen()) {
                f.jump(exit);
            }
            scratchMost = Math.max(scratchMost, scratchUsed);
        }
        scratchUsed = scratchMost;
    }

    private void body(Optional<Typed.Expr> predicate, List<Typed.Stmt> statements) {
        TypedWalker.hoisted(statements).forEach(v -> clear(place(v), sizeInFrame(v)));
        predicate.ifPresent(p -> {
            var hit = f.newBlock();
            f.at(p.span());
            branch(p, hit, exit);
            f.enter(hit);
        });
        statements(statements);
    }

    private void breakLoop(Span span) {
        if (loops.isEmpty()) {
            f.ret(f.i64(1));
        } else {
            f.jump(loops.getLast().out());
        }
        f.at(span);
    }

    private void continueLoop(Span span) {
        if (loops.isEmpty()) {
            f.ret(f.i64(0));
        } else {
            f.jump(loops.getLast().again());
        }
        f.at(span);
    }

    private void returnStatement(Typed.Return s) {
        if (returnFlag.isPresent()) {
            f.store(returnFlag.get().base(), returnFlag.get().offset(), f.i64(1));
            f.ret(f.i64(1));
            return;
        }
        if (s.value().isPresent() && !(s.value().get().type() instanceof Type.Void)) {
            var value = scalar(s.value().get());
            f.ret(value);
            return;
        }
        f.jump(exit);
    }

    // ---- loops whose body is a callback

    private void forRange(Typed.ForRange s) {
        if (s.from() instanceof Typed.IntConst from
                && s.to() instanceof Typed.IntConst to
                && to.value() - from.value() <= 8) {
            smallRange(s, from.value(), to.value());
            return;
        }
        var from = scalar(s.from());
        var to = scalar(s.to());
        var count = f.binary(skep.ir.BinaryOp.SUB, to, from);
        var some = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.SGT, count, 0), some, out);
        f.enter(some);
        var frame = frame(s.body(), s.variable(), 1);
        f.store(frame.memory.base(), frame.memory.offset() + frame.extraOffset, from);
        var name = plan.callbackName();
        callback(name, List.of(skep.ir.Type.I64, skep.ir.Type.ptr(Region.STACK)), 1, frame, s.span(), body -> {
            var shared = body.f.param(1);
            var start = body.f.load(skep.ir.Type.I64, shared, frame.extraOffset);
            var index = body.f.add(start, body.f.param(0));
            body.writeScalar(body.place(s.variable()), s.variable().type(), index);
            body.statements(s.body());
        });
        f.helper(skep.ir.Type.I64, Helper.LOOP, count, f.functionRef(name), pointer(frame.memory), f.i64(0));
        afterCallback(frame);
        f.jump(out);
        f.enter(out);
    }

    private void smallRange(Typed.ForRange s, long from, long to) {
        var out = f.newBlock();
        for (long i = from; i < to; i++) {
            var next = f.newBlock();
            writeScalar(place(s.variable()), s.variable().type(), f.i64(i));
            loops.add(new Loop(next, out));
            statements(s.body());
            loops.removeLast();
            if (f.isOpen()) {
                f.jump(next);
            }
            f.enter(next);
        }
        f.jump(out);
        f.enter(out);
    }

    private void forMap(Typed.ForMap s) {
        var view = plan.view(s.map());
        var frame = frame(s.body(), s.variable(), 0);
        var name = plan.callbackName();
        var parameters = List.of(
                skep.ir.Type.ptr(Region.MAP),
                skep.ir.Type.ptr(Region.GENERIC),
                skep.ir.Type.ptr(Region.MAP_VALUE),
                skep.ir.Type.ptr(Region.STACK));
        callback(name, parameters, 3, frame, s.span(), body -> {
            body.maps.bindEntry(s.map(), s.variable(), body.f.param(1), body.f.param(2));
            body.statements(s.body());
        });
        f.helper(
                skep.ir.Type.I64,
                Helper.FOR_EACH_MAP_ELEM,
                f.mapRef(view.mapName()),
                f.functionRef(name),
                pointer(frame.memory),
                f.i64(0));
        afterCallback(frame);
    }

    /** Variables that a loop body shares with what is around it, next to each other in memory. */
    private record Frame(Memory memory, Map<LocalVariable, Integer> offsets, int returnOffset, int extraOffset) {}

    private Frame frame(List<Typed.Stmt> body, LocalVariable own, int extraWords) {
        var declared = new LinkedHashSet<LocalVariable>();
        var used = new LinkedHashSet<LocalVariable>();
        TypedWalker.variables(body, used, declared);
        used.remove(own);
        var offsets = new HashMap<LocalVariable, Integer>();
        int at = 0;
        for (var variable : used) {
            if (locals.containsKey(variable)) {
                offsets.put(variable, at);
                at += sizeInFrame(variable);
            }
        }
        int returnOffset = at;
        at += 8;
        int extra = at;
        at += 8 * extraWords;
        var memory = allocate(at, "loop");
        for (var entry : offsets.entrySet()) {
            copy(memory.plus(entry.getValue()), place(entry.getKey()), sizeInFrame(entry.getKey()));
        }
        f.store(memory.base(), memory.offset() + returnOffset, f.i64(0));
        return new Frame(memory, offsets, returnOffset, extra);
    }

    private static int sizeInFrame(LocalVariable variable) {
        return isScalar(variable.type())
                ? 8
                : Type.Layout.alignUp(Math.max(1, variable.type().sizeBytes()), 8);
    }

    private void callback(
            String name,
            List<skep.ir.Type> parameters,
            int frameParameter,
            Frame frame,
            Span span,
            java.util.function.Consumer<FunctionLowering> write) {
        var mark = plan.mark();
        int needed =
                writeCallback(new skep.ir.ModuleBuilder(), name, parameters, frameParameter, frame, span, write, 0);
        plan.reset(mark);
        writeCallback(module, name, parameters, frameParameter, frame, span, write, needed);
    }

    private int writeCallback(
            skep.ir.ModuleBuilder into,
            String name,
            List<skep.ir.Type> parameters,
            int frameParameter,
            Frame frame,
            Span span,
            java.util.function.Consumer<FunctionLowering> write,
            int scratchBytes) {
        var g = into.function(name, skep.ir.Type.I64, parameters, span);
        var shared = g.param(frameParameter);
        var lowering = new FunctionLowering(
                plan,
                g,
                Optional.empty(),
                skep.ir.Type.I64,
                scratchBytes,
                Optional.of(new LoopBody(frame.offsets, frame.returnOffset)),
                Optional.of(Memory.own(shared, frame.returnOffset)));
        lowering.module = into;
        frame.offsets.forEach((variable, offset) -> lowering.locals.put(variable, Memory.own(shared, offset)));
        write.accept(lowering);
        lowering.finish(span);
        return lowering.scratchUsed;
    }

    /** Takes back what the loop changed; a {@code return} in it leaves this function too. */
    private void afterCallback(Frame frame) {
        for (var entry : frame.offsets.entrySet()) {
            copy(place(entry.getKey()), frame.memory.plus(entry.getValue()), sizeInFrame(entry.getKey()));
        }
        var returned = f.load(skep.ir.Type.I64, frame.memory.base(), frame.memory.offset() + frame.returnOffset);
        var left = f.newBlock();
        var on = f.newBlock();
        f.branch(f.compare(CompareOp.NE, returned, 0), left, on);
        f.enter(left);
        if (returnFlag.isPresent()) {
            f.store(returnFlag.get().base(), returnFlag.get().offset(), f.i64(1));
            f.ret(f.i64(1));
        } else {
            f.jump(exit);
        }
        f.enter(on);
    }

    // ---- conditions

    /** Branches on a truth value, without computing it where that can be avoided. */
    void branch(Typed.Expr condition, Label then, Label otherwise) {
        f.at(condition.span());
        switch (condition) {
            case Typed.IntConst c -> f.jump(c.value() != 0 ? then : otherwise);
            case Typed.Not n -> branch(n.operand(), otherwise, then);
            case Typed.Logic l -> {
                var second = f.newBlock();
                if (l.and()) {
                    branch(l.left(), second, otherwise);
                } else {
                    branch(l.left(), then, second);
                }
                f.enter(second);
                branch(l.right(), then, otherwise);
            }
            case Typed.Compare c -> f.branch(compare(c), then, otherwise);
            case Typed.TextCompare c -> texts.compare(c, then, otherwise);
            case Typed.HasKey h -> f.branch(maps.hasKey(h), then, otherwise);
            default -> f.branch(f.compare(CompareOp.NE, scalar(condition), 0), then, otherwise);
        }
    }

    private Value compare(Typed.Compare c) {
        var left = scalar(c.left());
        var right = scalar(c.right());
        f.at(c.span());
        return f.compare(compareOp(c.op(), c.signed()), left, right);
    }

    private static CompareOp compareOp(BinaryOp op, boolean signed) {
        return switch (op) {
            case EQ -> CompareOp.EQ;
            case NE -> CompareOp.NE;
            case LT -> signed ? CompareOp.SLT : CompareOp.ULT;
            case GT -> signed ? CompareOp.SGT : CompareOp.UGT;
            case LE -> signed ? CompareOp.SLE : CompareOp.ULE;
            case GE -> signed ? CompareOp.SGE : CompareOp.UGE;
            default -> throw new IllegalArgumentException("no comparison: " + op);
        };
    }

    /** A truth value of branches as a number. */
    private Value number(Typed.Expr condition) {
        var yes = f.newBlock();
        var no = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        branch(condition, yes, no);
        f.enter(yes);
        f.jump(out, f.i64(1));
        f.enter(no);
        f.jump(out, f.i64(0));
        f.enter(out);
        return out.param(0);
    }

    // ---- scalars

    /** Whether values of the type are kept in a register. */
    static boolean isScalar(Type type) {
        return switch (type) {
            case Type.Int _,
                    Type.Bool _,
                    Type.Enum _,
                    Type.Pointer _,
                    Type.Symbolic _,
                    Type.CgroupPath _,
                    Type.Timestamp _,
                    Type.KernelStack _ -> true;
            default -> false;
        };
    }

    /** The value as 64 bits; a pointer into the program's own memory as a pointer. */
    Value scalar(Typed.Expr expr) {
        f.at(expr.span());
        return switch (expr) {
            case Typed.IntConst e -> f.i64(e.value());
            case Typed.Local e -> readScalar(place(e.variable()), e.type(), true);
            case Typed.MapGet e -> maps.read(e);
            case Typed.MapLength e -> maps.length(e);
            case Typed.NextGeneration e -> maps.nextGeneration(e);
            case Typed.HasKey e -> f.zext(skep.ir.Type.I64, maps.hasKey(e));
            case Typed.Find e -> maps.find(e);
            case Typed.Arithmetic e -> arithmetic(e);
            case Typed.Compare e -> f.zext(skep.ir.Type.I64, compare(e));
            case Typed.TextCompare _, Typed.Logic _, Typed.Not _ -> number(expr);
            case Typed.BytesCompare e -> f.zext(skep.ir.Type.I64, texts.bytesEqual(e));
            case Typed.Negate e -> f.neg(scalar(e.operand()));
            case Typed.Complement e -> f.not(scalar(e.operand()));
            case Typed.Conditional e -> conditional(e);
            case Typed.Convert e -> convert(e);
            case Typed.LocalIncrement e -> increment(e);
            case Typed.MapIncrement e -> maps.increment(e);
            case Typed.Part e -> part(e);
            case Typed.Element e -> readScalar(element(e), e.type(), false);
            case Typed.Dereference e -> readScalar(target(e), e.type(), false);
            case Typed.PointerMove e -> pointerMove(e);
            case Typed.AddressOfLocal e -> pointer(place(e.variable()));
            case Typed.AddressOfMap e -> maps.address(e);
            case Typed.ContextLoad e -> contextLoad(e);
            case Typed.RegisterLoad e -> {
                var registers = f.load(skep.ir.Type.ptr(Region.BTF), context(), 0);
                yield f.load(
                        skep.ir.Type.I64,
                        MemSize.ofBytes(e.type().sizeBytes()),
                        e.type().isSigned(),
                        registers,
                        e.offsetBytes());
            }
            case Typed.ContextBytes e -> dataLocation(e);
            case Typed.ContextAddress _ -> context();
            case Typed.HelperValue e -> helperValue(e);
            case Typed.Elapsed _ -> {
                plan.useElapsed();
                var now = f.helper(skep.ir.Type.I64, Helper.KTIME_GET_BOOT_NS);
                var start = f.load(skep.ir.Type.I64, f.mapValueRef(ScriptPlan.STARTED_MAP, 0), 0);
                yield f.binary(skep.ir.BinaryOp.SUB, now, start);
            }
            case Typed.Stack e -> stackId(e);
            case Typed.Delete e -> f.zext(skep.ir.Type.I64, maps.delete(e));
            case Typed.Call e -> texts.call(e);
            case Typed.Invoke e -> invoke(e);
            case Typed.Block e -> {
                statements(e.statements());
                yield scalar(e.value());
            }
            case Typed.Emit e -> {
                records.emit(e);
                yield f.i64(0);
            }
            case Typed.Nothing _ -> f.i64(0);
            case Typed.Text _, Typed.Compose _, Typed.CommandName _ ->
                throw new IllegalStateException("no number: " + expr);
        };
    }

    private Value arithmetic(Typed.Arithmetic e) {
        var left = scalar(e.left());
        var right = scalar(e.right());
        f.at(e.span());
        boolean signed = e.type().isSigned();
        return switch (e.op()) {
            case ADD -> f.binary(skep.ir.BinaryOp.ADD, left, right);
            case SUB -> f.binary(skep.ir.BinaryOp.SUB, left, right);
            case MUL -> f.binary(skep.ir.BinaryOp.MUL, left, right);
            case DIV -> divide(e, signed ? skep.ir.BinaryOp.SDIV : skep.ir.BinaryOp.UDIV, left, right);
            case MOD -> divide(e, signed ? skep.ir.BinaryOp.SMOD : skep.ir.BinaryOp.UMOD, left, right);
            case BIT_AND -> f.binary(skep.ir.BinaryOp.AND, left, right);
            case BIT_OR -> f.binary(skep.ir.BinaryOp.OR, left, right);
            case BIT_XOR -> f.binary(skep.ir.BinaryOp.XOR, left, right);
            case SHL -> f.binary(skep.ir.BinaryOp.SHL, left, right);
            case SHR -> f.binary(signed ? skep.ir.BinaryOp.ASHR : skep.ir.BinaryOp.LSHR, left, right);
            default -> throw new IllegalStateException("no arithmetic: " + e.op());
        };
    }

    /** A division by zero is counted, and divides by one. */
    private Value divide(Typed.Arithmetic e, skep.ir.BinaryOp op, Value left, Value right) {
        if (e.right() instanceof Typed.IntConst) {
            return f.binary(op, left, right);
        }
        var zero = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        f.branch(f.compare(CompareOp.NE, right, 0), out, List.of(right), zero, List.of());
        f.enter(zero);
        fault(RuntimeFault.Kind.DIVIDE_BY_ZERO, "", e.span());
        f.jump(out, f.i64(1));
        f.enter(out);
        return f.binary(op, left, out.param(0));
    }

    /** Counts something that went wrong at a place. */
    void fault(RuntimeFault.Kind kind, String map, Span span) {
        int offset = plan.fault(kind, map, span);
        f.atomic(AtomicOp.ADD, f.mapValueRef(skep.dsl.CompiledScript.COUNTERS_MAP, offset), 0, f.i64(1));
    }

    private Value conditional(Typed.Conditional e) {
        var then = f.newBlock();
        var otherwise = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        branch(e.condition(), then, otherwise);
        f.enter(then);
        f.jump(out, integer(scalar(e.then())));
        f.enter(otherwise);
        f.jump(out, integer(scalar(e.otherwise())));
        f.enter(out);
        return out.param(0);
    }

    /** The number of a value that may be a pointer. */
    Value integer(Value value) {
        return value.type().isPointer() ? f.ptrToInt(value) : value;
    }

    private Value convert(Typed.Convert e) {
        var from = e.operand().type();
        var to = e.type();
        if (!isScalar(from)) {
            return fromMemory(e);
        }
        if (to instanceof Type.Bool && !(from instanceof Type.Bool)) {
            return f.zext(skep.ir.Type.I64, f.compare(CompareOp.NE, integer(scalar(e.operand())), 0));
        }
        var value = scalar(e.operand());
        if (to instanceof Type.Pointer p
                && p.space() == Type.AddressSpace.BPF
                && value.type().isPointer()) {
            return value;
        }
        if (to instanceof Type.Pointer && from instanceof Type.Pointer p && p.space() == Type.AddressSpace.BPF) {
            return value;
        }
        return normalize(integer(value), from, to);
    }

    /** Cuts a number to the size of an integer type, if it may be bigger. */
    private Value normalize(Value value, Type from, Type to) {
        if (!to.isInteger() || to.sizeBytes() == 8) {
            return value;
        }
        boolean fits = from.isInteger()
                && (from.isSigned() == to.isSigned() && from.sizeBytes() <= to.sizeBytes()
                        || !from.isSigned() && from.sizeBytes() < to.sizeBytes());
        if (fits) {
            return value;
        }
        var narrow = f.trunc(skep.ir.Type.ofBytes(to.sizeBytes()), value);
        return f.resize(skep.ir.Type.I64, to.isSigned(), narrow);
    }

    /** An array of bytes as a number. */
    private Value fromMemory(Typed.Convert e) {
        var bytes = memory(e.operand());
        int size = Math.min(8, e.operand().type().sizeBytes());
        if (!bytes.direct()) {
            bytes = read(bytes, size, "word");
        }
        Value word = f.i64(0);
        for (int i = 0; i < size; i++) {
            var one = f.load(skep.ir.Type.I64, MemSize.ofBytes(1), false, bytes.base(), bytes.offset() + i);
            word = f.binary(skep.ir.BinaryOp.OR, word, f.binary(skep.ir.BinaryOp.SHL, one, 8L * i));
        }
        return normalize(word, Type.UINT64, e.type());
    }

    private Value increment(Typed.LocalIncrement e) {
        var place = place(e.variable());
        var before = readScalar(place, e.type(), true);
        Value after;
        if (before.type().isPointer()) {
            after = f.ptrAdd(before, e.delta());
        } else {
            after = normalize(f.binary(skep.ir.BinaryOp.ADD, before, e.delta()), Type.INT64, e.type());
        }
        writeScalar(place, e.type(), after);
        return e.prefix() ? after : before;
    }

    private Value part(Typed.Part e) {
        if (e.bitWidth() == 0) {
            return readScalar(placeOf(e), e.type(), false);
        }
        var unit = new Type.Int(e.type().sizeBytes(), false);
        var word = readScalar(placeOf(e), unit, false);
        int up = 64 - e.bitOffset() - e.bitWidth();
        var high = f.binary(skep.ir.BinaryOp.SHL, word, up);
        return f.binary(e.type().isSigned() ? skep.ir.BinaryOp.ASHR : skep.ir.BinaryOp.LSHR, high, 64L - e.bitWidth());
    }

    private Value pointerMove(Typed.PointerMove e) {
        var pointer = scalar(e.pointer());
        int size = e.type() instanceof Type.Pointer p ? Math.max(1, p.target().sizeBytes()) : 1;
        var index = scalar(e.index());
        var bytes = size == 1 ? index : f.binary(skep.ir.BinaryOp.MUL, index, size);
        if (e.backwards()) {
            bytes = f.neg(bytes);
        }
        return pointer.type().isPointer() ? f.ptrAdd(pointer, bytes) : f.add(pointer, bytes);
    }

    private Value contextLoad(Typed.ContextLoad e) {
        int size = e.type().sizeBytes();
        if (size == 8 || size == 0) {
            return f.load(skep.ir.Type.I64, context(), e.offsetBytes());
        }
        return f.load(skep.ir.Type.I64, MemSize.ofBytes(size), e.type().isSigned(), context(), e.offsetBytes());
    }

    /** The address of data that a {@code __data_loc} word points to. */
    private Value dataLocation(Typed.ContextBytes e) {
        var word = f.load(skep.ir.Type.I64, MemSize.ofBytes(4), false, context(), e.offsetBytes());
        var offset = f.binary(skep.ir.BinaryOp.AND, word, 0xffff);
        return f.add(f.ptrToInt(context()), offset);
    }

    private Value helperValue(Typed.HelperValue e) {
        var value = switch (e.helper()) {
            case GET_FUNC_IP -> f.helper(skep.ir.Type.I64, e.helper(), context());
            default -> f.helper(skep.ir.Type.I64, e.helper());
        };
        if (e.shiftRight() > 0) {
            return f.binary(skep.ir.BinaryOp.LSHR, value, e.shiftRight());
        }
        return e.lowHalf() ? f.zext(skep.ir.Type.I64, f.trunc(skep.ir.Type.I32, value)) : value;
    }

    private Value stackId(Typed.Stack e) {
        var type = (Type.KernelStack) e.type();
        plan.useStacks(type.map(), type.depth());
        var id = reported(
                Helper.GET_STACKID,
                f.helper(skep.ir.Type.I64, Helper.GET_STACKID, context(), f.mapRef(type.map()), f.i64(0)));
        return measured(id, false, type.depth(), e.span());
    }

    /** The id of a stack with the number of its frames in the upper half, if the script asks for that of stored stacks. */
    private Value measured(Value id, boolean user, int depth, Span span) {
        if (!plan.measuresStacks) {
            return id;
        }
        var some = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        f.branch(f.compare(CompareOp.SGE, id, 0), some, List.of(), out, List.of(id));
        f.enter(some);
        var frames = texts.call(new Typed.Call(
                Typed.Fn.STACK_LENGTH,
                List.of(
                        new Typed.IntConst(Type.INT64, user ? 1 : 0, span),
                        new Typed.IntConst(Type.INT64, depth, span)),
                Type.UINT64,
                span));
        f.jump(out, f.binary(skep.ir.BinaryOp.OR, id, f.binary(skep.ir.BinaryOp.SHL, frames, 32)));
        f.enter(out);
        return out.param(0);
    }

    private Value invoke(Typed.Invoke e) {
        var arguments = new ArrayList<Value>();
        for (var argument : e.arguments()) {
            arguments.add(integer(scalar(argument)));
        }
        f.at(e.span());
        return f.call(skep.ir.Type.I64, e.subprogram(), arguments.toArray(Value[]::new));
    }

    // ---- memory

    /** Where a compound value lies; computed into memory of this run if it lies nowhere. */
    Memory memory(Typed.Expr expr) {
        f.at(expr.span());
        return switch (expr) {
            case Typed.Local e -> place(e.variable());
            case Typed.Part e -> placeOf(e);
            case Typed.Element e -> element(e);
            case Typed.Dereference e -> target(e);
            case Typed.Block e -> {
                statements(e.statements());
                yield memory(e.value());
            }
            case Typed.ContextBytes e when !e.dataLoc() -> Memory.own(context(), e.offsetBytes());
            default -> {
                var temporary = allocate(Math.max(1, expr.type().sizeBytes()), "value");
                write(expr, temporary, true);
                yield temporary;
            }
        };
    }

    private Memory placeOf(Typed.Part e) {
        return memory(e.whole()).plus(e.offsetBytes());
    }

    private Memory target(Typed.Dereference e) {
        var pointer = scalar(e.pointer());
        var space = e.pointer().type() instanceof Type.Pointer p ? p.space() : Type.AddressSpace.ANY;
        if (pointer.type().isPointer()) {
            return Memory.own(pointer, 0);
        }
        return new Memory(pointer, 0, space == Type.AddressSpace.BPF ? Type.AddressSpace.KERNEL : space);
    }

    private Memory element(Typed.Element e) {
        var array = memory(e.array());
        var index = scalar(e.index());
        var inside = f.newBlock();
        var outside = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        if (e.length() > 0) {
            f.branch(f.compare(CompareOp.ULT, index, e.length()), inside, outside);
            f.enter(outside);
            fault(RuntimeFault.Kind.OUT_OF_BOUNDS, "", e.span());
            f.jump(out, f.i64(0));
            f.enter(inside);
            f.jump(out, index);
            f.enter(out);
            index = out.param(0);
        }
        int size = e.type().sizeBytes();
        var bytes = size == 1 ? index : f.binary(skep.ir.BinaryOp.MUL, index, size);
        if (array.base().type().isPointer()) {
            return new Memory(f.ptrAdd(f.ptrAdd(array.base(), array.offset()), bytes), 0, array.space());
        }
        return new Memory(f.add(array.base(), bytes), array.offset(), array.space());
    }

    /** Copies foreign memory into memory of this run. */
    Memory read(Memory from, int bytes, String name) {
        var to = allocate(bytes, name);
        readInto(to, from, f.i64(bytes));
        return to;
    }

    void readInto(Memory to, Memory from, Value bytes) {
        var helper = readHelper(from.space());
        reported(helper, f.helper(skep.ir.Type.I64, helper, pointer(to), bytes, address(from)));
    }

    /** The result of a helper, about which user space is told if it is a failure and somebody asked for that. */
    Value reported(Helper helper, Value result) {
        int wanted = switch (helper) {
            case PROBE_READ,
                    PROBE_READ_STR,
                    PROBE_READ_KERNEL,
                    PROBE_READ_KERNEL_STR,
                    PROBE_READ_USER,
                    PROBE_READ_USER_STR -> 2;
            default -> 1;
        };
        if (plan.helperErrorReports >= wanted) {
            records.helperError(helper, result);
        }
        return result;
    }

    static Helper readHelper(Type.AddressSpace space) {
        return switch (space) {
            case KERNEL, BPF -> Helper.PROBE_READ_KERNEL;
            case USER -> Helper.PROBE_READ_USER;
            case ANY -> Helper.PROBE_READ;
        };
    }

    /** The place as a pointer. */
    Value pointer(Memory memory) {
        return f.ptrAdd(memory.base(), memory.offset());
    }

    /** The place as whatever a helper that reads from anywhere takes. */
    Value address(Memory memory) {
        if (memory.base().type().isPointer()) {
            return pointer(memory);
        }
        return memory.offset() == 0 ? memory.base() : f.binary(skep.ir.BinaryOp.ADD, memory.base(), memory.offset());
    }

    /** Reads a number; variables keep theirs in eight bytes whatever their type. */
    Value readScalar(Memory from, Type type, boolean wide) {
        if (type instanceof Type.Pointer p && p.space() == Type.AddressSpace.BPF && from.direct()) {
            return f.load(skep.ir.Type.ptr(Region.GENERIC), from.base(), from.offset());
        }
        int size = wide ? 8 : type.sizeBytes();
        var source = from.direct() ? from : read(from, size, "read");
        if (size == 8) {
            var value = f.load(skep.ir.Type.I64, source.base(), source.offset());
            boolean mayBeNull = type instanceof Type.Pointer
                    && mayLackObjects
                    && source.base().type().isPointerTo(Region.CTX);
            return mayBeNull ? checked(value) : value;
        }
        if (size == 0) {
            return f.i64(0);
        }
        return f.load(skep.ir.Type.I64, MemSize.ofBytes(size), type.isSigned(), source.base(), source.offset());
    }

    /** An iterator's last call has no object: then the program ends, as nothing can be said of it. */
    private Value checked(Value pointer) {
        var some = f.newBlock();
        f.branch(f.compare(CompareOp.NE, pointer, 0), some, exit);
        f.enter(some);
        return pointer;
    }

    void writeScalar(Memory to, Type type, Value value) {
        f.store(to.base(), to.offset(), value);
    }

    void clear(Memory memory, int bytes) {
        if (bytes <= INLINE_BYTES || !memory.direct()) {
            f.zero(
                    memory.base(),
                    memory.offset(),
                    Type.Layout.alignUp(bytes, 8) == bytes ? bytes : bytes,
                    alignment(memory));
        } else {
            // Reading from address 0 fails, and then the helper clears its target.
            f.helper(skep.ir.Type.I64, Helper.PROBE_READ_KERNEL, pointer(memory), f.i64(bytes), f.i64(0));
        }
    }

    private static int alignment(Memory memory) {
        return memory.offset() % 8 == 0 ? 8 : memory.offset() % 4 == 0 ? 4 : memory.offset() % 2 == 0 ? 2 : 1;
    }

    void copy(Memory to, Memory from, int bytes) {
        boolean context = from.base().type().isPointerTo(Region.CTX);
        if (!from.direct() || context || bytes > INLINE_BYTES) {
            readInto(to, from, f.i64(bytes));
        } else {
            int align = Math.min(alignment(to), alignment(from));
            f.copy(to.base(), to.offset(), from.base(), from.offset(), bytes, align);
        }
    }

    /**
     * Computes a value into memory. With {@code padded}, bytes that do not belong to it are zero, as keys need.
     */
    void write(Typed.Expr expr, Memory to, boolean padded) {
        f.at(expr.span());
        var type = expr.type();
        if (isScalar(type)) {
            var value = scalar(expr);
            f.store(MemSize.ofBytes(type.sizeBytes()), to.base(), to.offset(), value);
            return;
        }
        switch (expr) {
            case Typed.Text e -> texts.writeText(e, to, padded);
            case Typed.Compose e -> compose(e, to, padded);
            case Typed.CommandName e -> {
                // Linux 6.1 leaves what is behind the name as it was; 6.12 clears it.
                if (padded && !plan.kernel.version().isAtLeast(6, 12)) {
                    clear(to, e.type().sizeBytes());
                }
                f.helper(
                        skep.ir.Type.I64,
                        Helper.GET_CURRENT_COMM,
                        pointer(to),
                        f.i64(e.type().sizeBytes()));
            }
            case Typed.MapGet e -> maps.readInto(e, to);
            case Typed.Conditional e -> {
                var then = f.newBlock();
                var otherwise = f.newBlock();
                var out = f.newBlock();
                branch(e.condition(), then, otherwise);
                f.enter(then);
                write(e.then(), to, padded);
                f.jump(out);
                f.enter(otherwise);
                write(e.otherwise(), to, padded);
                f.jump(out);
                f.enter(out);
            }
            case Typed.Convert e -> convertInto(e, to, padded);
            case Typed.Stack e -> userStack(e, to);
            case Typed.Call e -> texts.writeCall(e, to, padded);
            case Typed.Block e -> {
                statements(e.statements());
                write(e.value(), to, padded);
            }
            default -> copy(to, memory(expr), type.sizeBytes());
        }
    }

    private void compose(Typed.Compose e, Memory to, boolean padded) {
        if (padded && hasPadding(e.type())) {
            clear(to, e.type().sizeBytes());
        }
        for (int i = 0; i < e.parts().size(); i++) {
            int offset = switch (e.type()) {
                case Type.Tuple t -> t.offsetOf(i);
                case Type.Rec r -> r.offsetOf(i);
                default -> throw new IllegalStateException("not compound: " + e.type());
            };
            write(e.parts().get(i), to.plus(offset), padded);
        }
    }

    private static boolean hasPadding(Type type) {
        return switch (type) {
            case Type.Tuple t ->
                t.sizeBytes() != t.elements().stream().mapToInt(Type::sizeBytes).sum();
            case Type.Rec r ->
                r.sizeBytes()
                        != r.members().stream()
                                .mapToInt(m -> m.type().sizeBytes())
                                .sum();
            default -> false;
        };
    }

    private void convertInto(Typed.Convert e, Memory to, boolean padded) {
        var from = e.operand().type();
        switch (e.type()) {
            case Type.Str s
            when from instanceof Type.Str source && source.sizeBytes() <= s.sizeBytes() -> {
                if (padded && source.sizeBytes() < s.sizeBytes()) {
                    clear(to, s.sizeBytes());
                }
                write(e.operand(), to, padded);
                if (!padded && source.sizeBytes() < s.sizeBytes()) {
                    f.store(MemSize.ofBytes(1), to.base(), to.offset() + source.sizeBytes(), f.i64(0));
                }
            }
            case Type.Str s
            when from instanceof Type.Str || from instanceof Type.Array -> {
                int bytes = Math.min(s.sizeBytes(), from.sizeBytes());
                copy(to, memory(e.operand()), bytes);
                if (bytes == s.sizeBytes() && from instanceof Type.Str) {
                    f.store(MemSize.ofBytes(1), to.base(), to.offset() + bytes - 1, f.i64(0));
                }
            }
            case Type.Tuple t
            when from instanceof Type.Tuple source -> {
                if (padded) {
                    clear(to, t.sizeBytes());
                }
                var whole = memory(e.operand());
                for (int i = 0; i < t.elements().size(); i++) {
                    convertPart(
                            whole.plus(source.offsetOf(i)),
                            source.elements().get(i),
                            to.plus(t.offsetOf(i)),
                            t.elements().get(i));
                }
            }
            case Type.Rec r
            when from instanceof Type.Rec source -> {
                if (padded) {
                    clear(to, r.sizeBytes());
                }
                var whole = memory(e.operand());
                for (int i = 0; i < r.members().size(); i++) {
                    for (int j = 0; j < source.members().size(); j++) {
                        if (source.members()
                                .get(j)
                                .name()
                                .equals(r.members().get(i).name())) {
                            convertPart(
                                    whole.plus(source.offsetOf(j)),
                                    source.members().get(j).type(),
                                    to.plus(r.offsetOf(i)),
                                    r.members().get(i).type());
                        }
                    }
                }
            }
            case Type.Buffer b
            when from instanceof Type.Buffer source -> {
                if (padded && source.sizeBytes() < b.sizeBytes()) {
                    clear(to, b.sizeBytes());
                }
                copy(to, memory(e.operand()), Math.min(source.sizeBytes(), b.sizeBytes()));
            }
            case Type.Array a
            when isScalar(from) -> {
                var value = scalar(e.operand());
                int size = Math.min(8, a.sizeBytes());
                for (int i = 0; i < size; i++) {
                    var one = i == 0 ? value : f.binary(skep.ir.BinaryOp.LSHR, value, 8L * i);
                    f.store(MemSize.ofBytes(1), to.base(), to.offset() + i, one);
                }
            }
            case Type.Array a -> {
                int bytes = Math.min(a.sizeBytes(), from.sizeBytes());
                if (bytes < a.sizeBytes()) {
                    clear(to, a.sizeBytes());
                }
                copy(to, memory(e.operand()), bytes);
            }
            default -> copy(to, memory(e.operand()), e.type().sizeBytes());
        }
    }

    /** A part of a tuple that gets a wider type. */
    private void convertPart(Memory from, Type fromType, Memory to, Type toType) {
        if (fromType.equals(toType)) {
            copy(to, from, toType.sizeBytes());
            return;
        }
        if (isScalar(toType)) {
            var value = readScalar(from, fromType, false);
            f.store(MemSize.ofBytes(toType.sizeBytes()), to.base(), to.offset(), value);
            return;
        }
        if (fromType instanceof Type.Tuple a && toType instanceof Type.Tuple b) {
            for (int i = 0; i < b.elements().size(); i++) {
                convertPart(
                        from.plus(a.offsetOf(i)),
                        a.elements().get(i),
                        to.plus(b.offsetOf(i)),
                        b.elements().get(i));
            }
            return;
        }
        if (fromType instanceof Type.Rec a && toType instanceof Type.Rec b) {
            for (int i = 0; i < b.members().size(); i++) {
                for (int j = 0; j < a.members().size(); j++) {
                    if (a.members().get(j).name().equals(b.members().get(i).name())) {
                        convertPart(
                                from.plus(a.offsetOf(j)),
                                a.members().get(j).type(),
                                to.plus(b.offsetOf(i)),
                                b.members().get(i).type());
                    }
                }
            }
            return;
        }
        copy(to, from, Math.min(fromType.sizeBytes(), toType.sizeBytes()));
    }

    private void userStack(Typed.Stack e, Memory to) {
        if (!(e.type() instanceof Type.UserStack type)) {
            throw new IllegalStateException("a kernel stack is a number");
        }
        if (type.unwound()) {
            unwoundStack(type, to);
            return;
        }
        plan.useStacks(type.map(), type.depth());
        // BPF_F_USER_STACK
        var id = f.helper(skep.ir.Type.I64, Helper.GET_STACKID, context(), f.mapRef(type.map()), f.i64(0x100));
        reported(Helper.GET_STACKID, id);
        f.store(to.base(), to.offset(), measured(id, true, type.depth(), e.span()));
        var process = f.binary(skep.ir.BinaryOp.LSHR, f.helper(skep.ir.Type.I64, Helper.GET_CURRENT_PID_TGID), 32);
        f.store(to.base(), to.offset() + 8, process);
    }

    /** Under an id that no other stack has: the time and the processor. The pieces of a process's id are those of {@link #userStack}. */
    private void unwoundStack(Type.UserStack type, Memory to) {
        var now = f.helper(skep.ir.Type.I64, Helper.KTIME_GET_NS);
        var processor = f.helper(skep.ir.Type.I64, Helper.GET_SMP_PROCESSOR_ID);
        var id = f.binary(
                skep.ir.BinaryOp.LSHR,
                f.binary(
                        skep.ir.BinaryOp.OR,
                        f.binary(skep.ir.BinaryOp.SHL, now, 9),
                        f.binary(skep.ir.BinaryOp.SHL, processor, 1)),
                1);
        var process = f.binary(skep.ir.BinaryOp.LSHR, f.helper(skep.ir.Type.I64, Helper.GET_CURRENT_PID_TGID), 32);
        records.stackCopy(id, process, type.depth());
        f.store(to.base(), to.offset(), id);
        f.store(to.base(), to.offset() + 8, process);
    }

    /** A value of at most eight bytes that need not be a number, such as a short string. */
    Value scalarOrBytes(Typed.Expr expr, Type stored) {
        if (isScalar(expr.type())) {
            return scalar(expr);
        }
        var slot = f.slot(8, 8, "value");
        f.store(slot, 0, f.i64(0));
        write(expr, Memory.own(slot, 0), true);
        return f.load(skep.ir.Type.I64, MemSize.ofBytes(storeSize(stored)), false, slot, 0);
    }

    private static int storeSize(Type type) {
        return Math.max(1, Integer.highestOneBit(type.sizeBytes()));
    }

    /** A function that loops over a map and adds those of one generation up in its context. */
    String countingCallback(MapView view, Span span) {
        var name = plan.callbackName();
        var g = module.function(
                name,
                skep.ir.Type.I64,
                List.of(
                        skep.ir.Type.ptr(Region.MAP),
                        skep.ir.Type.ptr(Region.GENERIC),
                        skep.ir.Type.ptr(Region.MAP_VALUE),
                        skep.ir.Type.ptr(Region.STACK)),
                span);
        var own = g.newBlock();
        var out = g.newBlock();
        var generation = g.load(skep.ir.Type.I64, g.param(1), view.generationInKey());
        var now = g.load(skep.ir.Type.I64, g.mapValueRef(CompiledScript.GENERATIONS_MAP, view.generation()), 0);
        g.branch(g.compare(CompareOp.EQ, generation, now), own, out);
        g.enter(own);
        g.store(g.param(3), 0, g.binary(skep.ir.BinaryOp.ADD, g.load(skep.ir.Type.I64, g.param(3), 0), 1));
        g.jump(out);
        g.enter(out);
        g.ret(g.i64(0));
        return name;
    }

    /** A function that loops over a map and does nothing. */
    String emptyCallback(Span span) {
        var name = plan.callbackName();
        var g = module.function(
                name,
                skep.ir.Type.I64,
                List.of(
                        skep.ir.Type.ptr(Region.MAP),
                        skep.ir.Type.ptr(Region.GENERIC),
                        skep.ir.Type.ptr(Region.MAP_VALUE),
                        skep.ir.Type.I64),
                span);
        g.ret(g.i64(0));
        return name;
    }

    /** Bytes of a text, cut or padded to a size. */
    static byte[] bytes(String text, int size) {
        return java.util.Arrays.copyOf(Strings.bytes(text), size);
    }

    Optional<LoopBody> loopBody() {
        return callback;
    }
}
