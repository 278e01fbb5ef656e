package skep.dsl.check;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import skep.dsl.Type;
import skep.source.Diagnostics;
import skep.source.Span;

/**
 * Declarations of C as scripts have them: structures, unions, enumerations, type names.
 *
 * <pre>
 * declaration = [ "typedef" ] specifier [ declarator { "," declarator } ] ";"
 * specifier   = ( "struct" | "union" ) [ name ] [ "{" { member } "}" ] | "enum" [ name ] [ "{" … "}" ] | word { word }
 * declarator  = { "*" } name { "[" constant "]" } [ ":" constant ] | "(" "*" name ")" "(" … ")"
 * </pre>
 */
final class CParser {
    private final List<String> tokens = new ArrayList<>();
    private final Span span;
    private final CDeclarations declared;
    private final Function<String, Optional<Type>> elsewhere;
    private final Diagnostics diagnostics;
    private int at;
    private int anonymous;

    CParser(
            String text,
            Span span,
            CDeclarations declared,
            Function<String, Optional<Type>> elsewhere,
            Diagnostics diagnostics) {
        this.span = span;
        this.declared = declared;
        this.elsewhere = elsewhere;
        this.diagnostics = diagnostics;
        tokenize(text);
    }

    private void tokenize(String text) {
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c <= ' ') {
                i++;
            } else if (text.startsWith("//", i)) {
                int end = text.indexOf('\n', i);
                i = end < 0 ? text.length() : end;
            } else if (text.startsWith("/*", i)) {
                int end = text.indexOf("*/", i + 2);
                i = end < 0 ? text.length() : end + 2;
            } else if (Character.isJavaIdentifierPart(c)) {
                int from = i;
                while (i < text.length() && Character.isJavaIdentifierPart(text.charAt(i))) {
                    i++;
                }
                tokens.add(text.substring(from, i));
            } else {
                tokens.add(String.valueOf(c));
                i++;
            }
        }
    }

    private String peek() {
        return at < tokens.size() ? tokens.get(at) : "";
    }

    private String next() {
        return at < tokens.size() ? tokens.get(at++) : "";
    }

    private boolean accept(String token) {
        if (peek().equals(token)) {
            at++;
            return true;
        }
        return false;
    }

    private CheckError error(String message) {
        return new CheckError("c", span, message);
    }

    void declarations() {
        try {
            while (at < tokens.size()) {
                if (accept(";")) {
                    continue;
                }
                declaration();
            }
        } catch (CheckError problem) {
            problem.report(diagnostics);
        }
    }

    private void declaration() {
        boolean typedef = accept("typedef");
        var type = specifier();
        attributes();
        while (!peek().equals(";") && at < tokens.size() && !startsDeclaration()) {
            var declarator = declarator(type);
            if (typedef) {
                declared.addType(declarator.name, declarator.type);
            }
            if (!accept(",")) {
                break;
            }
        }
        if (peek().equals("{") || peek().equals("(")) {
            throw error("only declarations of types can stand here");
        }
        accept(";");
    }

    private boolean startsDeclaration() {
        return peek().equals("struct") || peek().equals("union") || peek().equals("enum") || peek().equals("typedef");
    }

    /** Whether a structure is packed, and its least alignment. */
    private record Attributes(boolean packed, int align) {}

    private Attributes attributes() {
        boolean packed = false;
        int align = 0;
        while (accept("__attribute__")) {
            int open = 0;
            do {
                var token = next();
                open += token.equals("(") ? 1 : token.equals(")") ? -1 : 0;
                packed |= token.contains("packed");
                if (token.contains("aligned") && accept("(")) {
                    align = Integer.parseInt(peek().replaceAll("\\D", "0"));
                    open++;
                }
            } while (open > 0 && at < tokens.size());
        }
        return new Attributes(packed, align);
    }

    private Type specifier() {
        while (accept("const") || accept("volatile") || accept("static") || accept("extern")) {}
        var word = next();
        return switch (word) {
            case "struct", "union" -> composite(word);
            case "enum" -> enumeration();
            default -> words(word);
        };
    }

    private Type words(String first) {
        var text = new StringBuilder(first);
        while (isCWord(peek())) {
            text.append(' ').append(next());
        }
        while (accept("const") || accept("volatile")) {}
        var name = text.toString();
        var normal = normal(name);
        var type = declared.type(normal).or(() -> elsewhere.apply(normal));
        return type.orElseThrow(() -> error("unknown type name '" + name + "'"));
    }

    private static boolean isCWord(String word) {
        return switch (word) {
            case "unsigned", "signed", "long", "short", "int", "char", "float", "double" -> true;
            default -> false;
        };
    }

    /** One spelling for the many orders in which C lets words stand. */
    private static String normal(String name) {
        if (!name.contains(" ") && !isCWord(name)) {
            return name;
        }
        var words = List.of(name.split(" "));
        if (!words.stream().allMatch(CParser::isCWord)) {
            return name;
        }
        if (words.contains("float") || words.contains("double")) {
            return words.contains("float") ? "float" : words.contains("long") ? "long double" : "double";
        }
        boolean unsigned = words.contains("unsigned");
        if (words.contains("char")) {
            return unsigned ? "uint8" : "int8";
        }
        if (words.contains("short")) {
            return unsigned ? "uint16" : "int16";
        }
        if (words.contains("long")) {
            return unsigned ? "uint64" : "int64";
        }
        return unsigned ? "uint32" : "int32";
    }

    private Type enumeration() {
        attributes();
        var name = peek().equals("{") ? "" : next();
        if (!accept("{")) {
            return declared.type("enum " + name)
                    .or(() -> elsewhere.apply("enum " + name))
                    .orElse(Type.INT32);
        }
        Map<Long, String> names = new HashMap<>();
        var order = new ArrayList<String>();
        var values = new HashMap<String, Long>();
        long value = 0;
        while (!peek().equals("}") && at < tokens.size()) {
            var enumerator = next();
            if (accept("=")) {
                var expression = new StringBuilder();
                int open = 0;
                while (at < tokens.size() && (open > 0 || !peek().equals(",") && !peek().equals("}"))) {
                    open += peek().equals("(") ? 1 : peek().equals(")") ? -1 : 0;
                    expression.append(next()).append(' ');
                }
                value = constant(expression.toString(), values);
            }
            names.putIfAbsent(value, enumerator);
            values.put(enumerator, value);
            order.add(enumerator);
            value++;
            accept(",");
        }
        accept("}");
        boolean signed = values.values().stream().anyMatch(v -> v < 0);
        boolean wide = values.values().stream().anyMatch(v -> v != v.intValue() && v != (v & 0xffff_ffffL));
        var type = new Type.Enum(name, wide ? 8 : 4, signed, names);
        for (var enumerator : order) {
            declared.addEnumerator(enumerator, values.get(enumerator), type);
        }
        if (!name.isEmpty()) {
            declared.addType("enum " + name, type);
            declared.addTypeIfAbsent(name, type);
        }
        return type;
    }

    private long constant(String text, Map<String, Long> own) {
        var replaced = text;
        for (var entry : own.entrySet()) {
            replaced = replaced.replaceAll("\\b" + entry.getKey() + "\\b", "(" + entry.getValue() + ")");
        }
        var joined = replaced.replace("< <", "<<")
                .replace("> >", ">>")
                .replace("& &", "&&")
                .replace("| |", "||");
        return new CConstants(declared)
                .evaluate(joined)
                .orElseThrow(() -> error("expected a constant, found '" + text.strip() + "'"));
    }

    private record Declarator(String name, Type type, int bits) {}

    private Type composite(String keyword) {
        var before = attributes();
        var tag = peek().equals("{") ? "" : next();
        var name = keyword + " " + (tag.isEmpty() ? "(anonymous " + anonymous++ + " at " + span.start() + ")" : tag);
        attributes();
        if (!accept("{")) {
            return declared.type(name)
                    .or(() -> elsewhere.apply(name))
                    .orElseGet(() -> new Type.Struct(
                            name,
                            0,
                            1,
                            () -> declared.type(name).map(CParser::fieldsOf).orElse(List.of())));
        }
        // A structure may point to itself: until its layout is known a name stands for it.
        var layout = new CLayout(keyword.equals("union"));
        while (!peek().equals("}") && at < tokens.size()) {
            members(layout);
        }
        accept("}");
        var after = attributes();
        layout.finish(before.packed || after.packed, Math.max(before.align, after.align));
        var type = new Type.Struct(name, layout.sizeBytes(), layout.alignBytes(), layout::fields);
        declared.addType(name, type);
        if (!tag.isEmpty()) {
            declared.addTypeIfAbsent(tag, type);
        }
        return type;
    }

    private static List<Type.Field> fieldsOf(Type type) {
        return type instanceof Type.Struct s ? s.fields().list() : List.of();
    }

    private void members(CLayout layout) {
        var type = specifier();
        attributes();
        if (accept(";")) {
            layout.add("", type, 0, false);
            return;
        }
        do {
            var declarator = declarator(type);
            attributes();
            layout.add(declarator.name, declarator.type, declarator.bits, declarator.bits >= 0);
        } while (accept(","));
        if (!accept(";") && !peek().equals("}")) {
            throw error("expected ';' at the end of a member of a structure");
        }
    }

    private Declarator declarator(Type base) {
        var type = base;
        while (accept("*")) {
            type = new Type.Pointer(type, Type.AddressSpace.ANY);
            while (accept("const") || accept("volatile") || accept("restrict") || accept("__restrict")) {}
        }
        if (accept("(")) {
            return functionPointer();
        }
        if (accept(":")) {
            return new Declarator("", type, (int) arrayLength(";"));
        }
        var name = next();
        if (name.isEmpty() || !Character.isJavaIdentifierStart(name.charAt(0))) {
            throw error("expected a name, found '" + name + "'");
        }
        var lengths = new ArrayList<Integer>();
        while (accept("[")) {
            lengths.add(peek().equals("]") ? 0 : (int) arrayLength("]"));
            accept("]");
        }
        for (int i = lengths.size() - 1; i >= 0; i--) {
            boolean text = i == lengths.size() - 1 && type.equals(Type.INT8) && isChar(base);
            type = text && lengths.get(i) > 0
                    ? new Type.Str(lengths.get(i), true)
                    : new Type.Array(type, lengths.get(i));
        }
        int bits = accept(":") ? (int) arrayLength(";") : -1;
        return new Declarator(name, type, bits);
    }

    /** Arrays of {@code char} are strings; those of {@code int8_t} are not told apart here. */
    private boolean isChar(Type base) {
        for (int i = at; i >= 0 && i > at - 8; i--) {
            if (i < tokens.size() && tokens.get(i).equals("char")) {
                return i == 0 || !tokens.get(i - 1).equals("unsigned");
            }
        }
        return !base.equals(Type.INT8);
    }

    private long arrayLength(String end) {
        var expression = new StringBuilder();
        while (at < tokens.size() && !peek().equals(end) && !peek().equals(",") && !peek().equals("}")) {
            expression.append(next()).append(' ');
        }
        return constant(expression.toString(), Map.of());
    }

    private Declarator functionPointer() {
        accept("*");
        var name = next();
        int open = 1;
        while (open > 0 && at < tokens.size()) {
            open += peek().equals("(") ? 1 : peek().equals(")") ? -1 : 0;
            next();
        }
        if (accept("(")) {
            open = 1;
            while (open > 0 && at < tokens.size()) {
                open += peek().equals("(") ? 1 : peek().equals(")") ? -1 : 0;
                next();
            }
        }
        return new Declarator(name, new Type.Pointer(Type.VOID, Type.AddressSpace.ANY), -1);
    }
}
