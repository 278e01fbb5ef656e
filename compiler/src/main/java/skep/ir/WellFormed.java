package skep.ir;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import skep.isa.MemSize;

/**
 * Checks what every module promises: values are defined once and above their uses, types fit, edges carry what their
 * blocks take, names are known. A failure is a bug of a front end or of a pass, never of a user.
 */
public final class WellFormed {
    private final Module module;
    private final Function function;
    private final List<String> errors = new ArrayList<>();

    private WellFormed(Module module, Function function) {
        this.module = module;
        this.function = function;
    }

    /** What is wrong, one sentence each; empty if nothing is. */
    public static List<String> errors(Module module) {
        var all = new ArrayList<String>();
        var names = new HashSet<String>();
        for (var function : module.functions()) {
            if (!names.add(function.name())) {
                all.add("two functions are named " + function.name());
            }
            var check = new WellFormed(module, function);
            check.check();
            check.errors.forEach(e -> all.add(function.name() + ": " + e));
        }
        return all;
    }

    /** Whether nothing is wrong; otherwise fails with the errors and the text of the module. For {@code assert}. */
    public static boolean check(Module module) {
        var errors = errors(module);
        if (!errors.isEmpty()) {
            throw new IllegalStateException(String.join("\n", errors) + "\n" + IrPrinter.print(module));
        }
        return true;
    }

    private void check() {
        checkSignature();
        Map<Integer, Block> byId = new HashMap<>();
        for (var block : function.blocks()) {
            require(byId.put(block.id(), block) == null, "two blocks b" + block.id());
        }
        for (var block : function.blocks()) {
            for (var edge : block.end().targets()) {
                checkEdge(block, edge, byId);
            }
        }
        if (errors.isEmpty()) {
            checkValues(new Cfg(function));
        }
    }

    private void checkSignature() {
        if (function.program().isPresent()) {
            require(
                    function.params().size() == 1
                            && function.params().getFirst().type().isPointer(),
                    "a program takes one context pointer");
        }
        require(function.params().size() <= 5, "more than five parameters");
    }

    private void checkEdge(Block from, Terminator.Edge edge, Map<Integer, Block> byId) {
        var target = byId.get(edge.block());
        if (target == null) {
            errors.add("b" + from.id() + " goes to b" + edge.block() + ", which is not there");
            return;
        }
        require(target.id() != function.entry().id(), "b" + from.id() + " goes to the entry block");
        if (edge.args().size() != target.params().size()) {
            errors.add("b" + from.id() + " hands " + edge.args().size() + " values to " + edge + ", which takes "
                    + target.params().size());
            return;
        }
        for (int i = 0; i < edge.args().size(); i++) {
            var arg = edge.args().get(i).type();
            var param = target.params().get(i).type();
            require(fits(arg, param), "b" + from.id() + " hands " + arg.text() + " to a parameter " + param.text());
        }
    }

    /** A pointer fits one of the same region, or a generic one, that may be null if it may. */
    private static boolean fits(Type from, Type to) {
        if (from instanceof Type.Ptr a && to instanceof Type.Ptr b) {
            return (a.region() == b.region() || b.region() == Region.GENERIC) && (b.nullable() || !a.nullable());
        }
        return from == to;
    }

    private void checkValues(Cfg cfg) {
        Map<Value, Integer> definedIn = new HashMap<>();
        var ids = new HashSet<Integer>();
        for (int at = 0; at < cfg.size(); at++) {
            for (var param : cfg.order().get(at).params()) {
                define(param, at, definedIn, ids);
            }
            for (var inst : cfg.order().get(at).insts()) {
                if (inst instanceof Inst.Def def) {
                    define(def.result(), at, definedIn, ids);
                }
            }
        }
        for (int at = 0; at < cfg.size(); at++) {
            var block = cfg.order().get(at);
            var here = new HashSet<>(block.params());
            for (var inst : block.insts()) {
                for (var operand : inst.operands()) {
                    checkUse(operand, at, here, definedIn, cfg, IrPrinter.print(inst));
                }
                checkTypes(inst);
                if (inst instanceof Inst.Def def) {
                    here.add(def.result());
                }
            }
            for (var operand : block.end().operands()) {
                checkUse(operand, at, here, definedIn, cfg, IrPrinter.print(block.end()));
            }
            checkTypes(block.end());
        }
    }

    private void define(Value value, int at, Map<Value, Integer> definedIn, HashSet<Integer> ids) {
        require(ids.add(value.id()), value + " is defined twice");
        definedIn.put(value, at);
    }

    private void checkUse(
            Value value, int at, HashSet<Value> here, Map<Value, Integer> definedIn, Cfg cfg, String where) {
        var definition = definedIn.get(value);
        if (definition == null) {
            errors.add(value + ": " + value.type().text() + " is defined nowhere: " + where);
        } else if (definition == at) {
            require(here.contains(value), value + " is used above its definition: " + where);
        } else {
            require(cfg.dominates(definition, at), "the definition of " + value + " does not dominate: " + where);
        }
    }

    private void checkTypes(Inst inst) {
        boolean good = switch (inst) {
            case Inst.Const c -> constFits(c);
            case Inst.Binary b ->
                b.a().type() == b.b().type()
                        && b.a().type() == b.result().type()
                        && (b.a().type().bits() >= 32 || b.op().bitwise());
            case Inst.Neg n -> n.a().type() == n.result().type() && isWide(n.a().type());
            case Inst.Swap s ->
                (s.bits() == 16 || s.bits() == 32 || s.bits() == 64)
                        && isInt(s.a().type())
                        && s.a().type() == s.result().type()
                        && s.bits() <= s.a().type().bits();
            case Inst.Compare c -> c.result().type() == Type.I1 && comparable(c);
            case Inst.Select s ->
                s.condition().type() == Type.I1
                        && fits(s.a().type(), s.result().type())
                        && fits(s.b().type(), s.result().type());
            case Inst.Cast c -> castFits(c);
            case Inst.PtrAdd p ->
                p.base().type() instanceof Type.Ptr base
                        && !base.nullable()
                        && p.result().type().equals(base)
                        && p.offset().type() == Type.I64;
            case Inst.Opaque o -> o.a().type().equals(o.result().type());
            case Inst.Load l ->
                access(l.base(), l.offset())
                        && l.result().type().bits() >= l.size().bytes() * 8;
            case Inst.Store s ->
                access(s.base(), s.offset())
                        && Math.max(8, s.value().type().bits()) >= s.size().bytes() * 8;
            case Inst.AtomicUpdate a ->
                access(a.base(), a.offset())
                        && atomicFits(a.size(), a.value(), a.result())
                        && switch (a.op()) {
                            case ADD, OR, AND, XOR, XCHG -> true;
                            default -> false;
                        };
            case Inst.CompareExchange c ->
                access(c.base(), c.offset())
                        && atomicFits(c.size(), c.value(), c.result())
                        && atomicFits(c.size(), c.expected(), c.result());
            case Inst.StackSlot s ->
                s.result().type().equals(Type.ptr(Region.STACK))
                        && s.sizeBytes() > 0
                        && Integer.bitCount(s.alignBytes()) == 1
                        && s.alignBytes() <= 8;
            case Inst.MapRef m -> m.result().type().isPointerTo(Region.MAP) && hasMap(m.map());
            case Inst.MapValueRef m -> m.result().type().equals(Type.ptr(Region.MAP_VALUE)) && hasMap(m.map());
            case Inst.KernelVariable v -> v.result().type().isPointerTo(Region.BTF);
            case Inst.FunctionRef f -> f.result().type().isPointerTo(Region.FUNCTION) && hasFunction(f.function());
            case Inst.CallHelper c -> c.args().size() <= 5;
            case Inst.CallKfunc c -> c.args().size() <= 5;
            case Inst.Call c -> callFits(c);
            case Inst.Zero z -> access(z.base(), z.offset()) && z.sizeBytes() >= 0;
            case Inst.Copy c ->
                access(c.target(), c.targetOffset()) && access(c.source(), c.sourceOffset()) && c.sizeBytes() >= 0;
        };
        require(good, "types do not fit: " + IrPrinter.print(inst) + typesOf(inst));
    }

    private static String typesOf(Inst inst) {
        return " (operands "
                + inst.operands().stream().map(v -> v.type().text()).toList() + ")";
    }

    private void checkTypes(Terminator end) {
        boolean good = switch (end) {
            case Terminator.Jump jump -> jump.target().block() >= 0;
            case Terminator.Branch b -> b.condition().type() == Type.I1;
            case Terminator.Switch s ->
                isInt(s.value().type())
                        && s.cases().stream().map(c -> c.number()).distinct().count()
                                == s.cases().size();
            case Terminator.Return r -> r.value().type().equals(function.result());
        };
        require(good, "types do not fit: " + IrPrinter.print(end));
    }

    private static boolean isInt(Type type) {
        return !type.isPointer();
    }

    private static boolean isWide(Type type) {
        return type == Type.I32 || type == Type.I64;
    }

    private static boolean constFits(Inst.Const c) {
        var type = c.result().type();
        if (type instanceof Type.Ptr ptr) {
            // Null of a type that is never null stands for what is read before it is written.
            // An address of no particular region may be a number of the source.
            return c.value() == 0 || !ptr.region().dereferenceable() || ptr.region() == Region.GENERIC;
        }
        return type.bits() == 64 || c.value() >>> type.bits() == 0;
    }

    private static boolean comparable(Inst.Compare c) {
        return c.a().type().isPointer() && c.b().type().isPointer()
                || isInt(c.a().type()) && c.a().type() == c.b().type();
    }

    private static boolean castFits(Inst.Cast c) {
        var from = c.a().type();
        var to = c.result().type();
        return switch (c.op()) {
            case ZEXT, SEXT -> isInt(from) && isInt(to) && from.bits() < to.bits();
            case TRUNC -> isInt(from) && isInt(to) && from.bits() > to.bits();
            case PTRTOINT -> from.isPointer() && to == Type.I64;
            case INTTOPTR -> from == Type.I64 && to.isPointer();
            case PTRCAST -> from.isPointer() && to.isPointer();
        };
    }

    private static boolean access(Value base, int offset) {
        return base.type() instanceof Type.Ptr ptr
                && !ptr.nullable()
                && ptr.region().dereferenceable()
                && offset == (short) offset;
    }

    private static boolean atomicFits(MemSize size, Value value, Value result) {
        return size.bytes() >= 4 && value.type() == Type.ofBytes(size.bytes()) && value.type() == result.type();
    }

    private boolean hasMap(String name) {
        return module.maps().stream().anyMatch(m -> m.name().equals(name));
    }

    private boolean hasFunction(String name) {
        return module.functions().stream().anyMatch(f -> f.name().equals(name));
    }

    private boolean callFits(Inst.Call call) {
        if (!hasFunction(call.function())) {
            return false;
        }
        var callee = module.function(call.function());
        if (!callee.result().equals(call.result().type())
                || callee.params().size() != call.args().size()) {
            return false;
        }
        for (int i = 0; i < call.args().size(); i++) {
            if (!fits(call.args().get(i).type(), callee.params().get(i).type())) {
                return false;
            }
        }
        return true;
    }

    private void require(boolean condition, String error) {
        if (!condition) {
            errors.add(error);
        }
    }
}
