package skep.c.lower;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.c.check.Types;
import skep.c.lower.Operand.Place;
import skep.c.lower.Operand.Scalar;
import skep.c.parse.CType;
import skep.c.parse.Expr;
import skep.c.parse.TranslationUnit.FunctionDefinition;
import skep.ir.CastOp;
import skep.ir.FunctionBuilder;
import skep.ir.FunctionBuilder.Label;
import skep.ir.ModuleBuilder;
import skep.ir.Region;
import skep.ir.Type;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.source.Diagnostics;
import skep.source.Span;

/**
 * Writes one program: its function and, in place, all functions it calls. Types are checked on the way; what is wrong is
 * told by the diagnostics, and lowering goes on with a value that stands for the wrong one.
 *
 * <p>Every variable is a stack slot; a pointer of C is a pointer of no particular region. {@link PointerOrigins} later
 * finds out which may be dereferenced.
 */
public final class Lowering {
    public static final Type POINTER = Type.ptr(Region.GENERIC);

    /** Calls nested deeper than this are a recursion, which no program can do. */
    private static final int MAX_CALL_DEPTH = 64;

    public final FunctionBuilder b;
    public final Unit unit;
    public final Types types;
    public final Dialect dialect;
    public final ModuleBuilder module;
    final Diagnostics diagnostics;
    final Expressions expressions;
    final Statements statements;
    final Arithmetic arithmetic;
    final Initializers initializers;
    final Builtins builtins;

    /** Values that are known numbers. */
    final Map<Value, Long> constants = new HashMap<>();

    /** Functions of the module that have been written for helpers to call. */
    final java.util.Set<String> callbacks = new java.util.HashSet<>();

    private final Deque<Frame> frames = new ArrayDeque<>();

    /** A name of a block: where it lies, or what it stands for. */
    record Variable(int type, Operand operand) {}

    /** A call in progress. */
    static final class Frame {
        final String function;
        final int resultType;
        final Optional<Value> resultSlot;
        final Label exit;
        final Optional<Span> callSite;
        final Deque<Map<String, Variable>> scopes = new ArrayDeque<>();
        final Map<String, Label> labels = new HashMap<>();
        final Map<String, Span> labelUses = new HashMap<>();
        final Deque<Label> breaks = new ArrayDeque<>();
        final Deque<Label> continues = new ArrayDeque<>();
        final Deque<Map<skep.c.parse.Stmt, Label>> cases = new ArrayDeque<>();

        Frame(String function, int resultType, Optional<Value> resultSlot, Label exit, Optional<Span> callSite) {
            this.function = function;
            this.resultType = resultType;
            this.resultSlot = resultSlot;
            this.exit = exit;
            this.callSite = callSite;
            scopes.push(new HashMap<>());
        }
    }

    public Lowering(
            FunctionBuilder builder, ModuleBuilder module, Unit unit, Dialect dialect, Diagnostics diagnostics) {
        this.b = builder;
        this.module = module;
        this.unit = unit;
        this.types = unit.types();
        this.dialect = dialect;
        this.diagnostics = diagnostics;
        this.expressions = new Expressions(this);
        this.statements = new Statements(this);
        this.arithmetic = new Arithmetic(this);
        this.initializers = new Initializers(this);
        this.builtins = new Builtins(this);
        types.layout.typeOf(expr -> silently(() -> expressions.lower(expr).type()));
    }

    // Whole functions

    /**
     * Writes the body as the program itself. The parameters are given; the result is returned in 64 bits.
     *
     * @param parameters one for each parameter of the function
     */
    public void program(FunctionDefinition function, List<Operand> parameters) {
        int result = types.layout.idOf(function.type().result());
        Optional<Value> slot = types.isVoid(result) ? Optional.empty() : Optional.of(b.slot(8, "result"));
        slot.ifPresent(s -> b.zero(s, 0, 8));
        var exit = b.newBlock();
        var frame = new Frame(function.name(), result, slot, exit, Optional.empty());
        frames.push(frame);
        bindParameters(function, parameters);
        statements.lower(function.body());
        frames.pop();
        finish(frame);
        if (slot.isEmpty()) {
            b.ret(b.i64(0));
        } else {
            var value = b.load(types.ir(result), slot.get(), 0);
            b.ret(value.type().isPointer() ? b.ptrToInt(value) : b.zext(Type.I64, value));
        }
    }

    /** Where a call of a function of the source stands, its body is written. */
    Operand call(FunctionDefinition function, List<Expr> args, Span site) {
        var parameters = function.type().parameters();
        if (args.size() != parameters.size() && !(function.type().variadic() && args.size() > parameters.size())) {
            var few = args.size() < parameters.size() ? "few" : "many";
            error(
                    site,
                    "too " + few + " arguments to function call, expected " + parameters.size() + ", have "
                            + args.size());
            return nothing(types.layout.idOf(function.type().result()));
        }
        if (frames.size() > MAX_CALL_DEPTH || frames.stream().anyMatch(f -> f.function.equals(function.name()))) {
            error(site, "function '" + function.name() + "' calls itself, which a BPF program cannot do");
            return nothing(types.layout.idOf(function.type().result()));
        }
        var values = new ArrayList<Operand>();
        for (int i = 0; i < parameters.size(); i++) {
            int type = types.layout.idOf(parameters.get(i).type());
            values.add(expressions.converted(
                    args.get(i), type, "passing", parameters.get(i).name()));
        }
        int result = types.layout.idOf(function.type().result());
        Optional<Value> slot = types.isVoid(result)
                ? Optional.empty()
                : Optional.of(b.slot((int) Math.max(1, types.size(result)), function.name()));
        var exit = b.newBlock();
        var frame = new Frame(
                function.name(), result, slot, exit, Optional.of(callSite().orElse(site)));
        frames.push(frame);
        bindParameters(function, values);
        statements.lower(function.body());
        frames.pop();
        finish(frame);
        b.at(place(site));
        if (slot.isEmpty()) {
            return nothing(Types.VOID);
        }
        var place = new Place(result, slot.get(), 0);
        return types.isScalar(result) ? expressions.load(place) : place;
    }

    private void finish(Frame frame) {
        if (b.isOpen()) {
            b.jump(frame.exit);
        }
        for (var use : frame.labelUses.entrySet()) {
            if (!frame.labels.containsKey("defined " + use.getKey())) {
                error(use.getValue(), "use of undeclared label '" + use.getKey() + "'");
                b.enter(frame.labels.get(use.getKey()));
                b.jump(frame.exit);
            }
        }
        b.enter(frame.exit);
    }

    /** A parameter that the body never changes is the argument itself; others get a slot. */
    private void bindParameters(FunctionDefinition function, List<Operand> values) {
        var changed = ChangedNames.of(function);
        var parameters = function.type().parameters();
        for (int i = 0; i < parameters.size(); i++) {
            var name = parameters.get(i).name();
            int type = types.layout.idOf(parameters.get(i).type());
            if (name.isEmpty()) {
                continue;
            }
            if (values.get(i) instanceof Scalar s && !changed.contains(name)) {
                declare(name, new Variable(type, new Scalar(type, s.value())));
            } else {
                var place = variable(name, type);
                expressions.store(place, values.get(i));
            }
        }
    }

    // Scopes

    Frame frame() {
        return frames.element();
    }

    void declare(String name, Variable variable) {
        frame().scopes.element().put(name, variable);
    }

    Optional<Variable> find(String name) {
        for (var scope : frame().scopes) {
            var found = scope.get(name);
            if (found != null) {
                return Optional.of(found);
            }
        }
        return Optional.empty();
    }

    /** A new variable in the innermost scope. */
    Place variable(String name, int type) {
        var place = temporary(name, type);
        declare(name, new Variable(type, place));
        return place;
    }

    /** Memory for a value of this type. */
    public Place temporary(String name, int type) {
        return new Place(type, b.slot((int) Math.max(1, types.size(type)), name), 0);
    }

    // Spans and mistakes

    private Optional<Span> callSite() {
        return frames.isEmpty() ? Optional.empty() : frames.element().callSite;
    }

    /** Where instructions for this piece of source count: library code counts for its caller. */
    Span place(Span span) {
        return span.source() == unit.main() ? span : callSite().orElse(span);
    }

    public void at(Span span) {
        b.at(place(span));
    }

    public void error(Span span, String message) {
        error(span, message, "");
    }

    public void error(Span span, String message, String hint) {
        if (quiet == 0) {
            diagnostics.error("c-check", place(span), message, hint);
        }
        mistakes++;
    }

    public void warning(Span span, String message) {
        if (quiet == 0 && span.source() == unit.main()) {
            diagnostics.warning("c-check", span, message, "");
        }
    }

    private int quiet;
    private int mistakes;

    /** Lowers into a block that nothing reaches: only the type matters. */
    <T> T silently(java.util.function.Supplier<T> work) {
        return aside(work, false);
    }

    /** Whether the expression has a meaning, for {@code bpf_core_field_exists}. */
    public boolean isMeaningful(Expr expr) {
        int before = mistakes;
        aside(() -> expressions.lower(expr), true);
        boolean good = mistakes == before;
        mistakes = before;
        return good;
    }

    private <T> T aside(java.util.function.Supplier<T> work, boolean hushed) {
        var after = b.newBlock();
        var dead = b.newBlock();
        b.jump(after);
        b.enter(dead);
        quiet += hushed ? 1 : 0;
        var result = work.get();
        quiet -= hushed ? 1 : 0;
        if (b.isOpen()) {
            b.jump(after);
        }
        b.enter(after);
        return result;
    }

    // Values

    private final java.util.Set<Value> broken = new java.util.HashSet<>();

    /** What stands for a value after a mistake: nothing more is said about it. */
    Operand mistaken() {
        var value = b.i32(0);
        broken.add(value);
        return new Scalar(types.signedInt, value);
    }

    boolean isMistaken(Operand operand) {
        return operand instanceof Scalar s && broken.contains(s.value());
    }

    /** What stands for a value that could not be computed, or for none. */
    public Operand nothing(int type) {
        if (types.isScalar(type)) {
            return new Scalar(type, constant(type, 0));
        }
        return types.isVoid(type) ? new Scalar(Types.VOID, b.i64(0)) : temporary("missing", type);
    }

    public Value constant(int type, long number) {
        var ir = types.ir(type);
        if (!ir.isPointer()) {
            var value = b.constant(ir, number);
            constants.put(value, number);
            return value;
        }
        return number == 0 ? b.constant(POINTER, 0) : b.intToPtr(Region.GENERIC, b.i64(number));
    }

    public Scalar number(int type, long number) {
        return new Scalar(type, constant(type, number));
    }

    public static Value generic(FunctionBuilder b, Value pointer) {
        return pointer.type().equals(POINTER) ? pointer : b.cast(CastOp.PTRCAST, POINTER, pointer);
    }

    /** The address of a place. */
    public Value address(Place place) {
        return b.ptrAdd(place.base(), place.offset());
    }

    public Operand lower(Expr expr) {
        return expressions.lower(expr);
    }

    /** The value of an expression: a scalar, or the place of a structure. Arrays become pointers. */
    public Operand value(Expr expr) {
        return expressions.value(expressions.lower(expr));
    }

    /** The expression as an integer of 64 bits, or as the pointer it is. */
    public Value argument(Expr expr) {
        return argument(value(expr), expr.span());
    }

    public Value argument(Operand operand, Span span) {
        return switch (operand) {
            case Scalar s when s.value().type().isPointer() -> s.value();
            case Scalar s -> b.resize(Type.I64, types.signed(s.type()), s.value());
            case Place p when types.isWide(p.type()) -> b.load(Type.I64, MemSize.DW, false, p.base(), (int) p.offset());
            default -> {
                error(span, "a structure cannot be an argument here");
                yield b.i64(0);
            }
        };
    }

    public Operand converted(Expr expr, int type) {
        return expressions.converted(expr, type, "passing", "");
    }

    public void store(Place place, Operand value) {
        expressions.store(place, value);
    }

    /** The number that an expression of constants has. */
    public Optional<Long> constantOf(Expr expr) {
        return mentionsVariable(expr) ? Optional.empty() : types.layout.constant(expr);
    }

    /** A variable hides the constants of the kernel that have its name. */
    private boolean mentionsVariable(Expr expr) {
        return switch (expr) {
            case Expr.Name n -> find(n.name()).isPresent();
            case Expr.Unary u -> mentionsVariable(u.operand());
            case Expr.Binary o -> mentionsVariable(o.left()) || mentionsVariable(o.right());
            case Expr.Conditional c ->
                mentionsVariable(c.condition())
                        || c.then().filter(this::mentionsVariable).isPresent()
                        || mentionsVariable(c.otherwise());
            case Expr.Cast c -> mentionsVariable(c.operand());
            default -> false;
        };
    }

    int silentlyTyped(Expr expr) {
        return silently(() -> expressions.value(expressions.lower(expr)).type());
    }

    /** An expression's value in memory of this type: its own place if it is one, a copy otherwise. */
    public Place inMemory(Expr expr, int type, String name) {
        var operand = expressions.lower(expr);
        if (operand instanceof Place p && p.bits() == 0 && types.same(p.type(), type)) {
            return p;
        }
        var place = temporary(name, type);
        expressions.store(place, expressions.convert(expressions.value(operand), type, expr.span(), "passing", ""));
        return place;
    }

    /** The type of an expression, which is not computed. */
    public int typeOf(Expr expr) {
        return silently(() -> expressions.lower(expr).type());
    }

    /** The memory that a pointer points to. */
    public Place pointee(Expr expr) {
        return builtins.pointee(expr);
    }

    public Scalar arithmeticConvert(Scalar value, int type) {
        return arithmetic.convert(value, type);
    }

    /** A number from the packet of a context in the machine's order; outside of the packet the program ends. */
    public Value packetBytes(Value context, Value offset, int size) {
        return builtins.packetBytes(context, offset, size);
    }

    int typeOf(CType type) {
        return types.layout.idOf(type);
    }
}
