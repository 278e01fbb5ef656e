package skep.dsl.lower;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import skep.dsl.Action;
import skep.dsl.CompiledScript;
import skep.dsl.Type;
import skep.dsl.check.Typed;
import skep.ir.CompareOp;
import skep.ir.Region;
import skep.ir.Value;
import skep.isa.AtomicOp;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.isa.kernel.Registers;

/**
 * Sends records to user space: reserves the space, computes the arguments into it, submits it. Numbers are computed
 * before the reservation, so that code with branches does not stand between reservation and submission.
 */
final class RecordWriter {
    private final FunctionLowering lowering;

    RecordWriter(FunctionLowering lowering) {
        this.lowering = lowering;
    }

    void emit(Typed.Emit e) {
        var f = lowering.f;
        var plan = lowering.plan;
        var arguments = new ArrayList<Action.Argument>();
        int end = Action.HEADER_BYTES;
        for (var argument : e.arguments()) {
            end = Type.Layout.alignUp(end, argument.type().alignBytes());
            arguments.add(new Action.Argument(argument.type(), end));
            end += argument.type().sizeBytes();
        }
        int size = Type.Layout.alignUp(end, 8);
        int id = plan.action(e.action().apply(arguments));
        plan.useRingBuffer();
        Map<Integer, Value> numbers = new HashMap<>();
        Map<Integer, Memory> values = new HashMap<>();
        for (int i = 0; i < e.arguments().size(); i++) {
            var argument = e.arguments().get(i);
            if (FunctionLowering.isScalar(argument.type())) {
                numbers.put(i, lowering.scalars.integer(lowering.scalars.scalar(argument)));
            } else if (!writesInPlace(argument)) {
                values.put(i, lowering.access.memory(argument));
            }
        }
        Value header = f.i64(id);
        if (e.speculation().isPresent()) {
            var number = lowering.scalars.integer(
                    lowering.scalars.scalar(e.speculation().get()));
            header = f.binary(skep.ir.BinaryOp.OR, f.binary(skep.ir.BinaryOp.SHL, number, 32), id);
        }
        f.at(e.span());
        var reserved = f.helper(
                skep.ir.Type.nullable(Region.RINGBUF),
                Helper.RINGBUF_RESERVE,
                f.mapRef(CompiledScript.EVENTS_MAP),
                f.i64(size),
                f.i64(0));
        var some = f.newBlock();
        var none = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.NE, reserved, 0), some, none);
        f.enter(none);
        countLost();
        f.jump(out);
        f.enter(some);
        var record = f.nonNull(reserved);
        f.store(record, 0, header);
        for (int i = 0; i < arguments.size(); i++) {
            var to = Memory.own(record, arguments.get(i).offsetBytes());
            int bytes = arguments.get(i).type().sizeBytes();
            if (numbers.containsKey(i)) {
                f.store(MemSize.ofBytes(bytes), to.base(), to.offset(), numbers.get(i));
            } else if (values.containsKey(i)) {
                lowering.access.copy(to, values.get(i), bytes);
            } else {
                lowering.values.write(e.arguments().get(i), to, false);
            }
        }
        f.at(e.span());
        f.helper(skep.ir.Type.I64, Helper.RINGBUF_SUBMIT, record, f.i64(0));
        f.jump(out);
        f.enter(out);
    }

    /** Tells of a failure, with the place that the code is for: its errno. */
    void helperError(Helper helper, Value result) {
        var f = lowering.f;
        var plan = lowering.plan;
        var span = f.span();
        var errno = new Action.Argument(Type.INT64, Action.HEADER_BYTES);
        int id = plan.action(new Action.HelperError(helper.kernelName(), errno, span));
        plan.useRingBuffer();
        var failed = f.newBlock();
        var some = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.SLT, result, 0), failed, out);
        f.enter(failed);
        var reserved = f.helper(
                skep.ir.Type.nullable(Region.RINGBUF),
                Helper.RINGBUF_RESERVE,
                f.mapRef(CompiledScript.EVENTS_MAP),
                f.i64(Action.HEADER_BYTES + 8),
                f.i64(0));
        f.branch(f.compare(CompareOp.NE, reserved, 0), some, out);
        f.enter(some);
        var record = f.nonNull(reserved);
        f.store(record, 0, f.i64(id));
        f.store(record, Action.HEADER_BYTES, result);
        f.helper(skep.ir.Type.I64, Helper.RINGBUF_SUBMIT, record, f.i64(0));
        f.jump(out);
        f.enter(out);
    }

    /** Whether a value is computed straight into the record: when that takes no branches out of this place. */
    private static boolean writesInPlace(Typed.Expr argument) {
        return switch (argument) {
            case Typed.Text _, Typed.CommandName _ -> true;
            case Typed.Stack s -> !isUnwound(s);
            case Typed.Call c ->
                (c.fn() == Typed.Fn.STR || c.fn() == Typed.Fn.BUF || c.fn() == Typed.Fn.JOIN)
                        && c.arguments().stream().allMatch(RecordWriter::simple);
            case Typed.Compose c -> c.parts().stream().allMatch(p -> simple(p) || writesInPlace(p));
            default -> false;
        };
    }

    /** It sends a record of its own. */
    private static boolean isUnwound(Typed.Stack stack) {
        return stack.type() instanceof Type.UserStack user && user.unwound();
    }

    /** How much of a stack is copied: what 16 KiB do not reach is not unwound. */
    private static final int STACK_BYTES = 16 << 10;

    /** Copied piece by piece, since a copy across the end of the stack copies nothing. */
    private static final int PIECE_BYTES = 1 << 10;

    /** Sends the registers of the current process and its stack from the stack pointer on. */
    void stackCopy(Value id, Value process, int depth) {
        var f = lowering.f;
        var plan = lowering.plan;
        var arch = plan.kernel.arch();
        int registersBytes = Registers.userRegistersBytes(arch);
        int registersAt = Action.HEADER_BYTES + 16;
        int stackAt = registersAt + registersBytes;
        int action = plan.action(new Action.StackCopy(
                new Action.Argument(Type.INT64, Action.HEADER_BYTES),
                new Action.Argument(Type.UINT32, Action.HEADER_BYTES + 8),
                registersAt,
                registersBytes,
                stackAt,
                STACK_BYTES,
                depth,
                f.span()));
        plan.useRingBuffer();
        var task = f.helper(skep.ir.Type.ptr(Region.BTF), Helper.GET_CURRENT_TASK_BTF);
        var registers = f.helper(skep.ir.Type.ptr(Region.BTF), Helper.TASK_PT_REGS, task);
        var reserved = f.helper(
                skep.ir.Type.nullable(Region.RINGBUF),
                Helper.RINGBUF_RESERVE,
                f.mapRef(CompiledScript.EVENTS_MAP),
                f.i64(stackAt + STACK_BYTES),
                f.i64(0));
        var some = f.newBlock();
        var none = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.NE, reserved, 0), some, none);
        f.enter(none);
        countLost();
        f.jump(out);
        f.enter(some);
        var record = f.nonNull(reserved);
        f.store(record, 0, f.i64(action));
        f.store(record, Action.HEADER_BYTES, id);
        f.store(record, Action.HEADER_BYTES + 8, process);
        f.helper(
                skep.ir.Type.I64,
                Helper.PROBE_READ_KERNEL,
                f.ptrAdd(record, f.i64(registersAt)),
                f.i64(registersBytes),
                registers);
        var stack = f.load(skep.ir.Type.I64, record, registersAt + Registers.stackPointer(arch));
        for (int at = 0; at < STACK_BYTES; at += PIECE_BYTES) {
            f.helper(
                    skep.ir.Type.I64,
                    Helper.PROBE_READ_USER,
                    f.ptrAdd(record, f.i64(stackAt + at)),
                    f.i64(PIECE_BYTES),
                    f.add(stack, f.i64(at)));
        }
        f.helper(skep.ir.Type.I64, Helper.RINGBUF_SUBMIT, record, f.i64(0));
        f.jump(out);
        f.enter(out);
    }

    private void countLost() {
        lowering.f.atomic(
                AtomicOp.ADD,
                lowering.f.mapValueRef(CompiledScript.COUNTERS_MAP, 8 * CompiledScript.LOST_EVENTS_COUNTER),
                0,
                lowering.f.i64(1));
    }

    /** Numbers that cannot leave the program between reservation and submission. */
    private static boolean simple(Typed.Expr expr) {
        var plain = new boolean[] {true};
        TypedWalker.walk(
                expr,
                e -> plain[0] &= !(e instanceof Typed.Block)
                        && !(e instanceof Typed.Invoke)
                        && !(e instanceof Typed.Stack s && isUnwound(s)));
        return plain[0];
    }
}
