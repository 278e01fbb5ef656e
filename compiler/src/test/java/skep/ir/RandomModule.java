package skep.ir;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import skep.isa.AtomicOp;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.isa.kernel.ProgramType;
import skep.source.Source;

/**
 * Writes random programs that end: arithmetic of all widths, slots with and without escaping addresses, branches with
 * values, bounded loops, switches, helper calls, calls of a second function. They read a context of 64 bytes.
 */
public final class RandomModule {
    public static final int CONTEXT_BYTES = 64;

    private static final long[] NUMBERS = {
        0,
        1,
        2,
        7,
        8,
        31,
        32,
        63,
        64,
        255,
        256,
        0x7fffffffL,
        0x80000000L,
        0xffffffffL,
        0x100000000L,
        -1,
        -2,
        -128,
        Long.MIN_VALUE,
        Long.MAX_VALUE,
        0x0123456789abcdefL
    };
    private static final Helper[] HELPERS = {
        Helper.GET_PRANDOM_U32, Helper.SEQ_WRITE, Helper.GET_CURRENT_PID_TGID, Helper.STRTOL
    };
    private static final int[] HELPER_ARGS = {0, 3, 0, 5};

    private final Random random;
    private FunctionBuilder f;
    private List<Value> ints = new ArrayList<>();
    private List<Slot> slots = new ArrayList<>();
    private boolean mayCall;
    private int budget;

    private record Slot(Value pointer, int size) {}

    private RandomModule(long seed) {
        random = new Random(seed);
    }

    public static Module of(long seed) {
        return new RandomModule(seed).module();
    }

    private Module module() {
        var module = new ModuleBuilder();
        var span = new Source("random", "random").span(0, 6);
        f = module.program("main", ProgramInfo.of(ProgramType.KPROBE), span);
        mayCall = true;
        body(30 + random.nextInt(60));
        f = module.function("callee", Type.I64, List.of(Type.I64, Type.I32, Type.ptr(Region.GENERIC)), span);
        mayCall = false;
        ints = new ArrayList<>(List.of(f.param(0), f.param(1)));
        slots = new ArrayList<>(List.of(new Slot(f.param(2), 8)));
        body(10 + random.nextInt(20));
        return module.build();
    }

    private void body(int size) {
        budget = size;
        if (mayCall) {
            for (int i = 0; i < 4; i++) {
                var memSize = pick(MemSize.values());
                boolean signed = random.nextBoolean();
                var type = pick(List.of(Type.I64, Type.I32, Type.ofBytes(memSize.bytes())));
                if (type.bits() < memSize.bytes() * 8) {
                    type = Type.I64;
                }
                ints.add(f.load(type, memSize, signed, f.param(0), 8 * random.nextInt(8)));
            }
        }
        statements(0);
        var sum = f.i64(0);
        for (var value : ints) {
            sum = f.binary(BinaryOp.XOR, f.binary(BinaryOp.MUL, sum, 31), f.zext(Type.I64, value));
        }
        for (var slot : slots) {
            sum = f.add(sum, f.load(Type.I64, slot.pointer, 0));
        }
        f.ret(sum);
    }

    private void statements(int depth) {
        int count = 3 + random.nextInt(8);
        for (int i = 0; i < count && budget-- > 0; i++) {
            switch (random.nextInt(depth > 3 ? 12 : 16)) {
                case 0, 1, 2, 3, 4, 5 -> ints.add(expression());
                case 6 -> newSlot();
                case 7, 8 -> store();
                case 9 -> ints.add(loaded());
                case 10 -> ints.add(helper());
                case 11 -> special();
                case 12, 13 -> diamond(depth);
                case 14 -> loop(depth);
                default -> switched(depth);
            }
        }
    }

    private Value expression() {
        var a = any();
        switch (random.nextInt(9)) {
            case 0 -> {
                return f.constant(a.type(), number());
            }
            case 1 -> {
                return f.resize(pick(List.of(Type.I64, Type.I32, Type.I16, Type.I8, Type.I1)), random.nextBoolean(), a);
            }
            case 2 -> {
                return f.compare(pick(CompareOp.values()), a, other(a.type()));
            }
            case 3 -> {
                var condition = f.isTrue(any());
                if (random.nextInt(4) == 0) {
                    condition = f.not(condition);
                }
                return f.select(condition, a, other(a.type()));
            }
            case 4 -> {
                var wide = a.type().bits() < 32 ? f.zext(Type.I32, a) : a;
                return random.nextBoolean()
                        ? f.neg(wide)
                        : f.swapBytes(
                                wide.type() == Type.I64 ? 16 << random.nextInt(3) : 16 << random.nextInt(2), wide);
            }
            default -> {
                var op = pick(BinaryOp.values());
                var left = a.type().bits() < 32 && !op.bitwise() ? f.resize(Type.I64, random.nextBoolean(), a) : a;
                return f.binary(op, left, other(left.type()));
            }
        }
    }

    private Value any() {
        return ints.isEmpty() || random.nextInt(8) == 0
                ? f.constant(pick(List.of(Type.I64, Type.I32)), number())
                : ints.get(Math.max(random.nextInt(ints.size()), random.nextInt(ints.size())));
    }

    private Value other(Type type) {
        return random.nextInt(3) == 0 ? f.constant(type, number()) : f.resize(type, random.nextBoolean(), any());
    }

    private long number() {
        return random.nextInt(3) == 0 ? random.nextLong() : NUMBERS[random.nextInt(NUMBERS.length)];
    }

    private void newSlot() {
        int size = 8 * (1 + random.nextInt(3));
        var pointer = f.slot(size, "s");
        f.zero(pointer, 0, size);
        slots.add(new Slot(pointer, size));
    }

    private void store() {
        if (slots.isEmpty()) {
            newSlot();
        }
        var slot = pick(slots);
        var value = any();
        var size = random.nextInt(3) > 0 ? MemSize.DW : pick(MemSize.values());
        if (size == MemSize.DW || Math.max(8, value.type().bits()) < size.bytes() * 8) {
            value = f.zext(Type.I64, value);
        }
        int offset = random.nextInt(slot.size / size.bytes()) * size.bytes();
        if (random.nextInt(4) == 0) {
            f.store(size, f.ptrAdd(slot.pointer, offset), 0, value);
        } else {
            f.store(size, slot.pointer, offset, value);
        }
    }

    private Value loaded() {
        if (slots.isEmpty()) {
            newSlot();
        }
        var slot = pick(slots);
        var size = random.nextInt(3) > 0 ? MemSize.DW : pick(MemSize.values());
        int offset = random.nextInt(slot.size / size.bytes()) * size.bytes();
        return f.load(Type.I64, size, random.nextBoolean(), slot.pointer, offset);
    }

    private Value helper() {
        if (mayCall && random.nextInt(4) == 0 && !slots.isEmpty()) {
            var slot = pick(slots);
            return f.call(
                    Type.I64,
                    "callee",
                    other(Type.I64),
                    other(Type.I32),
                    f.cast(CastOp.PTRCAST, Type.ptr(Region.GENERIC), slot.pointer));
        }
        int which = random.nextInt(HELPERS.length);
        var args = new Value[HELPER_ARGS[which]];
        for (int i = 0; i < args.length; i++) {
            args[i] = other(Type.I64);
        }
        return f.helper(Type.I64, HELPERS[which], args);
    }

    /** Accesses that keep a slot in memory: atomics, copies, computed offsets. */
    private void special() {
        newSlot();
        var slot = slots.getLast();
        switch (random.nextInt(4)) {
            case 0 -> {
                var op = pick(List.of(AtomicOp.ADD, AtomicOp.OR, AtomicOp.AND, AtomicOp.XOR, AtomicOp.XCHG));
                var value = f.atomic(op, slot.pointer, 0, other(random.nextBoolean() ? Type.I64 : Type.I32));
                if (random.nextBoolean()) {
                    ints.add(value);
                }
            }
            case 1 -> ints.add(f.compareExchange(slot.pointer, 0, other(Type.I64), other(Type.I64)));
            case 2 -> {
                var from = pick(slots);
                if (!from.pointer.equals(slot.pointer)) {
                    f.copy(slot.pointer, 0, from.pointer, 0, 1 + random.nextInt(8), 8);
                }
            }
            default -> {
                var offset = f.binary(BinaryOp.AND, other(Type.I64), 7);
                ints.add(f.load(Type.I64, MemSize.B, random.nextBoolean(), f.ptrAdd(slot.pointer, offset), 0));
            }
        }
    }

    private void diamond(int depth) {
        var then = f.newBlock();
        var otherwise = f.newBlock();
        boolean handed = random.nextBoolean();
        var type = pick(List.of(Type.I64, Type.I32, Type.I1));
        var join = handed ? f.newBlock(type) : f.newBlock();
        var condition = f.isTrue(any());
        f.branch(condition, then, random.nextInt(3) == 0 && !handed ? join : otherwise);
        branchBody(then, join, handed, type, depth);
        branchBody(otherwise, join, handed, type, depth);
        f.enter(join);
        if (handed) {
            ints.add(join.param(0));
        }
    }

    private void branchBody(
            FunctionBuilder.Label label, FunctionBuilder.Label join, boolean handed, Type type, int depth) {
        int outerInts = ints.size();
        int outerSlots = slots.size();
        f.enter(label);
        if (random.nextInt(3) > 0) {
            statements(depth + 1);
        }
        if (handed) {
            f.jump(join, other(type));
        } else {
            f.jump(join);
        }
        ints = new ArrayList<>(ints.subList(0, outerInts));
        slots = new ArrayList<>(slots.subList(0, outerSlots));
    }

    private void loop(int depth) {
        var head = f.newBlock(Type.I64, Type.I64, Type.I64);
        var inside = f.newBlock();
        var out = f.newBlock();
        f.jump(head, f.i64(0), other(Type.I64), other(Type.I64));
        f.enter(head);
        f.branch(f.compare(CompareOp.ULT, head.param(0), 1 + random.nextInt(5)), inside, out);
        f.enter(inside);
        int outerInts = ints.size();
        int outerSlots = slots.size();
        ints.add(head.param(1));
        ints.add(head.param(2));
        statements(depth + 2);
        var next = f.add(head.param(0), f.i64(1));
        // Often the two carried values change places: the copies on the edge are parallel.
        if (random.nextBoolean()) {
            f.jump(head, next, head.param(2), head.param(1));
        } else {
            f.jump(head, next, other(Type.I64), random.nextBoolean() ? head.param(1) : other(Type.I64));
        }
        ints = new ArrayList<>(ints.subList(0, outerInts));
        slots = new ArrayList<>(slots.subList(0, outerSlots));
        f.enter(out);
        ints.add(head.param(1));
        ints.add(head.param(2));
    }

    private void switched(int depth) {
        var value = f.binary(BinaryOp.AND, other(Type.I64), 15);
        int count = 1 + random.nextInt(8);
        var numbers = new long[count];
        var targets = new ArrayList<FunctionBuilder.Label>();
        for (int i = 0; i < count; i++) {
            numbers[i] = i * 2 % 17;
            targets.add(f.newBlock());
        }
        var join = f.newBlock(Type.I64);
        var otherwise = f.newBlock();
        f.switchOn(value, numbers, targets, otherwise);
        for (var target : targets) {
            branchBody(target, join, true, Type.I64, depth + 2);
        }
        branchBody(otherwise, join, true, Type.I64, depth + 2);
        f.enter(join);
        ints.add(join.param(0));
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private <T> T pick(T[] list) {
        return list[random.nextInt(list.length)];
    }
}
