package skep.ir;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import skep.isa.AtomicOp;
import skep.isa.MemSize;

/**
 * The meaning of the IR, written down a second time and as plainly as possible: what code generation is compared with.
 * Memory is one buffer; addresses are offsets into it. Helpers are pure functions of five numbers.
 */
public final class IrInterpreter {
    private static final int MEMORY_BYTES = 1 << 16;
    private static final int MAX_STEPS = 1_000_000;

    private final Module module;
    private final Helpers helpers;
    private final ByteBuffer memory = ByteBuffer.allocate(MEMORY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private int top = 64;
    private int steps;

    /** What a helper answers. */
    public interface Helpers {
        long call(int number, long[] args);
    }

    public IrInterpreter(Module module, Helpers helpers) {
        this.module = module;
        this.helpers = helpers;
    }

    /** Runs a program on a context of these bytes. */
    public long run(Function program, byte[] context) {
        int address = allocate(context.length);
        memory.put(address, context);
        return call(program, List.of((long) address));
    }

    private int allocate(int bytes) {
        int address = top;
        top += (bytes + 7) / 8 * 8 + 8;
        return address;
    }

    private long call(Function function, List<Long> args) {
        Map<Value, Long> env = new HashMap<>();
        Map<Integer, Block> byId = new HashMap<>();
        function.blocks().forEach(b -> byId.put(b.id(), b));
        var block = function.entry();
        var incoming = args;
        int base = top;
        Map<Value, Long> slots = new HashMap<>();
        while (true) {
            for (int i = 0; i < incoming.size(); i++) {
                env.put(block.params().get(i), incoming.get(i));
            }
            for (var inst : block.insts()) {
                if (steps++ > MAX_STEPS) {
                    throw new IllegalStateException("does not end");
                }
                if (inst instanceof Inst.StackSlot s) {
                    long address = slots.computeIfAbsent(s.result(), k -> (long) allocate(s.sizeBytes()));
                    env.put(s.result(), address);
                } else {
                    step(inst, env);
                }
            }
            Terminator.Edge edge;
            switch (block.end()) {
                case Terminator.Return r -> {
                    top = base;
                    return env.get(r.value());
                }
                case Terminator.Jump j -> edge = j.target();
                case Terminator.Branch b -> edge = env.get(b.condition()) != 0 ? b.then() : b.otherwise();
                case Terminator.Switch s ->
                    edge = s.cases().stream()
                            .filter(c -> c.number() == env.get(s.value()))
                            .map(Terminator.Switch.Case::target)
                            .findFirst()
                            .orElse(s.otherwise());
            }
            incoming = edge.args().stream().map(env::get).toList();
            block = byId.get(edge.block());
        }
    }

    private void step(Inst inst, Map<Value, Long> env) {
        switch (inst) {
            case Inst.Store s -> write(s.size(), address(env, s.base(), s.offset()), env.get(s.value()));
            case Inst.Zero z -> {
                for (int i = 0; i < z.sizeBytes(); i++) {
                    memory.put(address(env, z.base(), z.offset() + i), (byte) 0);
                }
            }
            case Inst.Copy c -> {
                for (int i = 0; i < c.sizeBytes(); i++) {
                    memory.put(
                            address(env, c.target(), c.targetOffset() + i),
                            memory.get(address(env, c.source(), c.sourceOffset() + i)));
                }
            }
            case Inst.Def d ->
                env.put(d.result(), mask(evaluate(d, env), d.result().type()));
        }
    }

    private long evaluate(Inst.Def inst, Map<Value, Long> env) {
        return switch (inst) {
            case Inst.Const c -> c.value();
            case Inst.Binary b -> b.op().evaluate(Math.max(32, b.a().type().bits()), env.get(b.a()), env.get(b.b()));
            case Inst.Neg n -> -env.get(n.a());
            case Inst.Swap s ->
                switch (s.bits()) {
                    case 16 -> Short.toUnsignedLong(Short.reverseBytes((short) (long) env.get(s.a())));
                    case 32 -> Integer.toUnsignedLong(Integer.reverseBytes((int) (long) env.get(s.a())));
                    default -> Long.reverseBytes(env.get(s.a()));
                };
            case Inst.Compare c -> c.op().evaluate(c.a().type().bits(), env.get(c.a()), env.get(c.b())) ? 1 : 0;
            case Inst.Select s -> env.get(env.get(s.condition()) != 0 ? s.a() : s.b());
            case Inst.Cast c ->
                c.op().evaluate(c.a().type().bits(), c.result().type().bits(), env.get(c.a()));
            case Inst.PtrAdd p -> env.get(p.base()) + env.get(p.offset());
            case Inst.Opaque o -> env.get(o.a());
            case Inst.Load l -> {
                long value = read(l.size(), address(env, l.base(), l.offset()));
                yield l.signed() ? CompareOp.signExtend(value, l.size().bytes() * 8) : value;
            }
            case Inst.AtomicUpdate a -> {
                int address = address(env, a.base(), a.offset());
                long old = read(a.size(), address);
                write(a.size(), address, combine(a.op(), old, env.get(a.value())));
                yield old;
            }
            case Inst.CompareExchange c -> {
                int address = address(env, c.base(), c.offset());
                long old = read(c.size(), address);
                if (old == env.get(c.expected())) {
                    write(c.size(), address, env.get(c.value()));
                }
                yield old;
            }
            case Inst.CallHelper c ->
                helpers.call(
                        c.helper().number(),
                        c.args().stream().mapToLong(env::get).toArray());
            case Inst.Call c ->
                call(
                        module.function(c.function()),
                        c.args().stream().map(env::get).toList());
            case Inst.StackSlot s -> throw new IllegalStateException();
            case Inst.MapRef m -> throw new UnsupportedOperationException();
            case Inst.MapValueRef m -> throw new UnsupportedOperationException();
            case Inst.KernelVariable v -> throw new UnsupportedOperationException();
            case Inst.FunctionRef f -> throw new UnsupportedOperationException();
            case Inst.CallKfunc c -> throw new UnsupportedOperationException();
        };
    }

    private static long combine(AtomicOp op, long old, long value) {
        return switch (op) {
            case ADD -> old + value;
            case OR -> old | value;
            case AND -> old & value;
            case XOR -> old ^ value;
            case XCHG -> value;
            default -> throw new IllegalArgumentException();
        };
    }

    private static long mask(long value, Type type) {
        return type.bits() == 64 ? value : value & ((1L << type.bits()) - 1);
    }

    private static int address(Map<Value, Long> env, Value base, int offset) {
        return (int) (env.get(base) + offset);
    }

    private long read(MemSize size, int address) {
        return switch (size) {
            case B -> memory.get(address) & 0xffL;
            case H -> memory.getShort(address) & 0xffffL;
            case W -> memory.getInt(address) & 0xffff_ffffL;
            case DW -> memory.getLong(address);
        };
    }

    private void write(MemSize size, int address, long value) {
        switch (size) {
            case B -> memory.put(address, (byte) value);
            case H -> memory.putShort(address, (short) value);
            case W -> memory.putInt(address, (int) value);
            case DW -> memory.putLong(address, value);
        }
    }
}
