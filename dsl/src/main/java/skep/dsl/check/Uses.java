package skep.dsl.check;

import java.util.HashSet;
import java.util.Set;
import skep.dsl.ast.AstWalker;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Script;

/**
 * Which builtins a probe uses, as far as that decides into how many programs of which kind it is compiled.
 *
 * @param names names and functions used, without {@code __builtin_}
 * @param argumentFields fields of {@code args}
 * @param wholeArguments whether {@code args} is used otherwise than for a field
 */
record Uses(Set<String> names, Set<String> argumentFields, boolean wholeArguments) {
    static Uses of(Script.Probe probe) {
        var names = new HashSet<String>();
        var fields = new HashSet<String>();
        var counts = new int[2];
        java.util.function.Consumer<Expr> visitor = e -> {
            switch (e) {
                case Expr.Ident i -> {
                    names.add(plain(i.name()));
                    counts[0] += plain(i.name()).equals("args") ? 1 : 0;
                }
                case Expr.Call c -> names.add(plain(c.name()));
                case Expr.Field f
                when f.object() instanceof Expr.Ident i && plain(i.name()).equals("args") -> {
                    fields.add(f.name());
                    counts[1]++;
                }
                default -> {}
            }
        };
        probe.predicate().ifPresent(p -> AstWalker.walk(p, visitor));
        AstWalker.walk(probe.body(), visitor);
        return new Uses(Set.copyOf(names), Set.copyOf(fields), counts[0] > counts[1]);
    }

    static String plain(String name) {
        return name.startsWith("__builtin_") ? name.substring("__builtin_".length()) : name;
    }

    /** Whether any of {@code arg0}, {@code arg1} and so on is used. */
    boolean usesNumbered() {
        return names.stream()
                .anyMatch(name -> name.startsWith("arg") && name.length() > 3 && Character.isDigit(name.charAt(3)));
    }

    boolean uses(String name) {
        return names.contains(name);
    }
}
