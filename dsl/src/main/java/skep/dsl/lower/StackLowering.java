package skep.dsl.lower;

import java.util.List;
import skep.dsl.Type;
import skep.dsl.check.Typed;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.Value;
import skep.isa.kernel.Helper;
import skep.source.Span;

/** Takes stacks: the kernel keeps them in a map under an id. */
final class StackLowering {
    private final FunctionLowering lowering;
    private final FunctionBuilder f;
    private final ScriptPlan plan;

    StackLowering(FunctionLowering lowering) {
        this.lowering = lowering;
        this.f = lowering.f;
        this.plan = lowering.plan;
    }

    Value stackId(Typed.Stack e) {
        var type = (Type.KernelStack) e.type();
        plan.useStacks(type.map(), type.depth());
        var id = lowering.access.reported(
                Helper.GET_STACKID,
                f.helper(skep.ir.Type.I64, Helper.GET_STACKID, lowering.context(), f.mapRef(type.map()), f.i64(0)));
        return measured(id, false, type.depth(), e.span());
    }

    /**
     * The id of a stack with the number of its frames in the upper half, if the script asks for that of stored stacks.
     */
    private Value measured(Value id, boolean user, int depth, Span span) {
        if (!plan.measuresStacks) {
            return id;
        }
        var some = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        f.branch(f.compare(CompareOp.SGE, id, 0), some, List.of(), out, List.of(id));
        f.enter(some);
        var frames = lowering.texts.call(new Typed.Call(
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

    void userStack(Typed.Stack e, Memory to) {
        if (!(e.type() instanceof Type.UserStack type)) {
            throw new IllegalStateException("a kernel stack is a number");
        }
        if (type.unwound()) {
            unwoundStack(type, to);
            return;
        }
        plan.useStacks(type.map(), type.depth());
        // BPF_F_USER_STACK
        var id = f.helper(skep.ir.Type.I64, Helper.GET_STACKID, lowering.context(), f.mapRef(type.map()), f.i64(0x100));
        lowering.access.reported(Helper.GET_STACKID, id);
        f.store(to.base(), to.offset(), measured(id, true, type.depth(), e.span()));
        var process = f.binary(skep.ir.BinaryOp.LSHR, f.helper(skep.ir.Type.I64, Helper.GET_CURRENT_PID_TGID), 32);
        f.store(to.base(), to.offset() + 8, process);
    }

    /**
     * Under an id that no other stack has: the time and the processor. The pieces of a process's id are those of
     * {@link #userStack}.
     */
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
        lowering.records.stackCopy(id, process, type.depth());
        f.store(to.base(), to.offset(), id);
        f.store(to.base(), to.offset() + 8, process);
    }
}
