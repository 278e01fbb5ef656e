package skep.dsl.lower;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import skep.dsl.RuntimeFault;
import skep.dsl.ScriptProgram;
import skep.dsl.Type;
import skep.dsl.check.LocalVariable;
import skep.dsl.check.Typed;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.FunctionBuilder.Label;
import skep.ir.ProgramInfo;
import skep.ir.Value;
import skep.isa.AtomicOp;
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

    final ScriptPlan plan;
    final FunctionBuilder f;
    final MapAccess maps;
    final RecordWriter records;
    final TextLowering texts;
    final ControlLowering control;
    final LoopCallbacks callbacks;
    final ScalarLowering scalars;
    final StackLowering stacks;
    final MemoryAccess access;
    final ValueWriter values;

    final Map<LocalVariable, Memory> locals = new HashMap<>();
    final Label exit;
    skep.ir.ModuleBuilder module = new skep.ir.ModuleBuilder();
    int scratchUsed;
    int stackUsed;

    /** Whether pointers of the context may be null, as an iterator's are. */
    boolean mayLackObjects;

    /** Inside the body of a loop that is a callback: where {@code return} of the program leaves a mark. */
    final Optional<Memory> returnFlag;

    private final Optional<Value> context;
    private final Optional<Value> scratch;
    private final skep.ir.Type result;

    FunctionLowering(
            ScriptPlan plan,
            FunctionBuilder f,
            Optional<Value> context,
            skep.ir.Type result,
            int scratchBytes,
            Optional<Memory> returnFlag) {
        this.plan = plan;
        this.f = f;
        this.context = context;
        this.result = result;
        this.returnFlag = returnFlag;
        this.maps = new MapAccess(this);
        this.records = new RecordWriter(this);
        this.texts = new TextLowering(this);
        this.control = new ControlLowering(this);
        this.callbacks = new LoopCallbacks(this);
        this.scalars = new ScalarLowering(this);
        this.stacks = new StackLowering(this);
        this.access = new MemoryAccess(this);
        this.values = new ValueWriter(this);
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
                plan, f, Optional.of(f.param(0)), skep.ir.Type.I64, scratchBytes, Optional.empty());
        lowering.module = module;
        lowering.mayLackObjects = program.context().kind() == skep.isa.kernel.ProbeKind.ITER;
        if (ends) {
            lowering.stopOnceEnded();
        }
        if (!program.body().isEmpty() && program.body().getFirst() instanceof Typed.SystemCalls all) {
            lowering.control.systemCalls(all);
        } else {
            lowering.control.body(program.predicate(), program.body());
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
        var lowering =
                new FunctionLowering(plan, f, Optional.empty(), skep.ir.Type.I64, scratchBytes, Optional.empty());
        lowering.module = module;
        for (int i = 0; i < parameters.size(); i++) {
            var variable = subprogram.parameters().get(i);
            lowering.access.writeScalar(lowering.place(variable), variable.type(), f.param(i));
        }
        lowering.control.statements(subprogram.body());
        lowering.finish(subprogram.span());
        return lowering.scratchUsed;
    }

    void finish(Span span) {
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

    // ---- memory of this run

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

    /** Counts something that went wrong at a place. */
    void fault(RuntimeFault.Kind kind, String map, Span span) {
        int offset = plan.fault(kind, map, span);
        f.atomic(AtomicOp.ADD, f.mapValueRef(skep.dsl.CompiledScript.COUNTERS_MAP, offset), 0, f.i64(1));
    }
}
