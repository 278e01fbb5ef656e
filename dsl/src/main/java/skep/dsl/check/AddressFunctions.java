package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.isa.kernel.Helper;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.Registers;
import skep.isa.kernel.UserBinary;
import skep.source.Span;

/** Functions on addresses: those of symbols, registers, and the address space that a pointer belongs to. */
final class AddressFunctions {
    private final Checking checking;
    private final ProbeContext probe;
    private final CallArguments args;

    AddressFunctions(Checking checking, ProbeContext probe, CallArguments args) {
        this.checking = checking;
        this.probe = probe;
        this.args = args;
    }

    Typed.Expr kaddr(Expr.Call c) {
        args.arity(c, 1, 1);
        var name = args.literal(c, 0);
        var address = checking.kernel.symbolAddress(name);
        if (address.isEmpty()) {
            throw new CheckError("symbol", c.span(), "Failed to resolve kernel symbol: " + name);
        }
        return new Typed.Convert(
                new Typed.IntConst(Type.UINT64, address.get(), c.span()),
                new Type.Pointer(Type.UINT64, Type.AddressSpace.KERNEL),
                c.span());
    }

    Typed.Expr uaddr(Expr.Call c) {
        args.arity(c, 1, 1);
        if (probe.kind() != ProbeKind.UPROBE && probe.kind() != ProbeKind.URETPROBE && probe.kind() != ProbeKind.USDT) {
            throw new CheckError(
                    "probe-kind",
                    c.span(),
                    c.name() + " can not be used with \"" + probe.kind().longName() + "\" probes");
        }
        var name = args.literal(c, 0);
        if (name.isEmpty() || !name.matches("[A-Za-z_][A-Za-z0-9_.$@:]*")) {
            throw new CheckError("symbol", c.span(), c.name() + "() expects a string that is a valid symbol name");
        }
        var binary = checking.kernel.binary(probe.category(), checking.options.pidFilter());
        var symbol = binary.flatMap(b -> b.symbol(name));
        var function = binary.flatMap(b -> b.symbol(probe.function()));
        if (symbol.isEmpty() || function.isEmpty()) {
            throw new CheckError(
                    "symbol",
                    c.span(),
                    "Could not resolve symbol: " + probe.category() + ":"
                            + (symbol.isEmpty() ? name : probe.function()));
        }
        return userAddress(symbol.get(), function.get(), c.span());
    }

    /** How far the symbol lies from the probed function is the same wherever the binary was loaded. */
    private Typed.Expr userAddress(UserBinary.Symbol symbol, UserBinary.Symbol function, Span span) {
        boolean atReturn = probe.kind() == ProbeKind.URETPROBE;
        Typed.Expr here = atReturn
                ? new Typed.HelperValue(Helper.GET_FUNC_IP, List.of(), 0, false, Type.UINT64, span)
                : new Typed.ContextLoad(Registers.instructionPointer(probe.arch()), Type.UINT64, span);
        long distance = symbol.address() - function.address() - (atReturn ? 0 : probe.offset());
        var target = switch ((int) symbol.sizeBytes()) {
            case 1 -> Type.UINT8;
            case 2 -> Type.UINT16;
            case 4 -> Type.UINT32;
            default -> Type.UINT64;
        };
        return new Typed.Convert(
                new Typed.Arithmetic(
                        Expr.BinaryOp.ADD, here, new Typed.IntConst(Type.UINT64, distance, span), Type.UINT64, span),
                new Type.Pointer(target, Type.AddressSpace.USER),
                span);
    }

    Typed.Expr percpuKaddr(Expr.Call c) {
        args.arity(c, 1, 2);
        var name = args.literal(c, 0);
        var id = checking.kernel.types().map(b -> b.find(name, BtfKind.VAR)).orElse(OptionalInt.empty());
        if (id.isEmpty()) {
            throw new CheckError("symbol", c.span(), "Could not resolve variable \"" + name + "\" from BTF");
        }
        var arguments = new ArrayList<Typed.Expr>();
        arguments.add(ExpressionChecker.text(name, c.span()));
        arguments.add(new Typed.IntConst(Type.INT64, id.getAsInt(), c.span()));
        if (c.arguments().size() == 2) {
            arguments.add(args.number(c, 1));
        }
        var variable = (BtfType.Variable) checking.kernel.types().orElseThrow().type(id.getAsInt());
        return new Typed.Call(
                Typed.Fn.PERCPU_KADDR,
                arguments,
                new Type.Pointer(checking.types.convert(variable.typeId()), Type.AddressSpace.KERNEL),
                c.span());
    }

    Typed.Expr reg(Expr.Call c) {
        args.arity(c, 1, 1);
        var name = args.literal(c, 0);
        if (!probe.hasRegisters()) {
            throw new CheckError(
                    "probe-kind",
                    c.span(),
                    "reg can not be used with \"" + probe.kind().longName() + "\" probes");
        }
        var offset = Registers.named(probe.arch(), name);
        if (offset.isEmpty()) {
            throw new CheckError(
                    "register",
                    c.span(),
                    "'" + name + "' is not a valid register on this architecture ("
                            + probe.arch().machine() + ")");
        }
        return new Typed.ContextLoad(offset.getAsInt(), Type.UINT64, c.span());
    }

    Typed.Expr space(Expr.Call c, Type.AddressSpace space) {
        args.arity(c, 1, 1);
        var value = args.argument(c, 0);
        return switch (value.type()) {
            case Type.Pointer p -> new Typed.Convert(value, new Type.Pointer(p.target(), space), c.span());
            case Type.Int _, Type.Void _ -> new Typed.Convert(value, new Type.Pointer(Type.UINT64, space), c.span());
            case Type t ->
                throw new CheckError(
                        "type-mismatch",
                        c.span(),
                        c.name() + "() only supports integer or pointer arguments (" + ExpressionChecker.family(t)
                                + " provided)");
        };
    }

    Typed.Expr isErr(Expr.Call c) {
        args.arity(c, 1, 1);
        // The last 4095 addresses are error numbers (include/linux/err.h).
        return new Typed.Compare(
                Expr.BinaryOp.GE, args.number(c, 0), new Typed.IntConst(Type.UINT64, -4095, c.span()), false, c.span());
    }
}
