package skep.dsl.check;

import java.util.List;
import skep.dsl.Format;
import skep.dsl.Type;
import skep.dsl.ast.Expr;

/** Whether the arguments of a formatting function go with its conversions. */
final class FormatChecker {
    private FormatChecker() {}

    static Format check(Expr.Call c, String text, List<Typed.Expr> arguments, Checking checking) {
        int malformed = Format.malformed(text);
        if (malformed >= 0
                && checking.last
                && malformed + 1 < text.length()
                && Character.isLetter(text.charAt(malformed + 1))) {
            throw new CheckError(
                    "format",
                    c.span(),
                    c.name() + ": Unknown format string token: " + text.substring(malformed, malformed + 2),
                    "write %% for a percent sign; conversions are d i u x X o c s p r rx rh gr f e g");
        }
        var format = Format.parse(text);
        var verbs = format.verbs();
        if (verbs.size() > arguments.size()) {
            throw new CheckError(
                    "format",
                    c.span(),
                    c.name() + ": Not enough arguments for format string (" + verbs.size() + " expected, "
                            + arguments.size() + " found)");
        }
        if (verbs.size() < arguments.size()) {
            throw new CheckError(
                    "format",
                    c.span(),
                    c.name() + ": Too many arguments for format string (" + verbs.size() + " expected, "
                            + arguments.size() + " found)");
        }
        for (int i = 0; i < verbs.size(); i++) {
            var type = arguments.get(i).type();
            if (type instanceof Type.Void && !checking.last) {
                continue;
            }
            if (!goesWith(verbs.get(i).conversion(), type)) {
                throw new CheckError(
                        "format",
                        c.span(),
                        c.name() + ": " + verbs.get(i).display() + " specifier expects a value of type "
                                + expected(verbs.get(i).conversion()) + " (" + ExpressionChecker.family(type)
                                + " supplied)",
                        c.arguments().get(i + 1).span().text() + " is of type " + type.display());
            }
        }
        return format;
    }

    private static String expected(String conversion) {
        return switch (conversion) {
            case "s" -> "string";
            case "r", "rx", "rh" -> "buffer";
            case "p" -> "pointer";
            default -> "integer";
        };
    }

    private static boolean goesWith(String conversion, Type type) {
        boolean number = type.isInteger() || type instanceof Type.Pointer;
        return switch (conversion) {
            case "d", "i", "u", "x", "X", "o", "c", "gr" ->
                number
                        || type instanceof Type.Symbolic
                        || type instanceof Type.Timestamp
                        || type instanceof Type.CgroupPath;
            case "p" -> number || type instanceof Type.Symbolic;
            case "r", "rx", "rh" -> type instanceof Type.Buffer || type instanceof Type.Array;
            case "s" -> printable(type) || type.isInteger() || type instanceof Type.Tuple || type instanceof Type.Rec;
            case "f", "e", "g" -> type.isInteger() || isQuotient(type);
            default -> false;
        };
    }

    /** Whether a conversion prints a fraction. */
    static boolean isFraction(Format.Verb verb) {
        return switch (verb.conversion()) {
            case "f", "e", "g" -> true;
            default -> false;
        };
    }

    private static boolean isQuotient(Type type) {
        return type instanceof Type.Tuple t
                && t.elements().size() == 2
                && t.elements().stream().allMatch(Type.Int.class::isInstance);
    }

    private static boolean printable(Type type) {
        return switch (type) {
            case Type.Str _,
                    Type.Bool _,
                    Type.Enum _,
                    Type.KernelStack _,
                    Type.UserStack _,
                    Type.Symbolic _,
                    Type.UserSymbol _,
                    Type.Inet _,
                    Type.MacAddress _,
                    Type.CgroupPath _,
                    Type.Timestamp _,
                    Type.Buffer _ -> true;
            default -> false;
        };
    }

    /** The text of a format whose arguments are constants. */
    static String constantText(Format format, List<Typed.Expr> arguments) {
        var out = new StringBuilder();
        int next = 0;
        for (var piece : format.pieces()) {
            switch (piece) {
                case Format.Literal l -> out.append(l.text());
                case Format.Verb _ -> {
                    switch (arguments.get(next++)) {
                        case Typed.IntConst c -> out.append(c.value());
                        case Typed.Text t -> out.append(t.value());
                        default -> out.append('?');
                    }
                }
            }
        }
        return out.toString();
    }
}
