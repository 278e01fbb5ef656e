package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import skep.dsl.Action;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.isa.kernel.ProbeKind;

/** Functions on network addresses, byte order, packets and sockets. */
final class NetworkFunctions {
    /** The most of a packet that is captured. */
    private static final int MAX_PACKET_BYTES = 2048;

    private final Checking checking;
    private final ProbeContext probe;
    private final ExpressionChecker expressions;
    private final BuiltinChecker builtins;
    private final CallArguments args;
    private final ActionEmitter actions;

    NetworkFunctions(
            Checking checking,
            ProbeContext probe,
            ExpressionChecker expressions,
            BuiltinChecker builtins,
            CallArguments args,
            ActionEmitter actions) {
        this.checking = checking;
        this.probe = probe;
        this.expressions = expressions;
        this.builtins = builtins;
        this.args = args;
        this.actions = actions;
    }

    Typed.Expr ntop(Expr.Call c) {
        args.arity(c, 1, 2);
        var arguments = new ArrayList<Typed.Expr>();
        for (int i = 0; i < c.arguments().size(); i++) {
            arguments.add(args.argument(c, i));
        }
        var address = arguments.getLast();
        boolean known = address.type().isInteger()
                || address.type() instanceof Type.Array a && (a.sizeBytes() == 4 || a.sizeBytes() == 16)
                || address.type() instanceof Type.Pointer
                || address.type() instanceof Type.Str s
                        && (s.sizeBytes() == 4 || s.sizeBytes() == 16)
                        && !(address instanceof Typed.Text)
                || args.unknown(address.type());
        if (!known || arguments.size() == 2 && !arguments.getFirst().type().isInteger()) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "ntop() does not support an address of type '"
                            + address.type().display() + "'",
                    "give a 32-bit number or an array of 4 or 16 bytes");
        }
        if (arguments.size() == 2) {
            arguments.set(0, expressions.to64(arguments.getFirst()));
        }
        return new Typed.Call(Typed.Fn.NTOP, arguments, new Type.Inet(), c.span());
    }

    Typed.Expr pton(Expr.Call c) {
        args.arity(c, 1, 1);
        var text = args.literal(c, 0);
        var bytes = Addresses.parse(text);
        if (bytes.isEmpty()) {
            throw new CheckError("address", c.span(), "pton() expects an IPv4 or IPv6 address, found \"" + text + "\"");
        }
        var raw = new StringBuilder();
        for (var b : bytes.get()) {
            raw.append((char) (b & 0xff));
        }
        var value = new Typed.Text(new Type.Str(raw.length()), raw.toString(), c.span());
        return new Typed.Call(Typed.Fn.BYTES_OF, List.of(value), new Type.Array(Type.UINT8, raw.length()), c.span());
    }

    Typed.Expr macaddr(Expr.Call c) {
        args.arity(c, 1, 1);
        var value = args.argument(c, 0);
        boolean known = value.type().isInteger()
                || value.type() instanceof Type.Pointer
                || args.unknown(value.type())
                || value.type() instanceof Type.Array
                || value.type() instanceof Type.Str && !(value instanceof Typed.Text);
        if (!known) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "macaddr() only supports array or pointer arguments (" + ExpressionChecker.family(value.type())
                            + " provided)");
        }
        return new Typed.Call(Typed.Fn.MACADDR, List.of(value), new Type.MacAddress(), c.span());
    }

    Typed.Expr bswap(Expr.Call c) {
        args.arity(c, 1, 1);
        var value = args.argument(c, 0);
        if (!(value.type() instanceof Type.Int) && !args.unknown(value.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "bswap() only supports integer arguments (" + ExpressionChecker.family(value.type())
                            + " provided)");
        }
        int size = value.type() instanceof Type.Int i ? i.sizeBytes() : 8;
        return new Typed.Call(Typed.Fn.BSWAP, List.of(value), new Type.Int(size, false), c.span());
    }

    Typed.Expr skboutput(Expr.Call c) {
        args.arity(c, 4, 4);
        var path = args.literal(c, 0);
        var packet = args.argument(c, 1);
        var length = args.number(c, 2);
        if (!(args.argument(c, 3) instanceof Typed.IntConst skip) || skip.value() < 0) {
            throw new CheckError("range", c.span(), "skboutput: invalid offset value, need non-negative literal");
        }
        var buffer = checking.namedType("struct sk_buff");
        if (buffer.isEmpty() || !(buffer.get() instanceof Type.Struct struct)) {
            throw new CheckError("type", c.span(), "the kernel publishes no types (BTF), which skboutput() needs");
        }
        var data = CTypes.field(struct, "data").orElseThrow();
        var at = new Typed.Convert(
                expressions.to64(packet), new Type.Pointer(struct, Type.AddressSpace.KERNEL), c.span());
        var bytes = new Type.Pointer(Type.UINT8, Type.AddressSpace.KERNEL);
        var start = new Typed.PointerMove(
                new Typed.Part(new Typed.Dereference(at, struct, c.span()), data.offsetBytes(), bytes, 0, 0, c.span()),
                skip,
                false,
                bytes,
                c.span());
        var wanted = expressions.binaries.binary(Expr.BinaryOp.SUB, length, skip, c.span());
        int capacity =
                wanted instanceof Typed.IntConst n ? Math.clamp(n.value(), 0, MAX_PACKET_BYTES) : MAX_PACKET_BYTES;
        var time = builtins.value("nsecs", c.span()).orElseThrow();
        var copy = new Typed.Call(
                Typed.Fn.BUF, List.of(start, expressions.to64(wanted)), new Type.Buffer(capacity), c.span());
        var dump = actions.emit(
                List.of(time, expressions.to64(wanted), copy),
                a -> new Action.PacketDump(path, a.get(0), a.get(1), a.get(2).offsetBytes() + 4, c.span()),
                c.span());
        return new Typed.Block(
                List.of(new Typed.Evaluate(dump, c.span())), new Typed.IntConst(Type.INT32, 0, c.span()), c.span());
    }

    Typed.Expr socketCookie(Expr.Call c) {
        args.arity(c, 1, 1);
        if (probe.kind() != ProbeKind.FENTRY && probe.kind() != ProbeKind.FEXIT) {
            throw new CheckError(
                    "probe-kind",
                    c.span(),
                    "socket_cookie can not be used with \"" + probe.kind().longName() + "\" probes");
        }
        return new Typed.Call(Typed.Fn.SOCKET_COOKIE, List.of(args.number(c, 0)), Type.UINT64, c.span());
    }
}
