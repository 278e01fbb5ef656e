package skep.dsl.ast;

import java.util.List;
import java.util.Optional;
import skep.source.Span;

/** An expression. */
public sealed interface Expr {
    Span span();

    /**
     * An integer literal, durations in nanoseconds.
     *
     * @param unsigned whether a suffix or the size says so: then the 64 bits of {@code value} are unsigned
     * @param pinned whether a suffix fixes the type to 64 bits
     */
    record IntLit(long value, boolean unsigned, boolean pinned, Span span) implements Expr {}

    record BoolLit(boolean value, Span span) implements Expr {}

    /** A string, escapes resolved; characters are bytes 0 to 255 or text. */
    record StrLit(String value, Span span) implements Expr {}

    /** A bare name: builtin, enumerator, {@code #define}, macro argument, or a word such as a stack mode. */
    record Ident(String name, Span span) implements Expr {}

    /** {@code $1}. */
    record Positional(long index, Span span) implements Expr {}

    /** {@code $#}. */
    record PositionalCount(Span span) implements Expr {}

    /** {@code $x}. */
    record Var(String name, Span span) implements Expr {}

    /** {@code @x} or {@code @x[k]}. */
    record MapRef(String name, Optional<Expr> key, Span span) implements Expr {}

    record Call(String name, List<Expr> arguments, Span nameSpan, Span span) implements Expr {}

    record Unary(UnaryOp op, Expr operand, Span span) implements Expr {}

    /** {@code ++x}, {@code x--}, …; the target is a variable, a map or a pointer variable. */
    record Increment(Expr target, boolean up, boolean prefix, Span span) implements Expr {}

    record Binary(BinaryOp op, Expr left, Expr right, Span opSpan, Span span) implements Expr {}

    /** {@code c ? a : b}; without {@code then}: {@code a ?: b}. */
    record Conditional(Expr condition, Optional<Expr> then, Expr otherwise, Span span) implements Expr {}

    /** {@code e.f} or {@code e->f}. */
    record Field(Expr object, String name, boolean arrow, Span nameSpan, Span span) implements Expr {}

    /** {@code e.0}. */
    record TupleElement(Expr object, long index, Span span) implements Expr {}

    record Index(Expr object, Expr index, Span span) implements Expr {}

    record Cast(TypeRef type, Expr operand, Span typeSpan, Span span) implements Expr {}

    record Sizeof(TypeOrExpr subject, Span span) implements Expr {}

    record Offsetof(TypeOrExpr subject, List<String> path, Span span) implements Expr {}

    /** {@code typeof(…)} as an argument of a macro. */
    record TypeArgument(TypeRef type, Span span) implements Expr {}

    record Typeinfo(TypeOrExpr subject, Span span) implements Expr {}

    record Tuple(List<Expr> elements, Span span) implements Expr {}

    record RecordLit(List<Named> members, Span span) implements Expr {}

    /** A member of a record literal. */
    record Named(String name, Expr value, Span span) {}

    /** {@code { …; e }}: the statements, then the value; without a value it is a statement block in value position. */
    record BlockValue(List<Stmt> statements, Optional<Expr> value, Span span) implements Expr {}

    record Comptime(Expr operand, Span span) implements Expr {}

    /** What {@code sizeof} and its kin are asked about. */
    sealed interface TypeOrExpr {}

    record OfType(TypeRef type) implements TypeOrExpr {}

    record OfExpr(Expr expr) implements TypeOrExpr {}

    /** Prefix operators. */
    enum UnaryOp {
        NEGATE("-"),
        NOT("!"),
        COMPLEMENT("~"),
        DEREFERENCE("*"),
        ADDRESS_OF("&"),
        PLUS("+");

        private final String text;

        UnaryOp(String text) {
            this.text = text;
        }

        public String text() {
            return text;
        }
    }

    /** Infix operators with their precedence: higher binds tighter. */
    enum BinaryOp {
        OR("||", 1),
        AND("&&", 2),
        BIT_OR("|", 3),
        BIT_XOR("^", 4),
        BIT_AND("&", 5),
        EQ("==", 6),
        NE("!=", 6),
        LT("<", 7),
        GT(">", 7),
        LE("<=", 7),
        GE(">=", 7),
        SHL("<<", 8),
        SHR(">>", 8),
        ADD("+", 9),
        SUB("-", 9),
        MUL("*", 10),
        DIV("/", 10),
        MOD("%", 10);

        private final String text;
        private final int precedence;

        BinaryOp(String text, int precedence) {
            this.text = text;
            this.precedence = precedence;
        }

        public String text() {
            return text;
        }

        public int precedence() {
            return precedence;
        }

        public boolean isComparison() {
            return precedence == 6 || precedence == 7;
        }

        public boolean isLogical() {
            return this == OR || this == AND;
        }
    }
}
