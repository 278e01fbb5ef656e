package skep.elf;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One run over one name mangled by the Itanium C++ ABI (section 5.1). A type is kept as what stands left and right of a
 * declarator, so that {@code PFivE} becomes {@code int (*)()}. Names with expressions in template arguments are given up,
 * except literals.
 */
final class ItaniumDemangler {
    /** A name that is not mangled, or in a way that is not read. */
    static final class NotMangled extends Exception {
        private static final long serialVersionUID = 1;

        NotMangled() {
            super("not a mangled name", null, false, false);
        }
    }

    private static final int MAX_DEPTH = 200;
    private static final int MAX_CHARS = 1 << 16;

    /** A type around its declarator; {@code inner} types (functions, arrays) need parentheses around a pointer. */
    private record Piece(String left, String right, boolean inner, List<Piece> pack) {
        static Piece of(String text) {
            return new Piece(text, "", false, List.of());
        }

        String text() {
            return left + right;
        }
    }

    private static final Map<String, String> OPERATORS = Map.ofEntries(
            Map.entry("nw", " new"),
            Map.entry("na", " new[]"),
            Map.entry("dl", " delete"),
            Map.entry("da", " delete[]"),
            Map.entry("aw", " co_await"),
            Map.entry("ps", "+"),
            Map.entry("ng", "-"),
            Map.entry("ad", "&"),
            Map.entry("de", "*"),
            Map.entry("co", "~"),
            Map.entry("pl", "+"),
            Map.entry("mi", "-"),
            Map.entry("ml", "*"),
            Map.entry("dv", "/"),
            Map.entry("rm", "%"),
            Map.entry("an", "&"),
            Map.entry("or", "|"),
            Map.entry("eo", "^"),
            Map.entry("aS", "="),
            Map.entry("pL", "+="),
            Map.entry("mI", "-="),
            Map.entry("mL", "*="),
            Map.entry("dV", "/="),
            Map.entry("rM", "%="),
            Map.entry("aN", "&="),
            Map.entry("oR", "|="),
            Map.entry("eO", "^="),
            Map.entry("ls", "<<"),
            Map.entry("rs", ">>"),
            Map.entry("lS", "<<="),
            Map.entry("rS", ">>="),
            Map.entry("eq", "=="),
            Map.entry("ne", "!="),
            Map.entry("lt", "<"),
            Map.entry("gt", ">"),
            Map.entry("le", "<="),
            Map.entry("ge", ">="),
            Map.entry("ss", "<=>"),
            Map.entry("nt", "!"),
            Map.entry("aa", "&&"),
            Map.entry("oo", "||"),
            Map.entry("pp", "++"),
            Map.entry("mm", "--"),
            Map.entry("cm", ","),
            Map.entry("pm", "->*"),
            Map.entry("pt", "->"),
            Map.entry("cl", "()"),
            Map.entry("ix", "[]"),
            Map.entry("qu", "?"));

    private final String in;
    private int at;
    private int depth;
    private final List<Piece> substitutions = new ArrayList<>();
    private List<Piece> templateArguments = List.of();
    /** The last name part: what constructors are called after. */
    private String lastPart = "";
    /** Whether the name just read ended in template arguments: then a function's return type follows. */
    private boolean endsInTemplate;

    private boolean special;
    private String trailing = "";

    ItaniumDemangler(String mangled) {
        this.in = mangled;
    }

    String demangle() throws NotMangled {
        var text = encoding();
        if (at < in.length() && in.charAt(at) == '.') {
            return text + in.substring(at).replaceAll("\\.[A-Za-z_]\\w*(\\.\\d+)*", " [clone $0]");
        }
        if (at != in.length()) {
            throw new NotMangled();
        }
        return text;
    }

    private char peek() {
        return at < in.length() ? in.charAt(at) : 0;
    }

    private char peek(int ahead) {
        return at + ahead < in.length() ? in.charAt(at + ahead) : 0;
    }

    private char next() throws NotMangled {
        if (at >= in.length()) {
            throw new NotMangled();
        }
        return in.charAt(at++);
    }

    private boolean take(String text) {
        if (in.startsWith(text, at)) {
            at += text.length();
            return true;
        }
        return false;
    }

    private void expect(char c) throws NotMangled {
        if (next() != c) {
            throw new NotMangled();
        }
    }

    private void enter() throws NotMangled {
        if (++depth > MAX_DEPTH) {
            throw new NotMangled();
        }
    }

    private static String bounded(String text) throws NotMangled {
        if (text.length() > MAX_CHARS) {
            throw new NotMangled();
        }
        return text;
    }

    /** {@code encoding = name [ bare-function-type ] | special-name}. */
    private String encoding() throws NotMangled {
        enter();
        var prefix = specialName();
        if (!prefix.isEmpty()) {
            depth--;
            return prefix;
        }
        trailing = "";
        var name = name();
        boolean returns = endsInTemplate && !special;
        var suffix = trailing;
        trailing = "";
        if (at >= in.length() || peek() == 'E' || peek() == '.') {
            depth--;
            return name;
        }
        var result = returns ? type() : Piece.of("");
        var text = name + parameters() + suffix;
        depth--;
        var left = result.left();
        return bounded(left.isEmpty() ? text : left + (result.inner() ? "" : " ") + text + result.right());
    }

    private String parameters() throws NotMangled {
        var types = new ArrayList<String>();
        while (at < in.length() && peek() != 'E' && peek() != '.') {
            var type = type();
            if (type.pack().isEmpty()) {
                types.add(type.text());
            } else {
                type.pack().forEach(p -> types.add(p.text()));
            }
        }
        types.removeIf(String::isEmpty);
        return types.equals(List.of("void")) ? "()" : bounded("(" + String.join(", ", types) + ")");
    }

    private String specialName() throws NotMangled {
        if (peek() == 'T') {
            char kind = peek(1);
            at += 2;
            switch (kind) {
                case 'V':
                    return "vtable for " + type().text();
                case 'T':
                    return "VTT for " + type().text();
                case 'I':
                    return "typeinfo for " + type().text();
                case 'S':
                    return "typeinfo name for " + type().text();
                case 'W':
                    return "TLS wrapper function for " + name();
                case 'H':
                    return "TLS init function for " + name();
                case 'h': {
                    callOffset('h');
                    return "non-virtual thunk to " + encoding();
                }
                case 'v': {
                    callOffset('v');
                    return "virtual thunk to " + encoding();
                }
                case 'c': {
                    callOffset(next());
                    callOffset(next());
                    return "covariant return thunk to " + encoding();
                }
                default: {
                    at -= 2;
                    throw new NotMangled();
                }
            }
        }
        if (take("GTt")) {
            return "transaction clone for " + encoding();
        }
        if (take("GV")) {
            return "guard variable for " + name();
        }
        if (take("GR")) {
            var name = name();
            while (at < in.length() && peek() != '_') {
                at++;
            }
            expect('_');
            return "reference temporary for " + name;
        }
        return "";
    }

    private void callOffset(char kind) throws NotMangled {
        number();
        expect('_');
        if (kind == 'v') {
            number();
            expect('_');
        }
    }

    private long number() throws NotMangled {
        boolean negative = take("n");
        if (!Character.isDigit(peek())) {
            throw new NotMangled();
        }
        long value = 0;
        while (Character.isDigit(peek())) {
            value = value * 10 + (next() - '0');
            if (value > Integer.MAX_VALUE) {
                throw new NotMangled();
            }
        }
        return negative ? -value : value;
    }

    /** {@code name = nested | local | substitution template-args | unscoped [ template-args ]}. */
    private String name() throws NotMangled {
        enter();
        endsInTemplate = false;
        special = false;
        String text;
        if (peek() == 'N') {
            text = nested();
        } else if (peek() == 'Z') {
            text = local();
        } else if (peek() == 'S' && peek(1) != 't') {
            text = substitution().text() + arguments();
            endsInTemplate = true;
        } else {
            text = take("St") ? "std::" + unqualified() : unqualified();
            if (peek() == 'I') {
                substitutions.add(Piece.of(text));
                text += arguments();
                endsInTemplate = true;
            }
        }
        depth--;
        return bounded(text);
    }

    private String nested() throws NotMangled {
        expect('N');
        var qualifiers = new StringBuilder();
        while (peek() == 'r' || peek() == 'V' || peek() == 'K') {
            char c = next();
            qualifiers.insert(0, c == 'K' ? " const" : c == 'V' ? " volatile" : " restrict");
        }
        if (take("R")) {
            qualifiers.append(" &");
        } else if (take("O")) {
            qualifiers.append(" &&");
        }
        var text = "";
        boolean template = false;
        boolean isSpecial = false;
        while (peek() != 'E') {
            template = false;
            if (peek() == 'S' && peek(1) != 't') {
                var piece = substitution();
                text = piece.text();
                continue;
            }
            if (take("St")) {
                text = "std";
                lastPart = "std";
                continue;
            }
            if (peek() == 'I') {
                text += arguments();
                template = true;
            } else if (peek() == 'T') {
                text = templateParameter().text();
            } else if (peek() == 'M') {
                at++;
                continue;
            } else {
                isSpecial = isConversion()
                        || (peek() == 'C' || peek() == 'D') && (Character.isDigit(peek(1)) || peek(1) == 'I');
                var part = unqualified();
                text = text.isEmpty() ? part : text + "::" + part;
            }
            if (peek() != 'E') {
                substitutions.add(Piece.of(bounded(text)));
            }
        }
        expect('E');
        endsInTemplate = template;
        special = isSpecial;
        trailing = qualifiers.toString();
        return text;
    }

    private boolean isConversion() {
        return peek() == 'c' && peek(1) == 'v';
    }

    private String local() throws NotMangled {
        expect('Z');
        var function = encoding();
        expect('E');
        if (take("s")) {
            discriminator();
            endsInTemplate = false;
            return function + "::string literal";
        }
        if (take("d")) {
            if (peek() != '_') {
                number();
            }
            expect('_');
        }
        var entity = name();
        discriminator();
        return function + "::" + entity;
    }

    private void discriminator() throws NotMangled {
        if (take("__")) {
            number();
            expect('_');
        } else if (peek() == '_' && Character.isDigit(peek(1))) {
            at += 2;
        }
    }

    private String unqualified() throws NotMangled {
        take("L");
        String text;
        char c = peek();
        if (Character.isDigit(c)) {
            text = sourceName();
            lastPart = text;
        } else if (c == 'C' && (Character.isDigit(peek(1)) || peek(1) == 'I')) {
            at++;
            if (take("I")) {
                at++;
                type();
            } else {
                at++;
            }
            text = lastPart;
            special = true;
        } else if (c == 'D' && Character.isDigit(peek(1))) {
            at += 2;
            text = "~" + lastPart;
            special = true;
        } else if (c == 'D' && peek(1) == 'C') {
            at += 2;
            var names = new ArrayList<String>();
            while (peek() != 'E') {
                names.add(sourceName());
            }
            expect('E');
            text = "[" + String.join(", ", names) + "]";
        } else if (c == 'U' && peek(1) == 'l') {
            at += 2;
            var types = parameters();
            expect('E');
            text = "{lambda" + types + "#" + ordinal() + "}";
        } else if (c == 'U' && peek(1) == 't') {
            at += 2;
            text = "{unnamed type#" + ordinal() + "}";
        } else {
            text = operator();
        }
        while (take("B")) {
            text += "[abi:" + sourceName() + "]";
        }
        return text;
    }

    private long ordinal() throws NotMangled {
        long n = peek() == '_' ? 1 : number() + 2;
        expect('_');
        return n;
    }

    private String sourceName() throws NotMangled {
        int length = (int) number();
        if (length <= 0 || at + length > in.length()) {
            throw new NotMangled();
        }
        var name = in.substring(at, at + length);
        at += length;
        return name.startsWith("_GLOBAL__N") ? "(anonymous namespace)" : name;
    }

    private String operator() throws NotMangled {
        if (take("cv")) {
            special = true;
            return "operator " + type().text();
        }
        if (take("li")) {
            return "operator\"\" " + sourceName();
        }
        if (at + 2 > in.length()) {
            throw new NotMangled();
        }
        var text = OPERATORS.get(in.substring(at, at + 2));
        if (text == null) {
            throw new NotMangled();
        }
        at += 2;
        return "operator" + text;
    }

    /** {@code I args E}, with the blank that older compilers wanted between two closing brackets. */
    private String arguments() throws NotMangled {
        expect('I');
        enter();
        var owner = lastPart;
        var arguments = new ArrayList<Piece>();
        while (peek() != 'E') {
            arguments.add(argument());
        }
        expect('E');
        depth--;
        lastPart = owner;
        templateArguments = arguments;
        var texts = new ArrayList<String>();
        for (var argument : arguments) {
            if (argument.pack().isEmpty()) {
                texts.add(argument.text());
            } else {
                argument.pack().forEach(p -> texts.add(p.text()));
            }
        }
        texts.removeIf(String::isEmpty);
        var text = String.join(", ", texts);
        return bounded("<" + text + (text.endsWith(">") ? " >" : ">"));
    }

    private Piece argument() throws NotMangled {
        if (take("J")) {
            var pack = new ArrayList<Piece>();
            while (peek() != 'E') {
                pack.add(argument());
            }
            expect('E');
            return new Piece("", "", false, pack);
        }
        if (take("L")) {
            return literal();
        }
        if (peek() == 'X') {
            throw new NotMangled();
        }
        return type();
    }

    private Piece literal() throws NotMangled {
        if (take("_Z")) {
            var saved = templateArguments;
            var text = encoding();
            templateArguments = saved;
            expect('E');
            return Piece.of("&" + text);
        }
        var type = type().text();
        int end = in.indexOf('E', at);
        if (end < 0) {
            throw new NotMangled();
        }
        var digits = in.substring(at, end).replace('n', '-');
        at = end + 1;
        return Piece.of(
                switch (type) {
                    case "bool" -> digits.equals("0") ? "false" : "true";
                    case "int" -> digits;
                    case "unsigned int" -> digits + "u";
                    case "long" -> digits + "l";
                    case "unsigned long" -> digits + "ul";
                    default -> "(" + type + ")" + digits;
                });
    }

    private Piece templateParameter() throws NotMangled {
        expect('T');
        int index = peek() == '_' ? 0 : (int) number() + 1;
        expect('_');
        if (index >= templateArguments.size()) {
            throw new NotMangled();
        }
        return templateArguments.get(index);
    }

    private Piece substitution() throws NotMangled {
        expect('S');
        char c = next();
        var known = switch (c) {
            case 't' -> "std";
            case 'a' -> "std::allocator";
            case 'b' -> "std::basic_string";
            case 's' -> "std::string";
            case 'i' -> "std::istream";
            case 'o' -> "std::ostream";
            case 'd' -> "std::iostream";
            default -> "";
        };
        if (!known.isEmpty()) {
            int colon = known.lastIndexOf(':');
            lastPart = "siod".indexOf(c) < 0 ? known.substring(colon + 1) : "basic_" + known.substring(colon + 1);
            return Piece.of(known);
        }
        int index = 0;
        if (c != '_') {
            at--;
            while (peek() != '_') {
                int digit = Character.digit(next(), 36);
                if (digit < 0 || index > substitutions.size()) {
                    throw new NotMangled();
                }
                index = index * 36 + digit;
            }
            at++;
            index++;
        }
        if (index >= substitutions.size()) {
            throw new NotMangled();
        }
        var piece = substitutions.get(index);
        lastPart = lastName(piece.text());
        return piece;
    }

    /** The last part of a qualified name without its template arguments. */
    private static String lastName(String text) {
        int nesting = 0;
        int end = text.length();
        for (int i = text.length() - 1; i >= 0; i--) {
            char c = text.charAt(i);
            if (c == '>') {
                nesting++;
            } else if (c == '<' && --nesting == 0) {
                end = i;
            } else if (c == ':' && nesting == 0) {
                return text.substring(i + 1, end);
            }
        }
        return text.substring(0, end);
    }

    private Piece type() throws NotMangled {
        enter();
        var piece = typeInside();
        depth--;
        bounded(piece.left());
        bounded(piece.right());
        return piece;
    }

    private Piece remembered(Piece piece) {
        substitutions.add(piece);
        return piece;
    }

    private Piece typeInside() throws NotMangled {
        var builtin = builtin(peek());
        if (!builtin.isEmpty()) {
            at++;
            return Piece.of(builtin);
        }
        switch (peek()) {
            case 'r', 'V', 'K' -> {
                var suffix = "";
                while (peek() == 'r' || peek() == 'V' || peek() == 'K') {
                    char c = next();
                    suffix = (c == 'K' ? " const" : c == 'V' ? " volatile" : " restrict") + suffix;
                }
                var inner = type();
                return remembered(
                        inner.inner()
                                ? new Piece(inner.left(), inner.right() + suffix, true, List.of())
                                : new Piece(inner.left() + suffix, inner.right(), false, List.of()));
            }
            case 'P' -> {
                at++;
                return remembered(pointer(type(), "*"));
            }
            case 'R' -> {
                at++;
                return remembered(pointer(type(), "&"));
            }
            case 'O' -> {
                at++;
                return remembered(pointer(type(), "&&"));
            }
            case 'F' -> {
                return remembered(function());
            }
            case 'A' -> {
                return remembered(array());
            }
            case 'M' -> {
                at++;
                var owner = type().text();
                return remembered(pointer(type(), owner + "::*"));
            }
            case 'T' -> {
                if (peek(1) == 's' || peek(1) == 'u' || peek(1) == 'e') {
                    at += 2;
                    return remembered(Piece.of(name()));
                }
                var parameter = remembered(templateParameter());
                return peek() == 'I' ? remembered(Piece.of(parameter.text() + arguments())) : parameter;
            }
            case 'S' -> {
                if (peek(1) == 't') {
                    return classType();
                }
                var piece = substitution();
                return peek() == 'I' ? remembered(Piece.of(piece.text() + withoutScope())) : piece;
            }
            case 'D' -> {
                return dType();
            }
            case 'C' -> {
                at++;
                return remembered(Piece.of(type().text() + " _Complex"));
            }
            case 'U' -> {
                at++;
                var qualifier = sourceName();
                var arguments = peek() == 'I' ? arguments() : "";
                return remembered(Piece.of(type().text() + " " + qualifier + arguments));
            }
            case 'u' -> {
                at++;
                return remembered(Piece.of(sourceName()));
            }
            default -> {
                return classType();
            }
        }
    }

    /** Template arguments within a type do not change what {@code T_} means in the encoding around it. */
    private String withoutScope() throws NotMangled {
        var saved = templateArguments;
        var text = arguments();
        templateArguments = saved;
        return text;
    }

    private Piece classType() throws NotMangled {
        var saved = templateArguments;
        boolean savedTemplate = endsInTemplate;
        boolean savedSpecial = special;
        var savedTrailing = trailing;
        var text = name();
        templateArguments = saved;
        endsInTemplate = savedTemplate;
        special = savedSpecial;
        trailing = savedTrailing;
        return remembered(Piece.of(text));
    }

    private static Piece pointer(Piece to, String mark) {
        if (!to.pack().isEmpty()) {
            var pack = to.pack().stream().map(p -> pointer(p, mark)).toList();
            return new Piece("", "", false, pack);
        }
        if (mark.startsWith("&") && (to.left().endsWith("&"))) {
            // Reference collapsing: && of & is &.
            return to.left().endsWith("&&") && mark.equals("&")
                    ? new Piece(to.left().substring(0, to.left().length() - 1), to.right(), to.inner(), List.of())
                    : to;
        }
        if (to.inner()) {
            boolean open = to.right().startsWith(")");
            return open
                    ? new Piece(to.left() + mark, to.right(), true, List.of())
                    : new Piece(to.left() + " (" + mark, ")" + to.right(), true, List.of());
        }
        var space = mark.endsWith("::*") ? " " : "";
        return new Piece(to.left() + space + mark, to.right(), false, List.of());
    }

    private Piece function() throws NotMangled {
        expect('F');
        take("Y");
        var result = type();
        var parameters = parameters();
        var reference = take("RE") ? " &" : take("OE") ? " &&" : "";
        if (reference.isEmpty()) {
            expect('E');
        }
        return new Piece(result.left(), parameters + reference + result.right(), true, List.of());
    }

    private Piece array() throws NotMangled {
        expect('A');
        var length = peek() == '_' ? "" : Long.toString(number());
        expect('_');
        var element = type();
        return new Piece(element.left(), " [" + length + "]" + element.right().stripLeading(), true, List.of());
    }

    private Piece dType() throws NotMangled {
        at++;
        char c = next();
        return switch (c) {
            case 'd' -> Piece.of("decimal64");
            case 'e' -> Piece.of("decimal128");
            case 'f' -> Piece.of("decimal32");
            case 'h' -> Piece.of("half");
            case 'i' -> Piece.of("char32_t");
            case 's' -> Piece.of("char16_t");
            case 'u' -> Piece.of("char8_t");
            case 'a' -> Piece.of("auto");
            case 'c' -> Piece.of("decltype(auto)");
            case 'n' -> Piece.of("decltype(nullptr)");
            case 'p' -> type();
            case 'o' -> {
                var piece = type();
                yield new Piece(piece.left(), piece.right() + " noexcept", piece.inner(), List.of());
            }
            case 'F' -> {
                long bits = number();
                boolean brain = take("b");
                if (!brain) {
                    expect('_');
                }
                yield Piece.of(brain ? "std::bfloat16_t" : "_Float" + bits);
            }
            case 'v' -> {
                long count = number();
                expect('_');
                yield remembered(Piece.of(type().text() + " __vector(" + count + ")"));
            }
            default -> throw new NotMangled();
        };
    }

    private static String builtin(char c) {
        return switch (c) {
            case 'v' -> "void";
            case 'w' -> "wchar_t";
            case 'b' -> "bool";
            case 'c' -> "char";
            case 'a' -> "signed char";
            case 'h' -> "unsigned char";
            case 's' -> "short";
            case 't' -> "unsigned short";
            case 'i' -> "int";
            case 'j' -> "unsigned int";
            case 'l' -> "long";
            case 'm' -> "unsigned long";
            case 'x' -> "long long";
            case 'y' -> "unsigned long long";
            case 'n' -> "__int128";
            case 'o' -> "unsigned __int128";
            case 'f' -> "float";
            case 'd' -> "double";
            case 'e' -> "long double";
            case 'g' -> "__float128";
            case 'z' -> "...";
            default -> "";
        };
    }
}
