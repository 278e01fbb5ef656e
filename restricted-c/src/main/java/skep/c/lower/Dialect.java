package skep.c.lower;

import java.util.Optional;
import skep.c.parse.Expr;

/** What a dialect adds to the language: tables with methods, functions that the compiler writes. */
public interface Dialect {
    /** The meaning of a name that the source does not declare. */
    Optional<Operand> name(String name);

    /** The result of {@code table.method(args)}; empty if there is no such method. */
    Optional<Operand> method(Lowering lowering, String table, String method, Expr.Call call);

    /** The result of a call of a function that the source does not define; empty if the dialect knows none. */
    Optional<Operand> call(Lowering lowering, String function, Expr.Call call);

    /** A member that the structure does not have under this name, as a path of members: {@code sk_state}. */
    Optional<String> alias(String structure, String member);

    /** Whether members of this structure are read from the packet of the context. */
    boolean isPacketHeader(String structure);

    /** The names of the methods of tables. */
    java.util.List<String> methods();

    /** Names that a mistyped function could have meant. */
    java.util.stream.Stream<String> functions();
}
