package skep.c.lower;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.btf.BtfType;
import skep.c.check.NearestName;
import skep.c.check.Types;
import skep.c.lower.Operand.PacketPlace;
import skep.c.lower.Operand.Place;
import skep.c.lower.Operand.Scalar;
import skep.c.parse.Expr;
import skep.ir.BinaryOp;
import skep.ir.FunctionBuilder;
import skep.ir.FunctionBuilder.Label;
import skep.ir.Region;
import skep.ir.Type;
import skep.ir.Value;
import skep.source.Span;

/** Expressions: names, members, pointers, assignment, conditions. */
final class Expressions {
    private final Lowering lowering;
    private final FunctionBuilder b;
    private final Types types;

    Expressions(Lowering lowering) {
        this.lowering = lowering;
        this.b = lowering.b;
        this.types = lowering.types;
    }

    Operand lower(Expr expr) {
        lowering.at(expr.span());
        return switch (expr) {
            case Expr.IntLiteral e -> lowering.number(typeOf(e), e.value());
            case Expr.CharLiteral e -> lowering.number(types.signedInt, e.value());
            case Expr.StringLiteral e -> string(e);
            case Expr.Name e -> name(e);
            case Expr.Unary e -> unary(e);
            case Expr.Postfix e -> step(e.operand(), e.op(), true, e.span());
            case Expr.Binary e -> binary(e);
            case Expr.Assign e -> assign(e);
            case Expr.Conditional e -> conditional(e);
            case Expr.Cast e -> cast(e);
            case Expr.SizeOf e -> lowering.number(types.unsignedLong, sizeOf(e.operand()));
            case Expr.SizeOfType e -> lowering.number(types.unsignedLong, types.size(types.layout.idOf(e.type())));
            case Expr.AlignOf e -> lowering.number(types.unsignedLong, types.layout.align(types.layout.idOf(e.type())));
            case Expr.Index e -> index(e);
            case Expr.Call e -> lowering.builtins.call(e);
            case Expr.Member e -> member(e);
            case Expr.CompoundLiteral e -> compound(e);
            case Expr.Statements e -> statements(e);
            case Expr.OffsetOf e ->
                lowering.number(types.unsignedLong, types.layout.constant(e).orElseGet(() -> {
                    lowering.error(e.span(), "no such member in '" + types.name(types.layout.idOf(e.type())) + "'");
                    return 0L;
                }));
            case Expr.TypesCompatible e ->
                lowering.number(
                        types.signedInt, types.same(types.layout.idOf(e.a()), types.layout.idOf(e.b())) ? 1 : 0);
            case Expr.TypeArgument e -> lowering.nothing(types.layout.idOf(e.type()));
            case Expr.Missing e -> lowering.nothing(types.signedInt);
        };
    }

    /** For its effect. */
    void discard(Expr expr) {
        lower(expr);
    }

    private int typeOf(Expr.IntLiteral e) {
        boolean fitsInt = e.longs() == 0 && e.value() == (int) e.value() && e.value() >= 0;
        boolean fitsUnsigned = e.longs() == 0 && e.value() >>> 32 == 0;
        if (e.unsigned() && e.value() >= 0) {
            return fitsUnsigned ? types.unsignedInt : types.unsignedLong;
        }
        if (fitsInt) {
            return types.signedInt;
        }
        if (fitsUnsigned && !e.decimal()) {
            return types.unsignedInt;
        }
        return e.value() < 0 || e.unsigned() ? types.unsignedLong : types.signedLong;
    }

    private long sizeOf(Expr operand) {
        if (operand instanceof Expr.StringLiteral s) {
            return s.bytes().length + 1L;
        }
        return types.size(lowering.silently(() -> lower(operand).type()));
    }

    private Operand string(Expr.StringLiteral e) {
        int type = types.layout.share(new BtfType.Array(types.character, types.unsignedInt, e.bytes().length + 1));
        var place = lowering.temporary("string", type);
        lowering.initializers.text(place, e.bytes());
        return place;
    }

    private Operand name(Expr.Name e) {
        var variable = lowering.find(e.name());
        if (variable.isPresent()) {
            return variable.get().operand();
        }
        var global = lowering.unit.globals().get(e.name());
        if (global != null) {
            return global(global);
        }
        var table = lowering.dialect.name(e.name());
        if (table.isPresent()) {
            return table.get();
        }
        if (lowering.unit.functions().containsKey(e.name())) {
            return new Operand.FunctionName(e.name());
        }
        var constant = types.layout.enumerator(e.name());
        if (constant.isPresent()) {
            long number = constant.get();
            int type = number == (int) number
                    ? types.signedInt
                    : number >>> 32 == 0 ? types.unsignedInt : types.signedLong;
            return lowering.number(type, number);
        }
        var names = new ArrayList<String>();
        lowering.frame().scopes.forEach(s -> names.addAll(s.keySet()));
        names.addAll(lowering.unit.functions().keySet());
        lowering.error(
                e.span(), "use of undeclared identifier '" + e.name() + "'" + NearestName.suffix(e.name(), names));
        return lowering.mistaken();
    }

    private Operand global(Unit.Global global) {
        if (global.constant()) {
            var place = lowering.temporary(global.declarator().name(), global.type());
            lowering.initializers.initialize(
                    place, global.declarator().initializer().orElseThrow());
            return place;
        }
        return new Place(global.type(), b.mapValueRef(global.map(), 0), 0);
    }

    // Values of places

    /** A scalar, or the place of a structure; an array or function becomes a pointer. */
    Operand value(Operand operand) {
        return switch (operand) {
            case Scalar s -> s;
            case PacketPlace p -> packet(p);
            case Place p
            when types.isArray(p.type()) -> new Scalar(types.pointerTo(types.pointee(p.type())), lowering.address(p));
            case Place p when types.isScalar(p.type()) -> load(p);
            case Place p -> p;
            case Operand.Table t -> new Scalar(types.voidPointer, b.mapRef(t.name()));
            case Operand.FunctionName f -> new Scalar(types.voidPointer, b.functionRef(f.name()));
        };
    }

    Scalar load(Place place) {
        var near = near(place);
        int size = (int) types.size(place.type());
        if (place.bits() > 0) {
            var unit = b.load(Type.ofBytes(size), near.base(), (int) near.offset());
            int held = Math.max(32, 8 * size);
            var wide = b.zext(held == 64 ? Type.I64 : Type.I32, unit);
            var left = b.binary(BinaryOp.SHL, wide, held - place.bitOffset() - place.bits());
            boolean signed = types.signed(place.type());
            var value = b.binary(signed ? BinaryOp.ASHR : BinaryOp.LSHR, left, held - place.bits());
            // C11 6.3.1.1: what fits an int is promoted to one.
            boolean fits = place.bits() < 32 || place.bits() == 32 && signed;
            int type = fits ? types.signedInt : place.type();
            return new Scalar(type, b.trunc(types.ir(type), value));
        }
        return new Scalar(place.type(), b.load(types.ir(place.type()), near.base(), (int) near.offset()));
    }

    /** The place with an offset that an instruction can hold. */
    Place near(Place place) {
        if (place.offset() == (short) place.offset()) {
            return place;
        }
        return new Place(place.type(), lowering.address(place), 0, place.bitOffset(), place.bits());
    }

    /** Reads from the packet by the helper and turns network order into the machine's. */
    private Operand packet(PacketPlace p) {
        int size = (int) types.size(p.type());
        if (size > 8 || !types.isInteger(p.type())) {
            return new Scalar(types.pointerTo(p.type()), b.intToPtr(Region.GENERIC, p.offset()));
        }
        var value = lowering.builtins.packetBytes(p.offset(), size);
        if (p.bits() > 0) {
            var wide = b.zext(Type.I64, value);
            // Bit-fields count from the most significant bit of the bytes in network order.
            var low = b.binary(BinaryOp.LSHR, wide, 8L * size - p.bitOffset() - p.bits());
            value = b.trunc(value.type(), b.binary(BinaryOp.AND, low, p.bits() == 64 ? -1 : (1L << p.bits()) - 1));
        }
        return new Scalar(p.type(), value);
    }

    void store(Place target, Operand value) {
        var place = near(target);
        switch (value) {
            case Scalar s when place.bits() > 0 -> storeBits(place, s);
            case Scalar s when types.isWide(place.type()) -> lowering.arithmetic.storeWide(place, s);
            case Scalar s -> b.store(place.base(), (int) place.offset(), held(s, place.type()));
            case Place p -> {
                var from = near(p);
                int size = (int) types.size(place.type());
                int align = Math.min(alignment(place), alignment(from));
                b.copy(place.base(), (int) place.offset(), from.base(), (int) from.offset(), size, align);
            }
            default -> throw new IllegalStateException("not a value: " + value);
        }
    }

    /** The value with the width that memory of this type has. */
    private Value held(Scalar s, int type) {
        var value = s.value();
        if (value.type().isPointer()) {
            return Lowering.generic(b, value);
        }
        if (types.ir(type).isPointer()) {
            return b.intToPtr(Region.GENERIC, b.zext(Type.I64, value));
        }
        return b.resize(types.ir(type), false, value);
    }

    private void storeBits(Place place, Scalar s) {
        int size = (int) types.size(place.type());
        var held = size == 8 ? Type.I64 : Type.I32;
        long mask = place.bits() == 64 ? -1 : (1L << place.bits()) - 1;
        var old = b.zext(held, b.load(Type.ofBytes(size), place.base(), (int) place.offset()));
        var cleared = b.binary(BinaryOp.AND, old, ~(mask << place.bitOffset()));
        var wide = b.resize(held, false, s.value());
        var moved = b.binary(BinaryOp.SHL, b.binary(BinaryOp.AND, wide, mask), place.bitOffset());
        var joined = b.trunc(Type.ofBytes(size), b.binary(BinaryOp.OR, cleared, moved));
        b.store(place.base(), (int) place.offset(), joined);
    }

    /** What is known of the alignment of a place. */
    int alignment(Place place) {
        int align = place.base().type().isPointerTo(Region.STACK) ? 8 : types.layout.align(place.type());
        long offset = place.offset();
        return offset == 0 ? Math.min(8, align) : (int) Math.min(Math.min(8, align), Long.lowestOneBit(offset));
    }

    // Conversions

    /** The value of an expression as if it were assigned to this type. */
    Operand converted(Expr expr, int type, String what, String parameter) {
        if (expr instanceof Expr.IntLiteral i && i.value() == 0 && types.isPointer(type)) {
            return lowering.number(type, 0);
        }
        return convert(value(lower(expr)), type, expr.span(), what, parameter);
    }

    Operand convert(Operand operand, int type, Span span, String what, String parameter) {
        if (types.isVoid(type)) {
            return lowering.nothing(type);
        }
        if (operand instanceof Place p) {
            if (types.same(p.type(), type)) {
                return p;
            }
            if (types.isWide(p.type()) && types.isScalar(type)) {
                var near = near(p);
                var low = b.load(Type.I64, near.base(), (int) near.offset());
                return convert(new Scalar(types.unsignedLong, low), type, span, what, parameter);
            }
            if (types.isWide(p.type()) && types.isWide(type)) {
                return p.as(type);
            }
            mismatch(p.type(), type, span, what);
            return lowering.nothing(type);
        }
        var s = (Scalar) operand;
        if (lowering.isMistaken(s)) {
            return lowering.nothing(type);
        }
        if (types.isVoid(s.type()) || !types.isScalar(type) && !types.isWide(type)) {
            mismatch(s.type(), type, span, what);
            return lowering.nothing(type);
        }
        if (types.isWide(type)) {
            var place = lowering.temporary("wide", type);
            lowering.arithmetic.storeWide(place, s);
            return place;
        }
        return lowering.arithmetic.convert(s, type);
    }

    private void mismatch(int from, int to, Span span, String what) {
        var verb = switch (what) {
            case "passing" ->
                "passing '" + types.name(from) + "' to parameter of incompatible type '" + types.name(to) + "'";
            case "returning" ->
                "returning '" + types.name(from) + "' from a function with incompatible result type '" + types.name(to)
                        + "'";
            case "initializing" ->
                "initializing '" + types.name(to) + "' with an expression of incompatible type '" + types.name(from)
                        + "'";
            default -> "assigning to '" + types.name(to) + "' from incompatible type '" + types.name(from) + "'";
        };
        lowering.error(span, verb);
    }

    private Operand cast(Expr.Cast e) {
        int type = types.layout.idOf(e.type());
        if (types.isVoid(type)) {
            discard(e.operand());
            return lowering.nothing(Types.VOID);
        }
        if (e.operand() instanceof Expr.IntLiteral i && i.value() == 0 && types.isPointer(type)) {
            return lowering.number(type, 0);
        }
        var operand = lower(e.operand());
        if (operand instanceof PacketPlace p && !types.isScalar(p.type())) {
            return new Scalar(
                    type, lowering.arithmetic.convert((Scalar) value(p), type).value());
        }
        return convert(value(operand), type, e.span(), "assigning", "");
    }

    // Pointers and members

    private Operand unary(Expr.Unary e) {
        return switch (e.op()) {
            case "&" -> addressOf(e);
            case "*" -> {
                var pointer = value(lower(e.operand()));
                yield dereference(pointer, e.span());
            }
            case "++", "--" -> step(e.operand(), e.op(), false, e.span());
            case "!" -> {
                var truth = truth(e.operand());
                yield new Scalar(types.signedInt, b.not(truth));
            }
            default -> lowering.arithmetic.unary(e.op(), value(lower(e.operand())), e.span());
        };
    }

    private Operand addressOf(Expr.Unary e) {
        var operand = lower(e.operand());
        return switch (operand) {
            case Place p
            when p.bits() > 0 -> {
                lowering.error(e.span(), "address of bit-field requested");
                yield lowering.nothing(types.pointerTo(p.type()));
            }
            case Place p -> new Scalar(types.pointerTo(p.type()), lowering.address(p));
            case PacketPlace p -> new Scalar(types.pointerTo(p.type()), b.intToPtr(Region.GENERIC, p.offset()));
            case Operand.Table t -> value(t);
            case Operand.FunctionName f -> value(f);
            case Scalar s when lowering.isMistaken(s) -> lowering.nothing(types.voidPointer);
            case Scalar s
            when e.operand() instanceof Expr.Name -> {
                // A parameter that the function does not change: memory with its value.
                var place = lowering.temporary("parameter", s.type());
                store(place, s);
                yield new Scalar(types.pointerTo(s.type()), place.base());
            }
            case Scalar s -> {
                lowering.error(e.span(), "cannot take the address of an rvalue of type '" + types.name(s.type()) + "'");
                yield lowering.nothing(types.pointerTo(s.type()));
            }
        };
    }

    /** What a pointer points to. */
    Operand dereference(Operand pointer, Span span) {
        if (lowering.isMistaken(pointer)) {
            return pointer;
        }
        if (!(pointer instanceof Scalar s) || !types.isPointer(s.type())) {
            lowering.error(span, "indirection requires pointer operand ('" + types.name(pointer.type()) + "' invalid)");
            return lowering.mistaken();
        }
        int type = types.pointee(s.type());
        if (types.of(type) instanceof BtfType.Composite c && lowering.dialect.isPacketHeader(c.name())) {
            return new PacketPlace(type, b.ptrToInt(s.value()), 0, 0);
        }
        return new Place(type, s.value(), 0);
    }

    private Operand index(Expr.Index e) {
        var base = lower(e.array());
        var index = lower(e.index());
        if (base instanceof Place p && types.isArray(p.type())) {
            int element = types.pointee(p.type());
            if (value(index) instanceof Scalar i && !i.value().type().isPointer()) {
                var constant = lowering.constantOf(e.index());
                if (constant.isPresent()) {
                    return new Place(element, p.base(), p.offset() + constant.get() * types.size(element));
                }
                var offset = lowering.arithmetic.scaled(i, types.size(element));
                return new Place(element, b.ptrAdd(lowering.address(p), offset), 0);
            }
        }
        if (base instanceof PacketPlace p && types.isArray(p.type())) {
            int element = types.pointee(p.type());
            var offset = lowering.arithmetic.scaled((Scalar) value(index), types.size(element));
            return new PacketPlace(element, b.add(p.offset(), offset), 0, 0);
        }
        var left = value(base);
        var right = value(index);
        if (types.isPointer(left.type()) || types.isPointer(right.type())) {
            return dereference(lowering.arithmetic.binary("+", left, right, e.span()), e.span());
        }
        lowering.error(e.span(), "subscripted value is not an array, pointer, or vector");
        return lowering.nothing(types.signedInt);
    }

    private Operand member(Expr.Member e) {
        var base = lower(e.base());
        if (e.arrow()) {
            var pointer = value(base);
            if (lowering.isMistaken(pointer)) {
                return pointer;
            }
            if (types.isComposite(pointer.type())) {
                lowering.error(
                        e.span(),
                        "member reference type '" + types.name(pointer.type())
                                + "' is not a pointer; did you mean to use '.'?");
                return lowering.mistaken();
            }
            if (!types.isPointer(pointer.type())) {
                lowering.error(e.span(), "member reference type '" + types.name(pointer.type()) + "' is not a pointer");
                return lowering.mistaken();
            }
            base = dereference(pointer, e.span());
        } else if (types.isPointer(base.type())) {
            lowering.error(
                    e.span(),
                    "member reference type '" + types.name(base.type()) + "' is a pointer; did you mean to use '->'?");
            return lowering.mistaken();
        }
        return select(base, e.name(), nameSpan(e));
    }

    /** The member's name, behind the dot or arrow. */
    private static Span nameSpan(Expr.Member e) {
        var span = e.span();
        int start = span.end() - e.name().length();
        return start > span.start() && span.source().text().startsWith(e.name(), start)
                ? span.source().span(start, span.end())
                : span;
    }

    /** A member of a structure. */
    Operand select(Operand base, String name, Span span) {
        if (lowering.isMistaken(base)) {
            return base;
        }
        int type = base.type();
        if (types.isIncomplete(type)) {
            lowering.error(span, "incomplete definition of type '" + types.name(type) + "'");
            return lowering.mistaken();
        }
        if (!(types.of(type) instanceof BtfType.Composite composite)) {
            lowering.error(span, "member reference base type '" + types.name(type) + "' is not a structure or union");
            return lowering.mistaken();
        }
        var field = types.field(type, name);
        if (field.isEmpty()) {
            var alias = lowering.dialect.alias(composite.name(), name);
            if (alias.isPresent()) {
                var at = base;
                for (var part : alias.get().split("\\.")) {
                    at = select(at, part, span);
                }
                return at;
            }
            var names = composite.members().stream().map(BtfType.Member::name).toList();
            lowering.error(
                    span,
                    "no member named '" + name + "' in '" + types.name(type) + "'" + NearestName.suffix(name, names));
            return lowering.mistaken();
        }
        var f = field.get();
        if (base instanceof PacketPlace p) {
            var at = b.binary(BinaryOp.ADD, p.offset(), f.offsetBits() / 8);
            return f.bits() > 0
                    ? new PacketPlace(f.type(), at, (int) (f.offsetBits() % 8), f.bits())
                    : new PacketPlace(f.type(), at, 0, 0);
        }
        var place = (Place) base;
        if (f.bits() == 0) {
            return new Place(f.type(), place.base(), place.offset() + f.offsetBits() / 8);
        }
        return bitField(place, f);
    }

    /** A bit-field in the unit of its type that holds it; wider units where it crosses one in a packed structure. */
    private Place bitField(Place place, Types.Field f) {
        long unit = 8 * types.size(f.type());
        long start = f.offsetBits() / unit * unit;
        int type = f.type();
        if (f.offsetBits() + f.bits() > start + unit) {
            type = types.signed(type) ? types.signedLong : types.unsignedLong;
            start = f.offsetBits() / 8 * 8;
        }
        return new Place(type, place.base(), place.offset() + start / 8, (int) (f.offsetBits() - start), f.bits());
    }

    private Operand compound(Expr.CompoundLiteral e) {
        int type = lowering.initializers.completed(types.layout.idOf(e.type()), e.value());
        var place = lowering.temporary("literal", type);
        lowering.initializers.initialize(place, e.value());
        return place;
    }

    private Operand statements(Expr.Statements e) {
        var frame = lowering.frame();
        frame.scopes.push(new java.util.HashMap<>());
        Operand last = lowering.nothing(Types.VOID);
        var list = e.block().statements();
        for (int i = 0; i < list.size(); i++) {
            if (i == list.size() - 1 && list.get(i) instanceof skep.c.parse.Stmt.Evaluate s) {
                last = value(lower(s.expr()));
            } else {
                lowering.statements.lower(list.get(i));
            }
        }
        frame.scopes.pop();
        return last;
    }

    // Assignment

    private Operand assign(Expr.Assign e) {
        var target = lower(e.target());
        if (!(target instanceof Place place)) {
            discard(e.value());
            if (lowering.isMistaken(target)) {
                return target;
            }
            lowering.error(e.span(), "expression is not assignable");
            return lowering.nothing(target.type());
        }
        if (types.isArray(place.type())) {
            lowering.error(e.span(), "array type '" + types.name(place.type()) + "' is not assignable");
            return place;
        }
        Operand value;
        if (e.op().isEmpty()) {
            value = converted(e.value(), place.type(), "assigning", "");
        } else {
            var right = value(lower(e.value()));
            var result = lowering.arithmetic.binary(e.op(), value(place), right, e.span());
            value = convert(result, place.type(), e.span(), "assigning", "");
        }
        lowering.at(e.span());
        store(place, value);
        if (place.bits() > 0) {
            return load(place);
        }
        return value instanceof Scalar s ? new Scalar(place.type(), s.value()) : place;
    }

    private Operand step(Expr operand, String op, boolean behind, Span span) {
        var target = lower(operand);
        if (lowering.isMistaken(target)) {
            return target;
        }
        if (!(target instanceof Place place) || !types.isScalar(place.type())) {
            lowering.error(span, "expression is not assignable");
            return lowering.nothing(types.signedInt);
        }
        var before = load(place);
        var one = lowering.number(types.signedInt, 1);
        var result = lowering.arithmetic.binary(op.substring(1), before, one, span);
        var after = (Scalar) convert(result, place.type(), span, "assigning", "");
        store(place, after);
        return behind ? before : place.bits() > 0 ? load(place) : after;
    }

    // Conditions

    private Operand binary(Expr.Binary e) {
        switch (e.op()) {
            case "," -> {
                discard(e.left());
                return value(lower(e.right()));
            }
            case "&&", "||" -> {
                return shortCircuit(e);
            }
            default -> {
                var left = value(lower(e.left()));
                var right = value(lower(e.right()));
                lowering.at(e.span());
                return lowering.arithmetic.binary(e.op(), left, right, e.span());
            }
        }
    }

    private Operand shortCircuit(Expr.Binary e) {
        var yes = b.newBlock();
        var no = b.newBlock();
        var after = b.newBlock(Type.I32);
        branch(e, yes, no);
        b.enter(yes);
        b.jump(after, b.i32(1));
        b.enter(no);
        b.jump(after, b.i32(0));
        b.enter(after);
        return new Scalar(types.signedInt, after.param(0));
    }

    /** Jumps by whether the expression is true. */
    void branch(Expr condition, Label yes, Label no) {
        switch (condition) {
            case Expr.Binary e
            when e.op().equals("&&") -> {
                var second = b.newBlock();
                branch(e.left(), second, no);
                b.enter(second);
                branch(e.right(), yes, no);
            }
            case Expr.Binary e
            when e.op().equals("||") -> {
                var second = b.newBlock();
                branch(e.left(), yes, second);
                b.enter(second);
                branch(e.right(), yes, no);
            }
            case Expr.Unary e when e.op().equals("!") -> branch(e.operand(), no, yes);
            default -> b.branch(truth(condition), yes, no);
        }
    }

    Value truth(Expr expr) {
        return truth(value(lower(expr)), expr.span());
    }

    Value truth(Operand operand, Span span) {
        if (operand instanceof Scalar s && !types.isVoid(s.type())) {
            return b.isTrue(s.value());
        }
        if (operand instanceof Place p && types.isWide(p.type())) {
            return lowering.arithmetic.wideTruth(p);
        }
        lowering.error(
                span, "statement requires expression of scalar type ('" + types.name(operand.type()) + "' invalid)");
        return b.i1(false);
    }

    private Operand conditional(Expr.Conditional e) {
        var known = lowering.constantOf(e.condition());
        if (known.isPresent() && e.then().isPresent()) {
            // The arm that is not taken still has a say in the type.
            int type = joined(lowering.silentlyTyped(e.then().get()), lowering.silentlyTyped(e.otherwise()), e);
            var chosen = known.get() != 0 ? e.then().get() : e.otherwise();
            return convert(value(lower(chosen)), type, chosen.span(), "assigning", "");
        }
        Optional<Operand> first = e.then().isPresent() ? Optional.empty() : Optional.of(value(lower(e.condition())));
        // Before the branch: finding a type out needs a block to come back to.
        int left = first.isPresent()
                ? first.get().type()
                : lowering.silentlyTyped(e.then().get());
        int right = lowering.silentlyTyped(e.otherwise());
        int type = joined(left, right, e);
        Optional<Place> memory = types.isScalar(type) || types.isVoid(type)
                ? Optional.empty()
                : Optional.of(lowering.temporary("choice", type));
        var yes = b.newBlock();
        var no = b.newBlock();
        if (first.isPresent()) {
            b.branch(truth(first.get(), e.condition().span()), yes, no);
        } else {
            branch(e.condition(), yes, no);
        }
        var after = types.isScalar(type) ? b.newBlock(types.ir(type)) : b.newBlock();
        b.enter(yes);
        if (first.isPresent()) {
            arm(first.get(), type, memory, after, e.condition().span());
        } else {
            arm(
                    value(lower(e.then().get())),
                    type,
                    memory,
                    after,
                    e.then().get().span());
        }
        b.enter(no);
        arm(value(lower(e.otherwise())), type, memory, after, e.otherwise().span());
        b.enter(after);
        if (types.isScalar(type)) {
            return new Scalar(type, after.param(0));
        }
        return memory.isPresent() ? memory.get() : lowering.nothing(Types.VOID);
    }

    private void arm(Operand value, int type, Optional<Place> memory, Label after, Span span) {
        if (types.isVoid(type)) {
            b.jump(after);
        } else if (memory.isPresent()) {
            store(memory.get(), convert(value, type, span, "assigning", ""));
            b.jump(after);
        } else {
            var converted = convert(value, type, span, "assigning", "");
            b.jump(after, held((Scalar) converted, type));
        }
    }

    private int joined(int left, int right, Expr.Conditional e) {
        if (types.isInteger(left) && types.isInteger(right)) {
            return types.common(left, right);
        }
        if (types.isPointer(left) && types.isPointer(right)) {
            return types.isVoid(types.pointee(left)) ? right : left;
        }
        if (types.isPointer(left) && types.isInteger(right)) {
            return left;
        }
        if (types.isPointer(right) && types.isInteger(left)) {
            return right;
        }
        if (types.isVoid(left) || types.isVoid(right)) {
            return Types.VOID;
        }
        if (types.isWide(left) || types.isWide(right)) {
            return types.isWide(left) ? left : right;
        }
        if (!types.same(left, right)) {
            lowering.error(
                    e.span(),
                    "incompatible operand types ('" + types.name(left) + "' and '" + types.name(right) + "')");
        }
        return left;
    }

    List<Operand> values(List<Expr> args) {
        return args.stream().map(a -> value(lower(a))).toList();
    }
}
