package skep.c.bcc;

import java.util.List;
import java.util.Optional;
import skep.c.bcc.TableMacros.Declared;
import skep.c.check.Types;
import skep.c.lower.Lowering;
import skep.c.lower.Operand;
import skep.c.lower.Operand.Place;
import skep.c.lower.Operand.Scalar;
import skep.c.parse.Expr;
import skep.ir.BinaryOp;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.Region;
import skep.ir.Type;
import skep.ir.Value;
import skep.isa.AtomicOp;
import skep.isa.kernel.Helper;
import skep.isa.kernel.MapFlags;

/** The methods of tables: {@code counts.increment(key)}. Each becomes calls of helpers. */
final class TableMethods {
    /** {@code BPF_F_CURRENT_CPU}. */
    private static final long CURRENT_CPU = 0xffff_ffffL;

    /** For the hint when one is mistyped. */
    static final List<String> NAMES = List.of(
            "lookup",
            "lookup_or_try_init",
            "lookup_or_init",
            "update",
            "insert",
            "delete",
            "increment",
            "atomic_increment",
            "perf_submit",
            "perf_submit_skb",
            "perf_read",
            "perf_counter_value",
            "ringbuf_output",
            "ringbuf_reserve",
            "ringbuf_submit",
            "ringbuf_discard",
            "ringbuf_query",
            "get_stackid",
            "call",
            "redirect_map",
            "check_current_task",
            "sock_map_update",
            "sock_hash_update",
            "msg_redirect_map",
            "sk_redirect_map",
            "msg_redirect_hash",
            "sk_redirect_hash",
            "push",
            "pop",
            "peek",
            "sk_storage_get",
            "inode_storage_get",
            "task_storage_get",
            "sk_storage_delete",
            "inode_storage_delete",
            "task_storage_delete",
            "get_local_storage");

    private final BccDialect dialect;

    TableMethods(BccDialect dialect) {
        this.dialect = dialect;
    }

    Optional<Operand> call(Lowering l, Declared table, String method, Expr.Call call) {
        return new OneCall(l, table, method, call).lower();
    }

    private final class OneCall {
        private final Lowering l;
        private final FunctionBuilder b;
        private final Types types;
        private final Declared table;
        private final String method;
        private final Expr.Call call;
        private final List<Expr> args;

        OneCall(Lowering l, Declared table, String method, Expr.Call call) {
            this.l = l;
            this.b = l.b;
            this.types = l.types;
            this.table = table;
            this.method = method;
            this.call = call;
            this.args = call.args();
        }

        Optional<Operand> lower() {
            return switch (method) {
                case "lookup" -> with(1, 1, () -> leaf(lookup(argument(0))));
                case "lookup_or_try_init" -> with(2, 2, () -> lookupOrInit(false));
                case "lookup_or_init" -> with(2, 2, () -> lookupOrInit(true));
                case "update" -> with(2, 3, () -> update(MapFlags.ANY));
                case "insert" -> with(2, 3, () -> update(MapFlags.NOEXIST));
                case "delete" -> with(1, 1, () -> number(Helper.MAP_DELETE_ELEM, map(), argument(0)));
                case "increment" -> with(1, 2, () -> increment(false));
                case "atomic_increment" -> with(1, 2, () -> increment(true));
                case "perf_submit" -> with(3, 3, this::perfSubmit);
                case "perf_submit_skb" -> with(4, 4, this::perfSubmitPacket);
                case "perf_read" -> with(1, 1, this::perfRead);
                case "perf_counter_value" ->
                    with(
                            3,
                            3,
                            () -> number(Helper.PERF_EVENT_READ_VALUE, map(), argument(0), argument(1), argument(2)));
                case "ringbuf_output" -> with(3, 3, this::ringbufOutput);
                case "ringbuf_reserve" -> with(1, 1, this::ringbufReserve);
                case "ringbuf_submit" -> with(2, 2, () -> ringbufEnd(Helper.RINGBUF_SUBMIT));
                case "ringbuf_discard" -> with(2, 2, () -> ringbufEnd(Helper.RINGBUF_DISCARD));
                case "ringbuf_query" -> with(1, 1, () -> wide(Helper.RINGBUF_QUERY, map(), argument(0)));
                case "get_stackid" -> with(2, 2, () -> number(Helper.GET_STACKID, argument(0), map(), argument(1)));
                case "call" -> with(2, 2, () -> number(Helper.TAIL_CALL, argument(0), map(), argument(1)));
                case "redirect_map" -> with(2, 2, () -> number(Helper.REDIRECT_MAP, map(), argument(0), argument(1)));
                case "check_current_task" ->
                    with(1, 1, () -> number(Helper.CURRENT_TASK_UNDER_CGROUP, map(), argument(0)));
                case "sock_map_update" ->
                    with(3, 3, () -> number(Helper.SOCK_MAP_UPDATE, argument(0), map(), argument(1), argument(2)));
                case "sock_hash_update" ->
                    with(3, 3, () -> number(Helper.SOCK_HASH_UPDATE, argument(0), map(), argument(1), argument(2)));
                case "msg_redirect_map" -> redirect(Helper.MSG_REDIRECT_MAP);
                case "sk_redirect_map" -> redirect(Helper.SK_REDIRECT_MAP);
                case "msg_redirect_hash" -> redirect(Helper.MSG_REDIRECT_HASH);
                case "sk_redirect_hash" -> redirect(Helper.SK_REDIRECT_HASH);
                case "push" -> with(1, 2, () -> number(Helper.MAP_PUSH_ELEM, map(), argument(0), flags(1)));
                case "pop" -> with(1, 1, () -> number(Helper.MAP_POP_ELEM, map(), argument(0)));
                case "peek" -> with(1, 1, () -> number(Helper.MAP_PEEK_ELEM, map(), argument(0)));
                case "sk_storage_get" -> with(3, 3, () -> storage(Helper.SK_STORAGE_GET));
                case "inode_storage_get" -> with(3, 3, () -> storage(Helper.INODE_STORAGE_GET));
                case "task_storage_get" -> with(3, 3, () -> storage(Helper.TASK_STORAGE_GET));
                case "sk_storage_delete" -> with(1, 1, () -> number(Helper.SK_STORAGE_DELETE, map(), argument(0)));
                case "inode_storage_delete" ->
                    with(1, 1, () -> number(Helper.INODE_STORAGE_DELETE, map(), argument(0)));
                case "task_storage_delete" -> with(1, 1, () -> number(Helper.TASK_STORAGE_DELETE, map(), argument(0)));
                case "get_local_storage" ->
                    with(
                            1,
                            1,
                            () -> leaf(generic(b.helper(
                                    Type.ptr(Region.MAP_VALUE), Helper.GET_LOCAL_STORAGE, map(), argument(0)))));
                default -> Optional.empty();
            };
        }

        private interface Body {
            Operand lower();
        }

        private Optional<Operand> with(int least, int most, Body body) {
            if (args.size() < least || args.size() > most) {
                l.error(
                        call.span(),
                        "too " + (args.size() < least ? "few" : "many") + " arguments to function call, expected "
                                + least + ", have " + args.size());
                return Optional.of(l.nothing(types.signedInt));
            }
            return Optional.of(body.lower());
        }

        private Value map() {
            return b.mapRef(table.name());
        }

        private Value argument(int index) {
            var value = l.argument(args.get(index));
            l.at(call.span());
            return value;
        }

        private Value flags(int index) {
            return index < args.size() ? argument(index) : b.i64(0);
        }

        private Value generic(Value pointer) {
            return Lowering.generic(b, pointer);
        }

        private Operand number(Helper helper, Value... values) {
            return new Scalar(types.signedInt, b.trunc(Type.I32, b.helper(Type.I64, helper, values)));
        }

        private Operand wide(Helper helper, Value... values) {
            return new Scalar(types.unsignedLong, b.helper(Type.I64, helper, values));
        }

        private Operand leaf(Value address) {
            return new Scalar(types.pointerTo(table.leaf()), address);
        }

        private Value lookup(Value key) {
            return generic(b.lookup(table.name(), key));
        }

        private Operand lookupOrInit(boolean orReturn) {
            var key = argument(0);
            var first = lookup(key);
            var missing = b.newBlock();
            var after = b.newBlock(Lowering.generic(b, first).type());
            b.branch(b.compare(CompareOp.EQ, first, 0), missing, List.of(), after, List.of(first));
            b.enter(missing);
            var value = argument(1);
            b.helper(Type.I64, Helper.MAP_UPDATE_ELEM, map(), key, value, b.i64(MapFlags.NOEXIST));
            b.jump(after, lookup(key));
            b.enter(after);
            if (orReturn) {
                var gone = b.newBlock();
                var here = b.newBlock();
                b.branch(b.compare(CompareOp.EQ, after.param(0), 0), gone, here);
                b.enter(gone);
                b.ret(b.i64(0));
                b.enter(here);
            }
            return leaf(after.param(0));
        }

        private Operand update(long flags) {
            var chosen = args.size() > 2 ? argument(2) : b.i64(flags);
            return number(Helper.MAP_UPDATE_ELEM, map(), argument(0), argument(1), chosen);
        }

        /** Adds to the value of a key, which is given as a value. */
        private Operand increment(boolean atomic) {
            var key = l.inMemory(args.getFirst(), table.key(), "key");
            if (types.isComposite(key.type()) && key.bits() == 0) {
                key = copied(key);
            }
            var keyAddress = l.address(key);
            int leaf = table.leaf();
            if (!types.isInteger(leaf)) {
                l.error(
                        call.span(),
                        "the values of '" + table.name() + "' are '" + types.name(leaf)
                                + "', which cannot be incremented");
                return l.nothing(types.signedInt);
            }
            var amount = args.size() > 1 ? ((Scalar) l.converted(args.get(1), leaf)).value() : l.constant(leaf, 1);
            var found = lookup(keyAddress);
            var missing = b.newBlock();
            var there = b.newBlock();
            var after = b.newBlock();
            b.branch(b.compare(CompareOp.EQ, found, 0), missing, there);
            b.enter(there);
            if (atomic && types.size(leaf) >= 4) {
                b.atomic(AtomicOp.ADD, found, 0, amount);
            } else {
                var old = b.load(amount.type(), found, 0);
                b.store(found, 0, added(old, amount));
            }
            b.jump(after);
            b.enter(missing);
            var fresh = l.temporary("value", leaf);
            b.store(fresh.base(), 0, amount);
            b.helper(Type.I64, Helper.MAP_UPDATE_ELEM, map(), keyAddress, fresh.base(), b.i64(MapFlags.NOEXIST));
            b.jump(after);
            b.enter(after);
            return l.nothing(Types.VOID);
        }

        private Value added(Value a, Value c) {
            if (a.type().bits() >= 32) {
                return b.add(a, c);
            }
            return b.trunc(a.type(), b.binary(BinaryOp.ADD, b.zext(Type.I32, a), b.zext(Type.I32, c)));
        }

        /** A key in kernel memory cannot be handed to helpers. */
        private Place copied(Place key) {
            if (key.base().type().isPointerTo(Region.STACK)) {
                return key;
            }
            var copy = l.temporary("key", key.type());
            l.store(copy, key);
            return copy;
        }

        // Events

        private void sees(Expr data) {
            dialect.event(table.name(), l, data);
        }

        private Operand perfSubmit() {
            sees(args.get(1));
            return number(Helper.PERF_EVENT_OUTPUT, argument(0), map(), b.i64(CURRENT_CPU), argument(1), argument(2));
        }

        private Operand perfSubmitPacket() {
            sees(args.get(2));
            var length = b.binary(BinaryOp.SHL, argument(1), 32);
            var flags = b.binary(BinaryOp.OR, length, CURRENT_CPU);
            return number(Helper.PERF_EVENT_OUTPUT, argument(0), map(), flags, argument(2), argument(3));
        }

        private Operand perfRead() {
            return wide(Helper.PERF_EVENT_READ, map(), argument(0));
        }

        private Operand ringbufOutput() {
            sees(args.getFirst());
            return number(Helper.RINGBUF_OUTPUT, map(), argument(0), argument(1), argument(2));
        }

        private Operand ringbufReserve() {
            dialect.reserved(table.name(), l, args.getFirst());
            var memory = b.helper(Type.nullable(Region.RINGBUF), Helper.RINGBUF_RESERVE, map(), argument(0), b.i64(0));
            return new Scalar(types.voidPointer, generic(memory));
        }

        private Operand ringbufEnd(Helper helper) {
            sees(args.getFirst());
            b.helper(Type.I64, helper, argument(0), argument(1));
            return l.nothing(Types.VOID);
        }

        private Optional<Operand> redirect(Helper helper) {
            return with(3, 3, () -> number(helper, argument(0), map(), argument(1), argument(2)));
        }

        private Operand storage(Helper helper) {
            var value = b.helper(Type.nullable(Region.MAP_VALUE), helper, map(), argument(0), argument(1), argument(2));
            return leaf(generic(value));
        }
    }
}
