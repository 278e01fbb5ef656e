package skep.c.parse;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import skep.source.Span;

/** An expression as written (C11 6.5, with GNU's statement expressions and conditional without a middle). */
public sealed interface Expr {
    Span span();

    record IntLiteral(Span span, long value, boolean unsigned, int longs, boolean decimal) implements Expr {}

    record CharLiteral(Span span, long value) implements Expr {}

    /** Bytes without the final zero; neighbouring literals are joined. */
    record StringLiteral(Span span, byte[] bytes) implements Expr {
        public StringLiteral {
            bytes = bytes.clone();
        }

        @Override
        public byte[] bytes() {
            return bytes.clone();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof StringLiteral s && Arrays.equals(bytes, s.bytes);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(bytes);
        }
    }

    record Name(Span span, String name) implements Expr {}

    /** {@code - + ! ~ * & ++ --} in front. */
    record Unary(Span span, String op, Expr operand) implements Expr {}

    /** {@code ++} or {@code --} behind. */
    record Postfix(Span span, String op, Expr operand) implements Expr {}

    /** Also {@code && ||} and the comma. */
    record Binary(Span span, String op, Expr left, Expr right) implements Expr {}

    /** {@code op} is empty for {@code =}, otherwise what comes before the equals sign. */
    record Assign(Span span, String op, Expr target, Expr value) implements Expr {}

    /** {@code a ? b : c}; GNU's {@code a ?: c} has no middle. */
    record Conditional(Span span, Expr condition, Optional<Expr> then, Expr otherwise) implements Expr {}

    record Cast(Span span, CType type, Expr operand) implements Expr {}

    record SizeOf(Span span, Expr operand) implements Expr {}

    record SizeOfType(Span span, CType type) implements Expr {}

    record AlignOf(Span span, CType type) implements Expr {}

    record Index(Span span, Expr array, Expr index) implements Expr {}

    record Call(Span span, Expr function, List<Expr> args) implements Expr {
        public Call {
            args = List.copyOf(args);
        }
    }

    /** {@code base.name} or {@code base->name}. */
    record Member(Span span, Expr base, String name, boolean arrow) implements Expr {}

    /** {@code (type){ … }}. */
    record CompoundLiteral(Span span, CType type, Initializer.Braces value) implements Expr {}

    /** {@code ({ … })}. */
    record Statements(Span span, Stmt.Block block) implements Expr {}

    /** {@code __builtin_offsetof(type, a.b[1])}; the member as an expression on the name of the first. */
    record OffsetOf(Span span, CType type, Expr member) implements Expr {}

    /** {@code __builtin_types_compatible_p(a, b)}. */
    record TypesCompatible(Span span, CType a, CType b) implements Expr {}

    /** A type as an argument of a macro method, for example of {@code sizeof}-like builtins. */
    record TypeArgument(Span span, CType type) implements Expr {}

    /** Where no expression could be read; an error has been reported. */
    record Missing(Span span) implements Expr {}
}
