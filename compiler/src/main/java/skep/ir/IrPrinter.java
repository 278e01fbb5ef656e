package skep.ir;

import java.util.List;
import java.util.Locale;
import skep.isa.MemSize;
import skep.isa.object.MapSpec;

/** The text form of a module, which {@link IrParser} reads back. Spans are not part of it. */
public final class IrPrinter {
    private IrPrinter() {}

    public static String print(Module module) {
        var out = new StringBuilder();
        for (var map : module.maps()) {
            out.append(print(map)).append('\n');
        }
        for (var function : module.functions()) {
            if (!out.isEmpty()) {
                out.append('\n');
            }
            out.append(print(function));
        }
        return out.toString();
    }

    static String print(MapSpec map) {
        return "map @%s %s key %d value %d entries %d flags %d"
                .formatted(
                        map.name(),
                        map.type().kernelName(),
                        map.keySizeBytes(),
                        map.valueSizeBytes(),
                        map.maxEntries(),
                        map.flags());
    }

    public static String print(Function function) {
        var out = new StringBuilder();
        if (function.program().isPresent()) {
            var info = function.program().get();
            out.append("program @").append(function.name());
            out.append(' ').append(info.type().kernelName());
            info.attachType().ifPresent(t -> out.append(" attach ").append(t.kernelName()));
            if (!info.attachTo().isEmpty()) {
                out.append(" to ").append(quote(info.attachTo()));
            }
            out.append(" license ").append(quote(info.license()));
        } else {
            out.append("function @").append(function.name()).append(' ');
            out.append(function.result().text());
        }
        out.append(" {\n");
        for (var block : function.blocks()) {
            print(block, out);
        }
        return out.append("}\n").toString();
    }

    private static void print(Block block, StringBuilder out) {
        out.append('b').append(block.id());
        if (!block.params().isEmpty()) {
            var params =
                    block.params().stream().map(p -> p + ": " + p.type().text()).toList();
            out.append('(').append(String.join(", ", params)).append(')');
        }
        out.append(":\n");
        for (var inst : block.insts()) {
            out.append("  ").append(print(inst)).append('\n');
        }
        out.append("  ").append(print(block.end())).append('\n');
    }

    public static String print(Inst inst) {
        var body = body(inst);
        return inst instanceof Inst.Def def
                ? def.result() + ": " + def.result().type().text() + " = " + body
                : body;
    }

    private static String body(Inst inst) {
        return switch (inst) {
            case Inst.Const c -> "const " + c.value();
            case Inst.Binary b -> b.op().text() + " " + b.a() + ", " + b.b();
            case Inst.Neg n -> "neg " + n.a();
            case Inst.Swap s -> "bswap" + s.bits() + " " + s.a();
            case Inst.Compare c -> "cmp." + c.op().text() + " " + c.a() + ", " + c.b();
            case Inst.Select s -> "select " + s.condition() + ", " + s.a() + ", " + s.b();
            case Inst.Cast c -> c.op().text() + " " + c.a();
            case Inst.PtrAdd p -> "ptradd " + p.base() + ", " + p.offset();
            case Inst.Opaque o -> "opaque " + o.a();
            case Inst.Load l -> "load." + size(l.size(), l.signed()) + " " + place(l.base(), l.offset());
            case Inst.Store s ->
                "store." + size(s.size(), false) + " " + place(s.base(), s.offset()) + ", " + s.value();
            case Inst.AtomicUpdate a ->
                "atomic." + a.op().name().toLowerCase(Locale.ROOT) + "." + size(a.size(), false) + " "
                        + place(a.base(), a.offset()) + ", " + a.value();
            case Inst.CompareExchange c ->
                "cmpxchg." + size(c.size(), false) + " " + place(c.base(), c.offset()) + ", " + c.expected() + ", "
                        + c.value();
            case Inst.StackSlot s -> "slot " + s.sizeBytes() + " align " + s.alignBytes() + " " + quote(s.name());
            case Inst.MapRef m -> "map @" + m.map();
            case Inst.MapValueRef m -> "mapvalue @" + m.map() + " + " + m.offset();
            case Inst.KernelVariable v -> "kernelvar @" + v.name() + " id " + v.btfId();
            case Inst.FunctionRef f -> "func @" + f.function();
            case Inst.CallHelper c -> "helper " + c.helper().kernelName() + args(c.args());
            case Inst.CallKfunc c -> "kfunc " + c.name() + " id " + c.btfId() + args(c.args());
            case Inst.Call c -> "call @" + c.function() + args(c.args());
            case Inst.Zero z ->
                "zero " + place(z.base(), z.offset()) + ", " + z.sizeBytes() + " align " + z.alignBytes();
            case Inst.Copy c ->
                "copy " + place(c.target(), c.targetOffset()) + ", " + place(c.source(), c.sourceOffset()) + ", "
                        + c.sizeBytes() + " align " + c.alignBytes();
        };
    }

    public static String print(Terminator end) {
        return switch (end) {
            case Terminator.Jump j -> "jump " + j.target();
            case Terminator.Branch b -> "branch " + b.condition() + ", " + b.then() + ", " + b.otherwise();
            case Terminator.Switch s ->
                "switch " + s.value() + ", " + s.otherwise() + " ["
                        + String.join(
                                ", ",
                                s.cases().stream()
                                        .map(c -> c.number() + ": " + c.target())
                                        .toList())
                        + "]";
            case Terminator.Return r -> "return " + r.value();
        };
    }

    private static String size(MemSize size, boolean signed) {
        return (signed ? "s" : "u") + size.bytes() * 8;
    }

    private static String place(Value base, int offset) {
        return offset < 0 ? base + " - " + -offset : base + " + " + offset;
    }

    private static String args(List<Value> args) {
        var list = args.toString();
        return "(" + list.substring(1, list.length() - 1) + ")";
    }

    private static String quote(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    }
}
