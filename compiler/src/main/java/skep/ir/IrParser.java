package skep.ir;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import skep.isa.AtomicOp;
import skep.isa.MemSize;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Helper;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.MapSpec;
import skep.source.Diagnostic;
import skep.source.Source;
import skep.source.Span;

/**
 * Reads the text form of {@link IrPrinter}. Each instruction gets the stretch of the text it was read from as its
 * span. A {@code #} starts a comment.
 */
public final class IrParser {
    private static final Pattern TOKEN = Pattern.compile(
            "\\s+|#[^\\n]*|\"(?:[^\"\\\\]|\\\\.)*\"|[%@]?[A-Za-z0-9_][A-Za-z0-9_.?]*|-\\d+|[-+(){}\\[\\]:,=]");

    private final Source source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private final Map<Integer, Type> types = new HashMap<>();

    private record Token(String text, int start, int end) {}

    private IrParser(Source source) {
        this.source = source;
        Matcher matcher = TOKEN.matcher(source.text());
        int position = 0;
        while (position < source.text().length()) {
            if (!matcher.find(position) || matcher.start() != position) {
                throw error("unexpected character", source.span(position, position + 1));
            }
            var text = matcher.group();
            if (!Character.isWhitespace(text.charAt(0)) && text.charAt(0) != '#') {
                tokens.add(new Token(text, position, matcher.end()));
            }
            position = matcher.end();
        }
        tokens.add(new Token("", position, position));
    }

    /**
     * Reads a module.
     *
     * @throws IrSyntaxException if the text is not one
     */
    public static Module parse(Source source) {
        return new IrParser(source).module();
    }

    public static Module parse(String text) {
        return parse(new Source("ir", text));
    }

    // module = { map | program | function }
    private Module module() {
        var functions = new ArrayList<Function>();
        var maps = new ArrayList<MapSpec>();
        while (!peek().isEmpty()) {
            switch (next()) {
                case "map" -> maps.add(map());
                case "program" -> functions.add(program());
                case "function" -> {
                    var name = name('@');
                    functions.add(function(name, Optional.empty(), type()));
                }
                default -> throw error("expected map, program or function");
            }
        }
        return new Module(functions, maps);
    }

    private MapSpec map() {
        var name = name('@');
        var type = row(MapType.class, next());
        return new MapSpec(name, type, field("key"), field("value"), field("entries"), field("flags"));
    }

    private int field(String word) {
        expect(word);
        return number32();
    }

    private Function program() {
        var name = name('@');
        var type = row(ProgramType.class, next());
        Optional<AttachType> attach = accept("attach") ? Optional.of(row(AttachType.class, next())) : Optional.empty();
        var attachTo = accept("to") ? string() : "";
        expect("license");
        return function(name, Optional.of(new ProgramInfo(type, attach, attachTo, string())), Type.I64);
    }

    private Function function(String name, Optional<ProgramInfo> program, Type result) {
        expect("{");
        types.clear();
        collectTypes();
        var blocks = new ArrayList<Block>();
        while (!accept("}")) {
            blocks.add(block());
        }
        if (blocks.isEmpty()) {
            throw error("a function has at least one block");
        }
        return new Function(name, program, result, blocks);
    }

    /** A value may be used above its definition in the text: all {@code %n: type} of the function are read first. */
    private void collectTypes() {
        for (int i = at; !tokens.get(i).text.isEmpty() && !tokens.get(i).text.equals("}"); i++) {
            if (tokens.get(i).text.startsWith("%") && tokens.get(i + 1).text.equals(":")) {
                var id = Integer.parseInt(tokens.get(i).text.substring(1));
                var type = Type.ofText(tokens.get(i + 2).text);
                if (type.isPresent()) {
                    types.put(id, type.get());
                }
            }
        }
    }

    private Block block() {
        int id = blockId();
        var params = new ArrayList<Value>();
        if (accept("(")) {
            do {
                params.add(definition());
            } while (accept(","));
            expect(")");
        }
        expect(":");
        var insts = new ArrayList<Inst>();
        while (!isTerminator(peek())) {
            insts.add(inst());
        }
        return new Block(id, params, insts, terminator());
    }

    private static boolean isTerminator(String word) {
        return word.equals("jump") || word.equals("branch") || word.equals("switch") || word.equals("return");
    }

    private Terminator terminator() {
        int start = at;
        return switch (next()) {
            case "jump" -> {
                var edge = edge();
                yield new Terminator.Jump(span(start), edge);
            }
            case "branch" -> {
                var condition = value();
                expect(",");
                var then = edge();
                expect(",");
                var otherwise = edge();
                yield new Terminator.Branch(span(start), condition, then, otherwise);
            }
            case "switch" -> {
                var value = value();
                expect(",");
                var otherwise = edge();
                expect("[");
                var cases = new ArrayList<Terminator.Switch.Case>();
                while (!accept("]")) {
                    long number = number();
                    expect(":");
                    cases.add(new Terminator.Switch.Case(number, edge()));
                    accept(",");
                }
                yield new Terminator.Switch(span(start), value, cases, otherwise);
            }
            default -> new Terminator.Return(span(start), value());
        };
    }

    private Terminator.Edge edge() {
        int id = blockId();
        return new Terminator.Edge(id, peek().equals("(") ? args() : List.of());
    }

    private Inst inst() {
        int start = at;
        if (!peek().startsWith("%")) {
            return effect(start);
        }
        var result = definition();
        expect("=");
        var word = next();
        var parts = word.split("\\.");
        return switch (parts[0]) {
            case "const" -> {
                long number = number();
                yield new Inst.Const(span(start), result, number);
            }
            case "neg" -> {
                var a = value();
                yield new Inst.Neg(span(start), result, a);
            }
            case "bswap16", "bswap32", "bswap64" -> {
                var a = value();
                yield new Inst.Swap(span(start), result, Integer.parseInt(word.substring(5)), a);
            }
            case "cmp" -> {
                var op = row(CompareOp.class, parts[1]);
                var a = value();
                expect(",");
                var b = value();
                yield new Inst.Compare(span(start), result, op, a, b);
            }
            case "select" -> {
                var c = value();
                expect(",");
                var a = value();
                expect(",");
                var b = value();
                yield new Inst.Select(span(start), result, c, a, b);
            }
            case "zext", "sext", "trunc", "ptrtoint", "inttoptr", "ptrcast" -> {
                var a = value();
                yield new Inst.Cast(span(start), result, row(CastOp.class, word), a);
            }
            case "ptradd" -> {
                var a = value();
                expect(",");
                var b = value();
                yield new Inst.PtrAdd(span(start), result, a, b);
            }
            case "opaque" -> {
                var a = value();
                yield new Inst.Opaque(span(start), result, a);
            }
            case "load" -> {
                var base = value();
                int offset = offset();
                yield new Inst.Load(span(start), result, size(parts[1]), parts[1].startsWith("s"), base, offset);
            }
            case "atomic" -> {
                var base = value();
                int offset = offset();
                expect(",");
                var value = value();
                var op = row(AtomicOp.class, parts[1]);
                yield new Inst.AtomicUpdate(span(start), result, op, size(parts[2]), base, offset, value);
            }
            case "cmpxchg" -> {
                var base = value();
                int offset = offset();
                expect(",");
                var expected = value();
                expect(",");
                var value = value();
                yield new Inst.CompareExchange(span(start), result, size(parts[1]), base, offset, expected, value);
            }
            case "slot" -> {
                int size = number32();
                int align = field("align");
                var name = string();
                yield new Inst.StackSlot(span(start), result, size, align, name);
            }
            case "map" -> {
                var name = name('@');
                yield new Inst.MapRef(span(start), result, name);
            }
            case "mapvalue" -> {
                var name = name('@');
                int offset = offset();
                yield new Inst.MapValueRef(span(start), result, name, offset);
            }
            case "kernelvar" -> {
                var name = name('@');
                int id = field("id");
                yield new Inst.KernelVariable(span(start), result, name, id);
            }
            case "func" -> {
                var name = name('@');
                yield new Inst.FunctionRef(span(start), result, name);
            }
            case "helper" -> {
                var helper = row(Helper.class, next());
                var args = args();
                yield new Inst.CallHelper(span(start), result, helper, args);
            }
            case "kfunc" -> {
                var name = next();
                int id = field("id");
                var args = args();
                yield new Inst.CallKfunc(span(start), result, name, id, args);
            }
            case "call" -> {
                var name = name('@');
                var args = args();
                yield new Inst.Call(span(start), result, name, args);
            }
            default -> {
                var op = row(BinaryOp.class, word);
                var a = value();
                expect(",");
                var b = value();
                yield new Inst.Binary(span(start), result, op, a, b);
            }
        };
    }

    private Inst effect(int start) {
        var word = next();
        if (word.startsWith("store.")) {
            var base = value();
            int offset = offset();
            expect(",");
            var value = value();
            return new Inst.Store(span(start), size(word.substring(6)), base, offset, value);
        }
        if (word.equals("zero")) {
            var base = value();
            int offset = offset();
            expect(",");
            int size = number32();
            int align = field("align");
            return new Inst.Zero(span(start), base, offset, size, align);
        }
        if (word.equals("copy")) {
            var target = value();
            int targetOffset = offset();
            expect(",");
            var from = value();
            int fromOffset = offset();
            expect(",");
            int size = number32();
            int align = field("align");
            return new Inst.Copy(span(start), target, targetOffset, from, fromOffset, size, align);
        }
        throw error("unknown instruction " + word);
    }

    private MemSize size(String text) {
        return switch (text) {
            case "u8", "s8" -> MemSize.B;
            case "u16", "s16" -> MemSize.H;
            case "u32", "s32" -> MemSize.W;
            case "u64", "s64" -> MemSize.DW;
            default -> throw error("unknown size " + text);
        };
    }

    private Value definition() {
        var id = valueId();
        expect(":");
        return new Value(id, type());
    }

    private Value value() {
        int id = valueId();
        var type = types.get(id);
        if (type == null) {
            throw error("%" + id + " is defined nowhere");
        }
        return new Value(id, type);
    }

    private int valueId() {
        var text = next();
        if (!text.matches("%\\d{1,9}")) {
            throw error("expected a value");
        }
        return Integer.parseInt(text.substring(1));
    }

    private int blockId() {
        var text = next();
        if (!text.matches("b\\d{1,9}")) {
            throw error("expected a block");
        }
        return Integer.parseInt(text.substring(1));
    }

    private List<Value> args() {
        expect("(");
        var list = new ArrayList<Value>();
        while (!accept(")")) {
            list.add(value());
            accept(",");
        }
        return list;
    }

    private int offset() {
        if (accept("+")) {
            return number32();
        }
        if (accept("-")) {
            return -number32();
        }
        return 0;
    }

    private Type type() {
        var text = next();
        return Type.ofText(text).orElseThrow(() -> error("unknown type " + text));
    }

    private long number() {
        try {
            return Long.parseLong(next());
        } catch (NumberFormatException e) {
            throw error("expected a number");
        }
    }

    private int number32() {
        long number = number();
        if (number != (int) number) {
            throw error("number out of range");
        }
        return (int) number;
    }

    private String name(char sigil) {
        var text = next();
        if (text.length() < 2 || text.charAt(0) != sigil) {
            throw error("expected a name with " + sigil);
        }
        return text.substring(1);
    }

    private String string() {
        var text = next();
        if (!text.startsWith("\"")) {
            throw error("expected a string");
        }
        return text.substring(1, text.length() - 1)
                .replace("\\n", "\n")
                .replace("\\\"", "\"")
                .replace("\\\\", "\\");
    }

    private <E extends Enum<E>> E row(Class<E> table, String name) {
        try {
            return Enum.valueOf(table, name.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw error("unknown " + table.getSimpleName() + " " + name);
        }
    }

    private String peek() {
        return tokens.get(at).text;
    }

    private String next() {
        var text = peek();
        if (at < tokens.size() - 1) {
            at++;
        }
        return text;
    }

    private boolean accept(String text) {
        if (peek().equals(text)) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(String text) {
        if (!accept(text)) {
            at++;
            throw error("expected " + text);
        }
    }

    private Span span(int startToken) {
        return source.span(tokens.get(startToken).start, tokens.get(at - 1).end);
    }

    private IrSyntaxException error(String message) {
        var token = tokens.get(Math.clamp(at - 1, 0, tokens.size() - 1));
        return error(message, source.span(token.start, token.end));
    }

    private static IrSyntaxException error(String message, Span span) {
        return new IrSyntaxException(Diagnostic.error("ir-syntax", span, message, ""));
    }
}
