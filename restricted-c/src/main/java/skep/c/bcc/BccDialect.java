package skep.c.bcc;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import skep.c.bcc.TableMacros.Declared;
import skep.c.check.Types;
import skep.c.lower.Dialect;
import skep.c.lower.Lowering;
import skep.c.lower.Operand;
import skep.c.lower.Operand.Place;
import skep.c.lower.Operand.Scalar;
import skep.c.parse.Expr;
import skep.ir.BinaryOp;
import skep.ir.Type;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Helper;
import skep.isa.kernel.Registers;
import skep.isa.kernel.UsdtArgument;
import skep.isa.kernel.UsdtArgument.Place.Constant;
import skep.isa.kernel.UsdtArgument.Place.Memory;
import skep.isa.kernel.UsdtArgument.Place.Register;
import skep.isa.kernel.UsdtArgument.Place.Unreadable;

/** BCC's tables and functions in expressions. Notes what type each table's events have. */
final class BccDialect implements Dialect {
    /** Members that kernel headers define as macros for members of members. */
    private static final Map<String, Map<String, String>> ALIASES = Map.of(
            "sock",
            aliases(
                    "sk_family skc_family",
                    "sk_state skc_state",
                    "sk_reuse skc_reuse",
                    "sk_reuseport skc_reuseport",
                    "sk_ipv6only skc_ipv6only",
                    "sk_bound_dev_if skc_bound_dev_if",
                    "sk_prot skc_prot",
                    "sk_net skc_net",
                    "sk_v6_daddr skc_v6_daddr",
                    "sk_v6_rcv_saddr skc_v6_rcv_saddr",
                    "sk_cookie skc_cookie",
                    "sk_incoming_cpu skc_incoming_cpu",
                    "sk_flags skc_flags",
                    "sk_rxhash skc_rxhash",
                    "sk_hash skc_hash",
                    "sk_refcnt skc_refcnt",
                    "sk_portpair skc_portpair",
                    "sk_num skc_num",
                    "sk_dport skc_dport",
                    "sk_addrpair skc_addrpair",
                    "sk_daddr skc_daddr",
                    "sk_rcv_saddr skc_rcv_saddr",
                    "sk_tx_queue_mapping skc_tx_queue_mapping",
                    "sk_rx_queue_mapping skc_rx_queue_mapping",
                    "sk_node skc_node"),
            "inet_sock",
            Map.of(
                    "inet_daddr", "sk.__sk_common.skc_daddr",
                    "inet_rcv_saddr", "sk.__sk_common.skc_rcv_saddr",
                    "inet_dport", "sk.__sk_common.skc_dport",
                    "inet_num", "sk.__sk_common.skc_num"),
            "inet_timewait_sock",
            Map.of(
                    "tw_family", "__tw_common.skc_family",
                    "tw_state", "__tw_common.skc_state",
                    "tw_daddr", "__tw_common.skc_daddr",
                    "tw_rcv_saddr", "__tw_common.skc_rcv_saddr",
                    "tw_dport", "__tw_common.skc_dport",
                    "tw_num", "__tw_common.skc_num"),
            "in6_addr",
            Map.of("s6_addr", "in6_u.u6_addr8", "s6_addr16", "in6_u.u6_addr16", "s6_addr32", "in6_u.u6_addr32"),
            "inet_request_sock",
            Map.of(
                    "ir_loc_addr", "req.__req_common.skc_rcv_saddr",
                    "ir_rmt_addr", "req.__req_common.skc_daddr",
                    "ir_num", "req.__req_common.skc_num",
                    "ir_rmt_port", "req.__req_common.skc_dport",
                    "ir_v6_rmt_addr", "req.__req_common.skc_v6_daddr",
                    "ir_v6_loc_addr", "req.__req_common.skc_v6_rcv_saddr"),
            "request_sock",
            Map.of("rsk_listener", "__req_common.skc_listener"));

    private static final List<String> FUNCTIONS =
            List.of("bpf_usdt_readarg", "bpf_usdt_readarg_p", "lock_xadd", "load_byte", "load_half", "load_word");

    private final Map<String, Declared> tables = new LinkedHashMap<>();
    private final Map<String, Integer> events = new LinkedHashMap<>();
    private final TableMethods methods = new TableMethods(this);
    private final Arch arch;
    private List<UsdtArgument> arguments = List.of();

    BccDialect(Arch arch) {
        this.arch = arch;
    }

    private static Map<String, String> aliases(String... pairs) {
        Map<String, String> map = new LinkedHashMap<>();
        for (var pair : pairs) {
            var parts = pair.split(" ");
            map.put(parts[0], "__sk_common." + parts[1]);
        }
        return Map.copyOf(map);
    }

    Map<String, Declared> tables() {
        return tables;
    }

    Map<String, Integer> events() {
        return events;
    }

    /** The arguments of the static probe that the program which is being written handles. */
    void arguments(List<UsdtArgument> places) {
        arguments = places;
    }

    @Override
    public Optional<Operand> name(String name) {
        return tables.containsKey(name) ? Optional.of(new Operand.Table(name)) : Optional.empty();
    }

    @Override
    public Optional<Operand> method(Lowering lowering, String table, String method, Expr.Call call) {
        return methods.call(lowering, tables.get(table), method, call);
    }

    @Override
    public Optional<String> alias(String structure, String member) {
        return Optional.ofNullable(ALIASES.getOrDefault(structure, Map.of()).get(member));
    }

    @Override
    public boolean isPacketHeader(String structure) {
        return switch (structure) {
            case "ethernet_t",
                    "dot1q_t",
                    "arp_t",
                    "ip_t",
                    "ip6_t",
                    "ip6_opt_t",
                    "icmp_t",
                    "icmp6_t",
                    "udp_t",
                    "tcp_t",
                    "vxlan_t",
                    "vxlan_gbp_t" -> true;
            default -> false;
        };
    }

    @Override
    public List<String> methods() {
        return TableMethods.NAMES;
    }

    @Override
    public Stream<String> functions() {
        return FUNCTIONS.stream();
    }

    // Events

    /** Remembers what a table submits: what the argument points to. */
    void event(String table, Lowering l, Expr data) {
        int type = switch (data) {
            case Expr.Cast c -> pointee(l, c.operand());
            default -> pointee(l, data);
        };
        if (l.types.isComposite(type) || l.types.isScalar(type) || l.types.isArray(type)) {
            events.putIfAbsent(table, type);
        }
    }

    private static int pointee(Lowering l, Expr data) {
        int type = l.typeOf(data);
        return l.types.isPointer(type) ? l.types.pointee(type) : type;
    }

    /** Remembers the type whose size is reserved. */
    void reserved(String table, Lowering l, Expr size) {
        switch (size) {
            case Expr.SizeOfType s -> events.putIfAbsent(table, l.types.layout.idOf(s.type()));
            case Expr.SizeOf s -> events.putIfAbsent(table, l.typeOf(s.operand()));
            default -> {}
        }
    }

    // Functions

    @Override
    public Optional<Operand> call(Lowering l, String function, Expr.Call call) {
        var args = call.args();
        return switch (function) {
            case "bpf_usdt_readarg" -> withArgs(l, call, 3, () -> readArgument(l, call));
            case "bpf_usdt_readarg_p" -> withArgs(l, call, 4, () -> readArgumentMemory(l, call));
            case "lock_xadd" ->
                withArgs(l, call, 2, () -> {
                    l.lower(new Expr.Call(call.span(), new Expr.Name(call.span(), "__sync_fetch_and_add"), args));
                    return l.nothing(Types.VOID);
                });
            case "bpf_trace_printk", "bpf_printk" ->
                !args.isEmpty() && args.getFirst() instanceof Expr.StringLiteral
                        ? Optional.of(print(l, call))
                        : Optional.empty();
            case "load_byte" -> withArgs(l, call, 2, () -> load(l, args, 1, "unsigned char"));
            case "load_half" -> withArgs(l, call, 2, () -> load(l, args, 2, "unsigned short"));
            case "load_word" -> withArgs(l, call, 2, () -> load(l, args, 4, "unsigned int"));
            case "load_dword" -> withArgs(l, call, 2, () -> load(l, args, 8, "unsigned long"));
            case "bpf_core_field_exists", "bpf_core_type_exists" ->
                withArgs(
                        l,
                        call,
                        1,
                        () -> l.number(
                                l.types.signedInt,
                                args.getFirst() instanceof Expr.TypeArgument t
                                        ? l.types.size(l.types.layout.idOf(t.type())) > 0 ? 1 : 0
                                        : l.isMeaningful(args.getFirst()) ? 1 : 0));
            case "bpf_core_field_size" ->
                withArgs(l, call, 1, () -> l.number(l.types.unsignedLong, l.types.size(l.typeOf(args.getFirst()))));
            // Only looked at: the helpers themselves are called as any others.
            case "bpf_perf_event_output" -> noted(l, args, 1, 3);
            case "bpf_ringbuf_output" -> noted(l, args, 0, 1);
            case "bpf_ringbuf_reserve" -> {
                if (args.size() > 1) {
                    table(args.getFirst()).ifPresent(table -> reserved(table, l, args.get(1)));
                }
                yield Optional.empty();
            }
            default -> Optional.empty();
        };
    }

    private Optional<Operand> noted(Lowering l, List<Expr> args, int map, int data) {
        if (args.size() > data) {
            table(args.get(map)).ifPresent(table -> event(table, l, args.get(data)));
        }
        return Optional.empty();
    }

    /** The table whose address an argument is. */
    private Optional<String> table(Expr argument) {
        return argument instanceof Expr.Unary u
                        && u.op().equals("&")
                        && u.operand() instanceof Expr.Name n
                        && tables.containsKey(n.name())
                ? Optional.of(n.name())
                : Optional.empty();
    }

    private interface Body {
        Operand lower();
    }

    private static Optional<Operand> withArgs(Lowering l, Expr.Call call, int count, Body body) {
        if (call.args().size() == count) {
            return Optional.of(body.lower());
        }
        l.error(
                call.span(),
                "too " + (call.args().size() < count ? "few" : "many") + " arguments to function call, expected "
                        + count + ", have " + call.args().size());
        return Optional.of(l.nothing(l.types.signedInt));
    }

    private static Operand load(Lowering l, List<Expr> args, int size, String type) {
        var value = l.packetBytes(l.argument(args.get(0)), l.argument(args.get(1)), size);
        return new Scalar(l.types.layout.basic(type), value);
    }

    /** The format lies on the stack; the helper takes three values, a list of words takes more. */
    private static Operand print(Lowering l, Expr.Call call) {
        var args = call.args();
        var format = (Place) l.lower(args.getFirst());
        int size = (int) l.types.size(format.type());
        if (args.size() <= 4) {
            var values = new Value[args.size() + 1];
            for (int i = 1; i < args.size(); i++) {
                values[i + 1] = l.argument(args.get(i));
            }
            l.at(call.span());
            values[0] = format.base();
            values[1] = l.b.i64(size);
            var result = l.b.helper(Type.I64, Helper.TRACE_PRINTK, values);
            return new Scalar(l.types.signedInt, l.b.trunc(Type.I32, result));
        }
        var words = l.b.slot(8 * (args.size() - 1), "values");
        for (int i = 1; i < args.size(); i++) {
            var value = l.argument(args.get(i));
            l.b.store(MemSize.DW, words, 8 * (i - 1), value.type().isPointer() ? l.b.ptrToInt(value) : value);
        }
        l.at(call.span());
        var result = l.b.helper(
                Type.I64, Helper.TRACE_VPRINTK, format.base(), l.b.i64(size), words, l.b.i64(8L * (args.size() - 1)));
        return new Scalar(l.types.signedInt, l.b.trunc(Type.I32, result));
    }

    // Static probes

    private Optional<UsdtArgument> usdt(Lowering l, Expr.Call call) {
        var index = l.constantOf(call.args().getFirst());
        if (index.isEmpty()) {
            l.error(call.args().getFirst().span(), "the number of the argument must be a constant");
            return Optional.empty();
        }
        int at = (int) (index.get() - 1);
        if (!arguments.isEmpty() && (at < 0 || at >= arguments.size())) {
            l.error(
                    call.span(),
                    "the static probe has " + arguments.size() + " arguments, there is no argument " + index.get());
        }
        return at >= 0 && at < arguments.size() ? Optional.of(arguments.get(at)) : Optional.empty();
    }

    private Operand readArgument(Lowering l, Expr.Call call) {
        var argument = usdt(l, call);
        var target = l.pointee(call.args().get(2));
        var value = argument.map(a -> value(l, a, call)).orElseGet(() -> l.b.i64(0));
        int type = argument.filter(UsdtArgument::signed).isPresent() ? l.types.signedLong : l.types.unsignedLong;
        if (l.types.isScalar(target.type())) {
            l.store(target, l.arithmeticConvert(new Scalar(type, value), target.type()));
        } else {
            l.store(target.as(type), new Scalar(type, value));
        }
        return l.number(l.types.signedInt, 0);
    }

    private Operand readArgumentMemory(Lowering l, Expr.Call call) {
        var argument = usdt(l, call);
        var address = argument.map(a -> value(l, a, call)).orElseGet(() -> l.b.i64(0));
        var buffer = l.argument(call.args().get(2));
        var size = l.argument(call.args().get(3));
        var result = l.b.helper(Type.I64, Helper.PROBE_READ_USER, buffer, size, address);
        return new Scalar(l.types.signedInt, l.b.trunc(Type.I32, result));
    }

    private Value value(Lowering l, UsdtArgument argument, Expr.Call call) {
        var context = l.argument(call.args().get(1));
        var raw = switch (argument.place()) {
            case Constant c -> l.b.i64(c.value());
            case Register r -> register(l, context, r.name(), call);
            case Memory m -> memory(l, context, m, argument.sizeBytes(), call);
            case Unreadable u -> {
                l.error(call.span(), "the argument at '" + u.text() + "' cannot be read");
                yield l.b.i64(0);
            }
        };
        if (argument.sizeBytes() == 8) {
            return raw;
        }
        var narrow = l.b.trunc(Type.ofBytes(argument.sizeBytes()), raw);
        return l.b.resize(Type.I64, argument.signed(), narrow);
    }

    private Value register(Lowering l, Value context, String name, Expr.Call call) {
        var offset = Registers.named(arch, name);
        if (offset.isEmpty() && arch == Arch.X86_64 && name.startsWith("r")) {
            offset = Registers.named(arch, name.substring(1));
        }
        if (offset.equals(OptionalInt.empty())) {
            l.error(call.span(), "there is no register '" + name + "'");
            return l.b.i64(0);
        }
        return l.b.load(Type.I64, context, offset.getAsInt());
    }

    private Value memory(Lowering l, Value context, Memory m, int size, Expr.Call call) {
        var address = l.b.binary(BinaryOp.ADD, register(l, context, m.base(), call), m.offset());
        if (!m.index().isEmpty()) {
            var index = l.b.binary(BinaryOp.MUL, register(l, context, m.index(), call), m.scale());
            address = l.b.add(address, index);
        }
        var memory = l.b.slot(8, "argument");
        l.b.zero(memory, 0, 8);
        l.b.helper(Type.I64, Helper.PROBE_READ_USER, memory, l.b.i64(size), address);
        return l.b.load(Type.I64, memory, 0);
    }
}
