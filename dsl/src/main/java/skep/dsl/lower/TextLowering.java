package skep.dsl.lower;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import skep.dsl.Type;
import skep.dsl.check.Strings;
import skep.dsl.check.Typed;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.FunctionBuilder.Label;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;

/** Strings, bytes and the functions of the language that become code of their own. */
final class TextLowering {
    private final FunctionLowering lowering;

    TextLowering(FunctionLowering lowering) {
        this.lowering = lowering;
    }

    private FunctionBuilder f() {
        return lowering.f;
    }

    // ---- literals

    void writeText(Typed.Text text, Memory to, boolean padded) {
        writeBytes(bytes(text.value(), text.type().sizeBytes()), to);
    }

    /** Bytes of a text, cut or padded to a size. */
    private static byte[] bytes(String text, int size) {
        return Arrays.copyOf(Strings.bytes(text), size);
    }

    /** Stores constant bytes in the biggest pieces that the alignment allows. */
    private void writeBytes(byte[] bytes, Memory to) {
        var f = f();
        int at = 0;
        while (at < bytes.length) {
            int size = pieceSize(to.offset() + at, bytes.length - at);
            f.store(MemSize.ofBytes(size), to.base(), to.offset() + at, f.i64(word(bytes, at, size)));
            at += size;
        }
    }

    private static int pieceSize(int offset, int left) {
        int size = 8;
        while (size > left || offset % size != 0) {
            size /= 2;
        }
        return size;
    }

    private static long word(byte[] bytes, int at, int size) {
        long word = 0;
        for (int i = size - 1; i >= 0; i--) {
            word = word << 8 | bytes[at + i] & 0xff;
        }
        return word;
    }

    // ---- comparison

    void compare(Typed.TextCompare c, Label then, Label otherwise) {
        var equal = c.equal() ? then : otherwise;
        var different = c.equal() ? otherwise : then;
        if (c.right() instanceof Typed.Text text) {
            compareLiteral(c.left(), text, c.length(), equal, different);
        } else if (c.left() instanceof Typed.Text text) {
            compareLiteral(c.right(), text, c.length(), equal, different);
        } else {
            compareStrings(c, equal, different);
        }
    }

    /** Word by word; the terminating NUL belongs to the literal if the length reaches it. */
    private void compareLiteral(Typed.Expr value, Typed.Text text, int length, Label equal, Label different) {
        var f = f();
        var bytes = Strings.bytes(text.value());
        int count = Math.min(Math.min(length, bytes.length + 1), value.type().sizeBytes());
        boolean tooLong = bytes.length + 1 > value.type().sizeBytes()
                && length > value.type().sizeBytes();
        if (tooLong) {
            f.jump(different);
            return;
        }
        var wanted = java.util.Arrays.copyOf(bytes, count);
        var memory = lowering.access.memory(shortened(value, count));
        if (!memory.direct() || memory.base().type().isPointerTo(skep.ir.Region.CTX)) {
            var copy = lowering.allocate(count, "text");
            lowering.access.readInto(copy, memory, f.i64(count));
            memory = copy;
        }
        int at = 0;
        while (at < count) {
            int size = pieceSize(memory.offset() + at, count - at);
            var next = at + size < count ? f.newBlock() : equal;
            var piece = f.load(skep.ir.Type.I64, MemSize.ofBytes(size), false, memory.base(), memory.offset() + at);
            f.branch(f.compare(CompareOp.EQ, piece, f.i64(word(wanted, at, size))), next, different);
            if (next != equal) {
                f.enter(next);
            }
            at += size;
        }
        if (count == 0) {
            f.jump(equal);
        }
    }

    /** A string read from memory only as far as it is compared. */
    private static Typed.Expr shortened(Typed.Expr value, int count) {
        if (value instanceof Typed.Call c
                && c.fn() == Typed.Fn.STR
                && c.arguments().get(1) instanceof Typed.IntConst n
                && n.value() > count + 1) {
            int size = count + 1;
            return new Typed.Call(
                    Typed.Fn.STR,
                    List.of(c.arguments().getFirst(), new Typed.IntConst(Type.UINT64, size, c.span())),
                    new Type.Str(size),
                    c.span());
        }
        return value;
    }

    private void compareStrings(Typed.TextCompare c, Label equal, Label different) {
        var f = f();
        var left = own(c.left());
        var right = own(c.right());
        var head = f.newBlock(skep.ir.Type.I64);
        var body = f.newBlock();
        var same = f.newBlock();
        var next = f.newBlock();
        f.jump(head, f.i64(0));
        f.enter(head);
        var i = head.param(0);
        f.branch(f.compare(CompareOp.ULT, i, c.length()), body, equal);
        f.enter(body);
        var a = byteAt(left, i);
        var b = byteAt(right, i);
        f.branch(f.compare(CompareOp.EQ, a, b), same, different);
        f.enter(same);
        f.branch(f.compare(CompareOp.NE, a, 0), next, equal);
        f.enter(next);
        f.jump(head, f.binary(skep.ir.BinaryOp.ADD, i, 1));
    }

    private Value byteAt(Memory memory, Value index) {
        var f = f();
        var at = f.ptrAdd(f.ptrAdd(memory.base(), memory.offset()), index);
        return f.load(skep.ir.Type.I64, MemSize.ofBytes(1), false, at, 0);
    }

    /** The value in memory that the program may load from anywhere. */
    private Memory own(Typed.Expr value) {
        var memory = lowering.access.memory(value);
        if (memory.direct() && !memory.base().type().isPointerTo(skep.ir.Region.CTX)) {
            return memory;
        }
        return lowering.access.read(memory, value.type().sizeBytes(), "text");
    }

    Value bytesEqual(Typed.BytesCompare c) {
        var f = f();
        var left = own(c.left());
        var right = own(c.right());
        int size = c.left().type().sizeBytes();
        var out = f.newBlock(skep.ir.Type.I1);
        int at = 0;
        while (at < size) {
            int piece = Math.min(pieceSize(left.offset() + at, size - at), pieceSize(right.offset() + at, size - at));
            piece = Math.min(piece, c.left().type().alignBytes());
            var next = f.newBlock();
            var a = f.load(skep.ir.Type.I64, MemSize.ofBytes(piece), false, left.base(), left.offset() + at);
            var b = f.load(skep.ir.Type.I64, MemSize.ofBytes(piece), false, right.base(), right.offset() + at);
            f.branch(f.compare(CompareOp.EQ, a, b), next, List.of(), out, List.of(f.i1(!c.equal())));
            f.enter(next);
            at += piece;
        }
        f.jump(out, f.i1(c.equal()));
        f.enter(out);
        return out.param(0);
    }

    // ---- functions that give numbers

    Value call(Typed.Call e) {
        var f = f();
        return switch (e.fn()) {
            case BSWAP -> {
                var value = lowering.scalars.scalar(e.arguments().getFirst());
                int bits = 8 * e.type().sizeBytes();
                yield bits == 8 ? value : f.swapBytes(bits, value);
            }
            case SIGNAL, SIGNAL_THREAD -> {
                var helper = e.fn() == Typed.Fn.SIGNAL ? Helper.SEND_SIGNAL : Helper.SEND_SIGNAL_THREAD;
                var number = lowering.scalars.scalar(e.arguments().getFirst());
                yield lowering.access.reported(helper, f.helper(skep.ir.Type.I64, helper, number));
            }
            case OVERRIDE ->
                f.helper(
                        skep.ir.Type.I64,
                        Helper.OVERRIDE_RETURN,
                        lowering.context(),
                        lowering.scalars.scalar(e.arguments().getFirst()));
            case STRLEN -> length(e);
            case STRCONTAINS -> contains(e);
            case STRSTR -> position(e);
            case SOCKET_COOKIE ->
                f.helper(
                        skep.ir.Type.I64,
                        Helper.GET_SOCKET_COOKIE,
                        lowering.scalars.scalar(e.arguments().getFirst()));
            case PERCPU_KADDR -> perCpuAddress(e);
            case STACK_LENGTH -> stackLength(e);
            case STORED_STACK_LENGTH -> storedStackLength(e.arguments().getFirst());
            case NAMESPACE_PID -> namespacePid(e);
            case MEMCMP -> memcmp(e);
            case DEBUGF -> debug(e);
            case WRITE_USER -> {
                var to = lowering.scalars.scalar(e.arguments().getFirst());
                var from = own(e.arguments().get(1));
                var size = lowering.scalars.scalar(e.arguments().get(2));
                var result =
                        f.helper(skep.ir.Type.I64, Helper.PROBE_WRITE_USER, to, lowering.access.pointer(from), size);
                lowering.access.reported(Helper.PROBE_WRITE_USER, result);
                yield f.zext(skep.ir.Type.I64, f.compare(CompareOp.EQ, result, 0));
            }
            case STR,
                    BUF,
                    USYM,
                    NTOP,
                    MACADDR,
                    STR_CONCAT,
                    PATH,
                    BYTES_OF,
                    JOIN,
                    COMMAND_OF,
                    USER_MODE,
                    STRNCMP_ORDER,
                    FAIL -> {
                lowering.access.memory(e);
                yield f.i64(0);
            }
        };
    }

    private static long constant(Typed.Call e, int index) {
        return ((Typed.IntConst) e.arguments().get(index)).value();
    }

    /** The address of a per-CPU variable; 0 for a CPU that there is not. */
    private Value perCpuAddress(Typed.Call e) {
        var f = f();
        var name = ((Typed.Text) e.arguments().getFirst()).value();
        var pointer = skep.ir.Type.ptr(skep.ir.Region.BTF);
        int id = (int) constant(e, 1);
        if (e.arguments().size() == 2) {
            return f.ptrToInt(f.helper(pointer, Helper.THIS_CPU_PTR, f.kernelVariable(name, id)));
        }
        var cpu = lowering.scalars.scalar(e.arguments().get(2));
        var there = f.helper(
                skep.ir.Type.nullable(skep.ir.Region.BTF), Helper.PER_CPU_PTR, f.kernelVariable(name, id), cpu);
        var some = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        f.branch(f.compare(CompareOp.NE, there, 0), some, List.of(), out, List.of(f.i64(0)));
        f.enter(some);
        f.jump(out, f.ptrToInt(f.nonNull(there)));
        f.enter(out);
        return out.param(0);
    }

    /** How many frames the stack has: its addresses are taken and counted. */
    private Value stackLength(Typed.Call e) {
        var f = f();
        boolean user = constant(e, 0) != 0;
        int bytes = 8 * (int) constant(e, 1);
        var addresses = lowering.allocate(bytes, "addresses");
        // BPF_F_USER_STACK
        var got = f.helper(
                skep.ir.Type.I64,
                Helper.GET_STACK,
                lowering.context(),
                lowering.access.pointer(addresses),
                f.i64(bytes),
                f.i64(user ? 0x100 : 0));
        var some = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        f.branch(f.compare(CompareOp.SGT, got, 0), some, List.of(), out, List.of(f.i64(0)));
        f.enter(some);
        f.jump(out, f.binary(skep.ir.BinaryOp.LSHR, got, 3));
        f.enter(out);
        return out.param(0);
    }

    /** See {@link StackLowering#measured}: a negative id is the errno of a stack that could not be taken. */
    private Value storedStackLength(Typed.Expr stack) {
        var f = f();
        Value id;
        if (FunctionLowering.isScalar(stack.type())) {
            id = lowering.scalars.integer(lowering.scalars.scalar(stack));
        } else {
            var at = own(stack);
            id = f.load(skep.ir.Type.I64, at.base(), at.offset());
        }
        var some = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        f.branch(f.compare(CompareOp.SGT, id, 0), some, List.of(), out, List.of(f.i64(0)));
        f.enter(some);
        f.jump(out, f.binary(skep.ir.BinaryOp.LSHR, id, 32));
        f.enter(out);
        return out.param(0);
    }

    /** {@code struct bpf_pidns_info}: thread id, then process id; zeros where the namespace does not know the thread. */
    private Value namespacePid(Typed.Call e) {
        var f = f();
        var ids = lowering.allocateSlot(8, "ids");
        f.store(ids.base(), ids.offset(), f.i64(0));
        f.helper(
                skep.ir.Type.I64,
                Helper.GET_NS_CURRENT_PID_TGID,
                f.i64(constant(e, 0)),
                f.i64(constant(e, 1)),
                lowering.access.pointer(ids),
                f.i64(8));
        return f.load(skep.ir.Type.I64, ids.base(), ids.offset());
    }

    private void commandOf(Typed.Call e, Memory to) {
        var f = f();
        var process = lowering.scalars.scalar(e.arguments().getFirst());
        lowering.access.clear(to, e.type().sizeBytes());
        var task = f.kfunc(
                skep.ir.Type.nullable(skep.ir.Region.BTF),
                "bpf_task_from_pid",
                (int) constant(e, 1),
                f.zext(skep.ir.Type.I64, f.trunc(skep.ir.Type.I32, process)));
        var some = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.NE, task, 0), some, out);
        f.enter(some);
        var held = f.nonNull(task);
        f.helper(
                skep.ir.Type.I64,
                Helper.PROBE_READ_KERNEL,
                lowering.access.pointer(to),
                f.i64(e.type().sizeBytes()),
                f.ptrAdd(held, constant(e, 3)));
        f.kfunc(skep.ir.Type.I64, "bpf_task_release", (int) constant(e, 2), held);
        f.jump(out);
        f.enter(out);
    }

    private Value length(Typed.Call e) {
        var f = f();
        var value = e.arguments().getFirst();
        var text = own(value);
        var head = f.newBlock(skep.ir.Type.I64);
        var body = f.newBlock();
        var next = f.newBlock();
        var out = f.newBlock();
        f.jump(head, f.i64(0));
        f.enter(head);
        var i = head.param(0);
        f.branch(f.compare(CompareOp.ULT, i, value.type().sizeBytes()), body, out);
        f.enter(body);
        f.branch(f.compare(CompareOp.NE, byteAt(text, i), 0), next, out);
        f.enter(next);
        f.jump(head, f.binary(skep.ir.BinaryOp.ADD, i, 1));
        f.enter(out);
        return i;
    }

    private Value contains(Typed.Call e) {
        var f = f();
        return f.zext(skep.ir.Type.I64, f.compare(CompareOp.SGE, position(e), 0));
    }

    /** The first position of the second string in the first, or -1. */
    private Value position(Typed.Call e) {
        var f = f();
        var haystackExpr = e.arguments().getFirst();
        var needleExpr = e.arguments().get(1);
        var haystack = own(haystackExpr);
        var needle = own(needleExpr);
        int haystackBytes = haystackExpr.type().sizeBytes();
        int needleBytes = needleExpr.type().sizeBytes();
        var out = f.newBlock(skep.ir.Type.I64);
        var outer = f.newBlock(skep.ir.Type.I64);
        var inner = f.newBlock(skep.ir.Type.I64);
        f.jump(outer, f.i64(0));
        f.enter(outer);
        var i = outer.param(0);
        f.branch(f.compare(CompareOp.ULT, i, haystackBytes), inner, List.of(f.i64(0)), out, List.of(f.i64(-1)));
        f.enter(inner);
        var j = inner.param(0);
        var inNeedle = f.newBlock();
        var wanted = f.newBlock();
        var inHaystack = f.newBlock();
        var step = f.newBlock();
        var mismatch = f.newBlock();
        var advance = f.newBlock();
        f.branch(f.compare(CompareOp.ULT, j, needleBytes), inNeedle, List.of(), out, List.of(i));
        f.enter(inNeedle);
        var want = byteAt(needle, j);
        f.branch(f.compare(CompareOp.NE, want, 0), wanted, List.of(), out, List.of(i));
        f.enter(wanted);
        var at = f.add(i, j);
        f.branch(f.compare(CompareOp.ULT, at, haystackBytes), inHaystack, List.of(), out, List.of(f.i64(-1)));
        f.enter(inHaystack);
        f.branch(f.compare(CompareOp.EQ, byteAt(haystack, at), want), step, mismatch);
        f.enter(step);
        f.jump(inner, f.binary(skep.ir.BinaryOp.ADD, j, 1));
        f.enter(mismatch);
        f.branch(f.compare(CompareOp.NE, byteAt(haystack, i), 0), advance, List.of(), out, List.of(f.i64(-1)));
        f.enter(advance);
        f.jump(outer, f.binary(skep.ir.BinaryOp.ADD, i, 1));
        f.enter(out);
        return out.param(0);
    }

    private Value memcmp(Typed.Call e) {
        var f = f();
        int size = (int) ((Typed.IntConst) e.arguments().get(2)).value();
        var left = bytes(e.arguments().getFirst(), size);
        var right = bytes(e.arguments().get(1), size);
        var out = f.newBlock(skep.ir.Type.I64);
        for (int i = 0; i < size; i++) {
            var next = f.newBlock();
            var a = f.load(skep.ir.Type.I64, MemSize.ofBytes(1), false, left.base(), left.offset() + i);
            var b = f.load(skep.ir.Type.I64, MemSize.ofBytes(1), false, right.base(), right.offset() + i);
            var difference = f.binary(skep.ir.BinaryOp.SUB, a, b);
            f.branch(f.compare(CompareOp.EQ, difference, 0), next, List.of(), out, List.of(difference));
            f.enter(next);
        }
        f.jump(out, f.i64(0));
        f.enter(out);
        return out.param(0);
    }

    /** Bytes behind a pointer, or of a value. */
    private Memory bytes(Typed.Expr value, int size) {
        if (!FunctionLowering.isScalar(value.type())) {
            return own(value);
        }
        var space = value.type() instanceof Type.Pointer p ? p.space() : Type.AddressSpace.ANY;
        var pointer = lowering.scalars.scalar(value);
        if (pointer.type().isPointer()) {
            return Memory.own(pointer, 0);
        }
        return lowering.access.read(new Memory(pointer, 0, space), size, "bytes");
    }

    private Value debug(Typed.Call e) {
        var f = f();
        var format = (Typed.Text) e.arguments().getFirst();
        var text = lowering.allocate(format.type().sizeBytes(), "format");
        writeText(format, text, true);
        var arguments = new ArrayList<Value>();
        arguments.add(lowering.access.pointer(text));
        arguments.add(f.i64(format.type().sizeBytes()));
        for (var argument : e.arguments().subList(1, e.arguments().size())) {
            arguments.add(
                    FunctionLowering.isScalar(argument.type())
                            ? lowering.scalars.scalar(argument)
                            : lowering.access.pointer(own(argument)));
        }
        return f.helper(skep.ir.Type.I64, Helper.TRACE_PRINTK, arguments.toArray(Value[]::new));
    }

    // ---- functions that give compound values

    void writeCall(Typed.Call e, Memory to, boolean padded) {
        var f = f();
        switch (e.fn()) {
            case STR -> string(e, to, padded);
            case BUF -> buffer(e, to, padded);
            case USYM -> {
                lowering.plan.useUserSymbols();
                var address = lowering.scalars.integer(
                        lowering.scalars.scalar(e.arguments().getFirst()));
                f.store(to.base(), to.offset(), address);
                var process =
                        f.binary(skep.ir.BinaryOp.LSHR, f.helper(skep.ir.Type.I64, Helper.GET_CURRENT_PID_TGID), 32);
                f.store(to.base(), to.offset() + 8, process);
            }
            case NTOP -> inet(e, to);
            case MACADDR -> macAddress(e, to);
            case STR_CONCAT -> concat(e, to);
            case BYTES_OF -> {
                var text = (Typed.Text) e.arguments().getFirst();
                writeBytes(bytes(text.value(), e.type().sizeBytes()), to);
            }
            case PATH -> {
                lowering.access.clear(to, e.type().sizeBytes());
                var value = e.arguments().getFirst();
                var place = FunctionLowering.isScalar(value.type())
                        ? lowering.scalars.scalar(value)
                        : lowering.access.address(lowering.access.memory(value));
                f.helper(
                        skep.ir.Type.I64,
                        Helper.D_PATH,
                        place,
                        lowering.access.pointer(to),
                        f.i64(e.type().sizeBytes()));
            }
            case JOIN -> join(e, to);
            case COMMAND_OF -> commandOf(e, to);
            default -> throw new IllegalStateException("no compound value: " + e.fn());
        }
    }

    private void string(Typed.Call e, Memory to, boolean padded) {
        var f = f();
        var pointerExpr = e.arguments().getFirst();
        var pointer = lowering.scalars.scalar(pointerExpr);
        int capacity = e.type().sizeBytes();
        Value size;
        if (e.arguments().get(1) instanceof Typed.IntConst) {
            size = f.i64(capacity);
        } else {
            var wanted = lowering.scalars.scalar(e.arguments().get(1));
            var fits = f.newBlock();
            var bounded = f.newBlock(skep.ir.Type.I64);
            f.branch(
                    f.compare(CompareOp.ULT, wanted, capacity - 1), fits, List.of(), bounded, List.of(f.i64(capacity)));
            f.enter(fits);
            f.jump(bounded, f.binary(skep.ir.BinaryOp.ADD, wanted, 1));
            f.enter(bounded);
            size = bounded.param(0);
        }
        if (padded) {
            lowering.access.clear(to, capacity);
        } else {
            f.store(MemSize.ofBytes(1), to.base(), to.offset(), f.i64(0));
        }
        var space = pointerExpr.type() instanceof Type.Pointer p ? p.space() : Type.AddressSpace.ANY;
        var helper = switch (space) {
            case KERNEL, BPF -> Helper.PROBE_READ_KERNEL_STR;
            case USER -> Helper.PROBE_READ_USER_STR;
            case ANY -> Helper.PROBE_READ_STR;
        };
        lowering.access.reported(
                helper, f.helper(skep.ir.Type.I64, helper, lowering.access.pointer(to), size, pointer));
    }

    private void buffer(Typed.Call e, Memory to, boolean padded) {
        var f = f();
        var source = e.arguments().getFirst();
        var type = (Type.Buffer) e.type();
        if (padded) {
            lowering.access.clear(to, type.sizeBytes());
        }
        Value size;
        if (e.arguments().get(1) instanceof Typed.IntConst n) {
            size = f.i64(Math.min(n.value(), type.capacityBytes()));
        } else {
            var wanted = lowering.scalars.scalar(e.arguments().get(1));
            var bounded = f.newBlock(skep.ir.Type.I64);
            var fits = f.newBlock();
            f.branch(
                    f.compare(CompareOp.ULE, wanted, type.capacityBytes()),
                    fits,
                    List.of(),
                    bounded,
                    List.of(f.i64(type.capacityBytes())));
            f.enter(fits);
            f.jump(bounded, wanted);
            f.enter(bounded);
            size = bounded.param(0);
        }
        f.store(MemSize.ofBytes(4), to.base(), to.offset(), size);
        Memory from;
        if (FunctionLowering.isScalar(source.type())) {
            var space = source.type() instanceof Type.Pointer p ? p.space() : Type.AddressSpace.ANY;
            from = new Memory(lowering.scalars.scalar(source), 0, space);
        } else {
            from = lowering.access.memory(source);
        }
        lowering.access.readInto(to.plus(4), from, size);
    }

    private void inet(Typed.Call e, Memory to) {
        var f = f();
        var address = e.arguments().getLast();
        boolean number = FunctionLowering.isScalar(address.type()) && !(address.type() instanceof Type.Pointer);
        int bytes = number || !(address.type() instanceof Type.Pointer)
                ? Math.min(16, address.type().sizeBytes())
                : 16;
        boolean version6 = !number && bytes == 16;
        lowering.access.clear(to, 20);
        Value family = e.arguments().size() == 2
                ? lowering.scalars.scalar(e.arguments().getFirst())
                : f.i64(version6 ? 10 : 2);
        f.store(MemSize.ofBytes(4), to.base(), to.offset(), family);
        if (number) {
            f.store(MemSize.ofBytes(4), to.base(), to.offset() + 4, lowering.scalars.scalar(address));
        } else if (FunctionLowering.isScalar(address.type())) {
            lowering.access.copy(to.plus(4), pointed(address), bytes);
        } else {
            lowering.access.copy(to.plus(4), lowering.access.memory(address), bytes);
        }
    }

    private Memory pointed(Typed.Expr pointer) {
        var space = pointer.type() instanceof Type.Pointer p ? p.space() : Type.AddressSpace.ANY;
        var value = lowering.scalars.scalar(pointer);
        return value.type().isPointer() ? Memory.own(value, 0) : new Memory(value, 0, space);
    }

    private void macAddress(Typed.Call e, Memory to) {
        var value = e.arguments().getFirst();
        if (FunctionLowering.isScalar(value.type()) && value.type() instanceof Type.Pointer) {
            lowering.access.copy(to, pointed(value), 6);
        } else if (FunctionLowering.isScalar(value.type())) {
            lowering.access.copy(to, new Memory(lowering.scalars.scalar(value), 0, Type.AddressSpace.ANY), 6);
        } else {
            lowering.access.copy(
                    to, lowering.access.memory(value), Math.min(6, value.type().sizeBytes()));
        }
    }

    private void concat(Typed.Call e, Memory to) {
        var f = f();
        int size = e.type().sizeBytes();
        var left = e.arguments().getFirst();
        var right = e.arguments().get(1);
        lowering.access.clear(to, size);
        var rightMemory = own(right);
        lowering.values.write(left, to, false);
        var length = length(new Typed.Call(Typed.Fn.STRLEN, List.of(left), Type.UINT64, e.span()));
        var fits = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.ULT, length, left.type().sizeBytes()), fits, out);
        f.enter(fits);
        var at = f.ptrAdd(lowering.access.pointer(to), length);
        f.helper(
                skep.ir.Type.I64,
                Helper.PROBE_READ_KERNEL_STR,
                at,
                f.i64(right.type().sizeBytes()),
                lowering.access.address(rightMemory));
        f.jump(out);
        f.enter(out);
    }

    /** The strings of a NULL-terminated array of pointers; where it ends, an empty string stands. */
    private void join(Typed.Call e, Memory to) {
        var f = f();
        var array = (Type.Array) e.type();
        int each = array.element().sizeBytes();
        var pointerExpr = e.arguments().getFirst();
        var space = pointerExpr.type() instanceof Type.Pointer p ? p.space() : Type.AddressSpace.ANY;
        var argv = lowering.scalars.integer(lowering.scalars.scalar(pointerExpr));
        var helper = space == Type.AddressSpace.USER
                ? Helper.PROBE_READ_USER_STR
                : space == Type.AddressSpace.KERNEL ? Helper.PROBE_READ_KERNEL_STR : Helper.PROBE_READ_STR;
        for (int i = 0; i < array.length(); i++) {
            f.store(MemSize.ofBytes(1), to.base(), to.offset() + i * each, f.i64(0));
        }
        var out = f.newBlock();
        for (int i = 0; i < array.length(); i++) {
            var word = lowering.allocateSlot(8, "argument");
            lowering.access.readInto(word, new Memory(argv, 8 * i, space), f.i64(8));
            var pointer = f.load(skep.ir.Type.I64, word.base(), word.offset());
            var some = f.newBlock();
            f.branch(f.compare(CompareOp.NE, pointer, 0), some, out);
            f.enter(some);
            f.helper(skep.ir.Type.I64, helper, lowering.access.pointer(to.plus(i * each)), f.i64(each), pointer);
        }
        f.jump(out);
        f.enter(out);
    }
}
