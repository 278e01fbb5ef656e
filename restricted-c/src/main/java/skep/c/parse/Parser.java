package skep.c.parse;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import skep.c.lex.Token;
import skep.source.Diagnostics;
import skep.source.Span;

/**
 * The parser of C as BPF programs use it: declarations and statements here, expressions in {@link ExpressionParser}.
 * After an error it goes on behind the next semicolon or brace, so that one run tells several mistakes.
 */
public final class Parser {
    static final Set<String> KEYWORDS = Set.of(
            "auto",
            "break",
            "case",
            "char",
            "const",
            "continue",
            "default",
            "do",
            "double",
            "else",
            "enum",
            "extern",
            "float",
            "for",
            "goto",
            "if",
            "inline",
            "int",
            "long",
            "register",
            "restrict",
            "return",
            "short",
            "signed",
            "sizeof",
            "static",
            "struct",
            "switch",
            "typedef",
            "union",
            "unsigned",
            "void",
            "volatile",
            "while",
            "_Bool",
            "_Alignof",
            "_Static_assert",
            "_Thread_local");
    private static final Set<String> STORAGE = Set.of(
            "typedef", "extern", "static", "inline", "register", "auto", "_Thread_local", "__inline", "__inline__");
    private static final Set<String> QUALIFIERS = Set.of(
            "const",
            "volatile",
            "restrict",
            "__const",
            "__volatile__",
            "__volatile",
            "__restrict",
            "__restrict__",
            "__extension__",
            "_Noreturn",
            "__user",
            "__kernel",
            "__rcu",
            "__percpu",
            "__iomem");
    private static final Set<String> BASIC = Set.of(
            "void",
            "char",
            "short",
            "int",
            "long",
            "signed",
            "unsigned",
            "_Bool",
            "float",
            "double",
            "__int128",
            "__signed__",
            "__int128_t",
            "__uint128_t");

    final TokenCursor cursor;
    final Diagnostics diagnostics;
    private final TypeNames known;
    private final ExpressionParser expressions;

    /** For each scope, which names are types (true) and which have been declared as something else (false). */
    private final Deque<Map<String, Boolean>> scopes = new ArrayDeque<>();

    private Parser(List<Token> tokens, TypeNames known, Diagnostics diagnostics) {
        this.cursor = new TokenCursor(tokens);
        this.known = known;
        this.diagnostics = diagnostics;
        this.expressions = new ExpressionParser(this);
        scopes.push(new HashMap<>());
    }

    /** Parses what the preprocessor made of a source. Where a part is wrong, a diagnostic says so and the part is missing. */
    public static TranslationUnit parse(List<Token> tokens, TypeNames known, Diagnostics diagnostics) {
        return new Parser(tokens, known, diagnostics).unit();
    }

    /** Parses one expression, for example the value of a macro; empty if it is none, without a diagnostic. */
    public static Optional<Expr> expression(List<Token> tokens, TypeNames known) {
        var silent = new Diagnostics();
        if (tokens.isEmpty()) {
            return Optional.empty();
        }
        var last = tokens.getLast();
        var ended = new ArrayList<>(tokens);
        ended.add(new Token(Token.Kind.END, "", last.span(), true, true));
        var parser = new Parser(ended, known, silent);
        try {
            var expr = parser.expressions.expression();
            return parser.cursor.peek().isEnd() && !silent.hasErrors() ? Optional.of(expr) : Optional.empty();
        } catch (SyntaxError e) {
            return Optional.empty();
        }
    }

    /** Parses one type name, for example the argument of a map macro; empty if it is none. */
    public static Optional<CType> typeName(List<Token> tokens, TypeNames known) {
        if (tokens.isEmpty()) {
            return Optional.empty();
        }
        var ended = new ArrayList<>(tokens);
        ended.add(new Token(Token.Kind.END, "", tokens.getLast().span(), true, true));
        var parser = new Parser(ended, known, new Diagnostics());
        try {
            var type = parser.typeName();
            return parser.cursor.peek().isEnd() ? Optional.of(type) : Optional.empty();
        } catch (SyntaxError e) {
            return Optional.empty();
        }
    }

    /** Unwinds to where parsing can go on; the diagnostic has been given. */
    static final class SyntaxError extends RuntimeException {
        private static final long serialVersionUID = 1;

        SyntaxError() {
            super("syntax error", null, false, false);
        }
    }

    SyntaxError error(String message) {
        return error(cursor.peek().span(), message);
    }

    SyntaxError error(Span span, String message) {
        diagnostics.error("c-syntax", span, message);
        return new SyntaxError();
    }

    // Externals

    private TranslationUnit unit() {
        var externals = new ArrayList<TranslationUnit.External>();
        while (!cursor.peek().isEnd()) {
            if (cursor.accept(";") || cursor.acceptPragma().isPresent()) {
                continue;
            }
            int start = cursor.position();
            try {
                external().ifPresent(externals::add);
            } catch (SyntaxError e) {
                cursor.recover(start);
            }
        }
        return new TranslationUnit(externals);
    }

    // external = invocation | specifiers declarator block | declaration | "_Static_assert" "(" … ")" ";"
    private Optional<TranslationUnit.External> external() {
        var first = cursor.peek();
        if (first.is("_Static_assert") || first.is("asm") || first.is("__asm__")) {
            cursor.next();
            cursor.skipParentheses();
            cursor.accept(";");
            return Optional.empty();
        }
        if (first.kind() == Token.Kind.IDENTIFIER
                && cursor.peek(1).is("(")
                && !KEYWORDS.contains(first.text())
                && !startsDeclaration(first)) {
            return Optional.of(invocation());
        }
        var specifiers = specifiers();
        if (cursor.accept(";")) {
            return Optional.of(new TranslationUnit.Declared(new Declaration(
                    cursor.spanFrom(first), specifiers.storage, specifiers.type, List.of(), specifiers.attributes)));
        }
        var declarator = declarator(specifiers.type);
        if (declarator.type() instanceof CType.Function function
                && cursor.peek().is("{")) {
            declare(declarator.name(), false);
            scopes.push(new HashMap<>());
            function.parameters().forEach(p -> declare(p.name(), false));
            var attributes = new ArrayList<>(specifiers.attributes);
            attributes.addAll(declarator.attributes());
            try {
                var body = block();
                return Optional.of(new TranslationUnit.FunctionDefinition(
                        cursor.spanFrom(first), declarator.name(), function, specifiers.storage, attributes, body));
            } finally {
                scopes.pop();
            }
        }
        return Optional.of(new TranslationUnit.Declared(rest(first, specifiers, declarator)));
    }

    private TranslationUnit.Invocation invocation() {
        var name = cursor.next();
        var args = cursor.arguments().orElseThrow(() -> error("expected ')'"));
        Optional<Stmt.Block> body = Optional.empty();
        if (cursor.peek().is("{")) {
            scopes.push(new HashMap<>());
            try {
                body = Optional.of(block());
            } finally {
                scopes.pop();
            }
        } else if (!cursor.accept(";")) {
            throw error("expected ';' or a body behind '" + name.text() + "(…)'");
        }
        return new TranslationUnit.Invocation(cursor.spanFrom(name), name.text(), args, body);
    }

    // Declarations

    /** Whether a declaration, and not an expression, begins with this token. */
    boolean startsDeclaration(Token token) {
        return token.kind() == Token.Kind.IDENTIFIER
                && (STORAGE.contains(token.text()) || token.is("_Static_assert") || startsType(token));
    }

    boolean startsType(Token token) {
        if (token.kind() != Token.Kind.IDENTIFIER) {
            return false;
        }
        var text = token.text();
        return BASIC.contains(text)
                || QUALIFIERS.contains(text)
                || text.equals("struct")
                || text.equals("union")
                || text.equals("enum")
                || isTypeof(text)
                || text.equals("__attribute__")
                || isTypeName(text);
    }

    private static boolean isTypeof(String text) {
        return text.equals("typeof") || text.equals("__typeof__") || text.equals("__typeof");
    }

    private boolean isTypeName(String name) {
        for (var scope : scopes) {
            var found = scope.get(name);
            if (found != null) {
                return found;
            }
        }
        return !KEYWORDS.contains(name) && known.isTypeName(name);
    }

    private void declare(String name, boolean type) {
        if (!name.isEmpty()) {
            scopes.element().put(name, type);
        }
    }

    // declaration = specifiers [ init-declarator { "," init-declarator } ] ";"
    Declaration declaration() {
        var first = cursor.peek();
        var specifiers = specifiers();
        if (cursor.accept(";")) {
            return new Declaration(
                    cursor.spanFrom(first), specifiers.storage, specifiers.type, List.of(), specifiers.attributes);
        }
        return rest(first, specifiers, declarator(specifiers.type));
    }

    private Declaration rest(Token first, Specifiers specifiers, Declaration.Declarator firstDeclarator) {
        var declarators = new ArrayList<Declaration.Declarator>();
        var declarator = firstDeclarator;
        while (true) {
            declare(declarator.name(), specifiers.storage.contains("typedef"));
            if (cursor.accept("=")) {
                declarator = new Declaration.Declarator(
                        declarator.name(),
                        declarator.type(),
                        Optional.of(initializer()),
                        declarator.attributes(),
                        declarator.span());
            }
            declarators.add(declarator);
            if (!cursor.accept(",")) {
                break;
            }
            declarator = declarator(specifiers.type);
        }
        expect(";", "expected ';' at end of declaration");
        return new Declaration(
                cursor.spanFrom(first), specifiers.storage, specifiers.type, declarators, specifiers.attributes);
    }

    private record Specifiers(Set<String> storage, CType type, List<CType.Attribute> attributes) {}

    private Specifiers specifiers() {
        var first = cursor.peek();
        Set<String> storage = new LinkedHashSet<>();
        var words = new ArrayList<String>();
        var attributes = new ArrayList<CType.Attribute>();
        Optional<CType> type = Optional.empty();
        while (cursor.peek().kind() == Token.Kind.IDENTIFIER) {
            var token = cursor.peek();
            var text = token.text();
            if (STORAGE.contains(text)) {
                storage.add(text.startsWith("__inline") ? "inline" : text);
                cursor.next();
            } else if (QUALIFIERS.contains(text)) {
                cursor.next();
            } else if (text.equals("__attribute__") || text.equals("_Alignas")) {
                attributes.addAll(attributes());
            } else if (BASIC.contains(text)) {
                words.add(text);
                cursor.next();
            } else if (type.isPresent() || !words.isEmpty()) {
                break;
            } else if (text.equals("struct") || text.equals("union")) {
                type = Optional.of(composite());
            } else if (text.equals("enum")) {
                type = Optional.of(enumeration());
            } else if (isTypeof(text)) {
                type = Optional.of(typeOf());
            } else if (isTypeName(text)) {
                cursor.next();
                type = Optional.of(new CType.Named(text, token.span()));
            } else {
                break;
            }
        }
        if (!words.isEmpty()) {
            type = Optional.of(new CType.Basic(BasicTypes.canonical(words)
                    .orElseThrow(() -> error(first.span(), "cannot combine " + String.join(" ", words)))));
        }
        if (type.isEmpty()) {
            var unknown = cursor.peek();
            throw unknown.kind() == Token.Kind.IDENTIFIER && !KEYWORDS.contains(unknown.text())
                    ? error("unknown type name '" + unknown.text() + "'")
                    : error("expected a type");
        }
        return new Specifiers(storage, type.get(), attributes);
    }

    private CType typeOf() {
        cursor.next();
        expect("(", "expected '(' after 'typeof'");
        var type = startsType(cursor.peek()) ? typeName() : new CType.TypeOf(expressions.expression());
        expect(")", "expected ')'");
        return type;
    }

    // composite = ( "struct" | "union" ) [ attributes ] [ tag ] [ "{" { fields } "}" ] [ attributes ]
    private CType composite() {
        var word = cursor.next();
        var attributes = new ArrayList<>(attributes());
        var tag = cursor.peek().kind() == Token.Kind.IDENTIFIER ? cursor.next().text() : "";
        Optional<List<CType.Field>> fields = Optional.empty();
        if (cursor.accept("{")) {
            var list = new ArrayList<CType.Field>();
            while (!cursor.accept("}")) {
                if (cursor.peek().isEnd()) {
                    throw error("expected '}'");
                }
                if (!cursor.accept(";") && cursor.acceptPragma().isEmpty()) {
                    fields(list);
                }
            }
            fields = Optional.of(list);
            attributes.addAll(attributes());
        } else if (tag.isEmpty()) {
            throw error("declaration of anonymous " + word.text() + " must be a definition");
        }
        return new CType.Composite(word.is("union"), tag, fields, attributes, cursor.spanFrom(word));
    }

    private void fields(List<CType.Field> out) {
        var first = cursor.peek();
        var specifiers = specifiers();
        if (cursor.accept(";")) {
            out.add(new CType.Field(
                    "", specifiers.type, Optional.empty(), specifiers.attributes, cursor.spanFrom(first)));
            return;
        }
        do {
            if (cursor.peek().is(":")) {
                cursor.next();
                out.add(new CType.Field(
                        "",
                        specifiers.type,
                        Optional.of(expressions.conditional()),
                        List.of(),
                        cursor.spanFrom(first)));
                continue;
            }
            var declarator = declarator(specifiers.type);
            Optional<Expr> bits = cursor.accept(":") ? Optional.of(expressions.conditional()) : Optional.empty();
            var attributes = new ArrayList<>(specifiers.attributes);
            attributes.addAll(declarator.attributes());
            attributes.addAll(attributes());
            out.add(new CType.Field(declarator.name(), declarator.type(), bits, attributes, declarator.span()));
        } while (cursor.accept(","));
        expect(";", "expected ';' at end of declaration list");
    }

    // enumeration = "enum" [ tag ] [ "{" constant { "," constant } [ "," ] "}" ]
    private CType enumeration() {
        var word = cursor.next();
        attributes();
        var tag = cursor.peek().kind() == Token.Kind.IDENTIFIER ? cursor.next().text() : "";
        Optional<List<CType.Constant>> constants = Optional.empty();
        if (cursor.accept("{")) {
            var list = new ArrayList<CType.Constant>();
            while (!cursor.accept("}")) {
                var name = identifier();
                attributes();
                Optional<Expr> value = cursor.accept("=") ? Optional.of(expressions.conditional()) : Optional.empty();
                declare(name.text(), false);
                list.add(new CType.Constant(name.text(), value, name.span()));
                if (!cursor.accept(",") && !cursor.peek().is("}")) {
                    throw error("expected ',' or '}'");
                }
            }
            attributes();
            constants = Optional.of(list);
        } else if (tag.isEmpty()) {
            throw error("expected an enumeration's name or '{'");
        }
        return new CType.Enumeration(tag, constants, cursor.spanFrom(word));
    }

    private List<CType.Attribute> attributes() {
        var list = new ArrayList<CType.Attribute>();
        while (true) {
            if (cursor.accept("_Alignas")) {
                var args = cursor.arguments().orElseThrow(() -> error("expected '('"));
                list.add(new CType.Attribute(
                        "aligned", args.getFirst().stream().map(Token::text).toList()));
            } else if (cursor.accept("__attribute__") || cursor.accept("__attribute")) {
                expect("(", "expected '(' after attribute");
                expect("(", "expected '(' after attribute");
                while (!cursor.accept(")")) {
                    if (cursor.accept(",")) {
                        continue;
                    }
                    var name = cursor.next().text().replaceAll("^__|__$", "");
                    var args = new ArrayList<String>();
                    if (cursor.peek().is("(")) {
                        for (var arg : cursor.arguments().orElseThrow(() -> error("expected ')'"))) {
                            arg.forEach(t -> args.add(t.text()));
                        }
                    }
                    list.add(new CType.Attribute(name, args));
                    if (cursor.peek().isEnd()) {
                        throw error("expected ')'");
                    }
                }
                expect(")", "expected ')'");
            } else if (cursor.peek().is("asm") || cursor.peek().is("__asm__")) {
                cursor.next();
                cursor.skipParentheses();
            } else {
                return list;
            }
        }
    }

    // declarator = { "*" { qualifier } } ( name | "(" declarator ")" ) { "[" size "]" | "(" parameters ")" } [
    // attributes ]
    private Declaration.Declarator declarator(CType base) {
        var first = cursor.peek();
        var shape = shape();
        var attributes = new ArrayList<>(shape.attributes);
        attributes.addAll(attributes());
        if (shape.name.isEmpty()) {
            throw error("expected identifier or '('");
        }
        return new Declaration.Declarator(
                shape.name, shape.apply(base), Optional.empty(), attributes, cursor.spanFrom(first));
    }

    /** Makes the declared type of the one that the specifiers name. */
    private interface Wrap {
        CType apply(CType inner);
    }

    private static final class Shape {
        String name = "";
        final List<CType.Attribute> attributes = new ArrayList<>();
        /** In the order in which they apply to the base. */
        final List<Wrap> wraps = new ArrayList<>();

        CType apply(CType base) {
            var type = base;
            for (var wrap : wraps) {
                type = wrap.apply(type);
            }
            return type;
        }
    }

    private Shape shape() {
        var shape = new Shape();
        int pointers = 0;
        while (true) {
            if (cursor.accept("*")) {
                pointers++;
            } else if (QUALIFIERS.contains(cursor.peek().text())) {
                cursor.next();
            } else if (cursor.peek().is("__attribute__")) {
                shape.attributes.addAll(attributes());
            } else {
                break;
            }
        }
        for (int i = 0; i < pointers; i++) {
            shape.wraps.add(CType.Pointer::new);
        }
        Optional<Shape> inner = Optional.empty();
        if (cursor.peek().is("(") && isNestedDeclarator()) {
            cursor.next();
            inner = Optional.of(shape());
            expect(")", "expected ')'");
        } else if (cursor.peek().kind() == Token.Kind.IDENTIFIER
                && !KEYWORDS.contains(cursor.peek().text())) {
            shape.name = cursor.next().text();
        }
        // int a[2][3] is an array of 2 arrays of 3: the suffixes apply from right to left.
        var suffixes = new ArrayList<Wrap>();
        while (true) {
            if (cursor.accept("[")) {
                while (cursor.accept("static") || cursor.accept("const") || cursor.accept("restrict")) {
                    // Promises to the caller say nothing of the type.
                }
                Optional<Expr> size = cursor.peek().is("]") ? Optional.empty() : Optional.of(expressions.assignment());
                expect("]", "expected ']'");
                suffixes.add(element -> new CType.Array(element, size));
            } else if (cursor.peek().is("(")) {
                var function = parameters();
                suffixes.add(result -> new CType.Function(result, function.parameters(), function.variadic()));
            } else {
                break;
            }
        }
        shape.wraps.addAll(suffixes.reversed());
        if (inner.isPresent()) {
            shape.name = inner.get().name;
            shape.attributes.addAll(inner.get().attributes);
            shape.wraps.addAll(inner.get().wraps);
        }
        return shape;
    }

    /** {@code (*f)} or {@code (f)}, not {@code (int)} or {@code ()}: those are parameters. */
    private boolean isNestedDeclarator() {
        var inside = cursor.peek(1);
        return inside.is("*")
                || inside.is("(")
                || inside.is("__attribute__")
                || inside.kind() == Token.Kind.IDENTIFIER && !startsDeclaration(inside);
    }

    private CType.Function parameters() {
        expect("(", "expected '('");
        var list = new ArrayList<CType.Parameter>();
        boolean variadic = false;
        if (cursor.peek().is("void") && cursor.peek(1).is(")")) {
            cursor.next();
        }
        while (!cursor.accept(")")) {
            if (cursor.accept("...")) {
                variadic = true;
                continue;
            }
            var first = cursor.peek();
            var specifiers = specifiers();
            var shape = shape();
            attributes();
            var type = switch (shape.apply(specifiers.type)) {
                case CType.Array a -> new CType.Pointer(a.element());
                case CType.Function f -> new CType.Pointer(f);
                case CType t -> t;
            };
            list.add(new CType.Parameter(shape.name, type, cursor.spanFrom(first)));
            if (!cursor.accept(",") && !cursor.peek().is(")")) {
                throw error("expected ',' or ')' in parameter list");
            }
        }
        return new CType.Function(new CType.Basic("void"), list, variadic);
    }

    /** A type without a name: in casts and {@code sizeof}. */
    CType typeName() {
        var specifiers = specifiers();
        var shape = shape();
        if (!shape.name.isEmpty()) {
            throw error("expected ')'");
        }
        return shape.apply(specifiers.type);
    }

    // initializer = assignment | "{" [ item { "," item } [ "," ] ] "}"
    Initializer initializer() {
        return cursor.peek().is("{") ? braces() : new Initializer.Value(expressions.assignment());
    }

    Initializer.Braces braces() {
        var first = cursor.peek();
        expect("{", "expected '{'");
        var items = new ArrayList<Initializer.Item>();
        while (!cursor.accept("}")) {
            var designators = designators();
            items.add(new Initializer.Item(designators, initializer()));
            if (!cursor.accept(",") && !cursor.peek().is("}")) {
                throw error("expected ',' or '}' in initializer");
            }
        }
        return new Initializer.Braces(cursor.spanFrom(first), items);
    }

    private List<Initializer.Designator> designators() {
        var list = new ArrayList<Initializer.Designator>();
        while (true) {
            if (cursor.peek().is(".")) {
                cursor.next();
                var name = identifier();
                list.add(new Initializer.Designator.OfMember(name.text(), name.span()));
            } else if (cursor.accept("[")) {
                var first = expressions.conditional();
                Optional<Expr> last = cursor.accept("...") ? Optional.of(expressions.conditional()) : Optional.empty();
                expect("]", "expected ']'");
                list.add(new Initializer.Designator.OfIndex(first, last));
            } else {
                break;
            }
        }
        if (!list.isEmpty()) {
            expect("=", "expected '=' after designator");
        } else if (cursor.peek().kind() == Token.Kind.IDENTIFIER
                && cursor.peek(1).is(":")) {
            // GNU's old form: name: value.
            var name = identifier();
            cursor.next();
            list.add(new Initializer.Designator.OfMember(name.text(), name.span()));
        }
        return list;
    }

    // Statements

    Stmt.Block block() {
        var first = cursor.peek();
        expect("{", "expected '{'");
        scopes.push(new HashMap<>());
        var statements = new ArrayList<Stmt>();
        try {
            while (!cursor.accept("}")) {
                if (cursor.peek().isEnd()) {
                    throw error(first.span(), "expected '}' to match this '{'");
                }
                int start = cursor.position();
                try {
                    statements.add(statement());
                } catch (SyntaxError e) {
                    cursor.recoverInBlock(start);
                }
            }
        } finally {
            scopes.pop();
        }
        return new Stmt.Block(cursor.spanFrom(first), statements);
    }

    private Stmt statement() {
        var first = cursor.peek();
        if (first.kind() == Token.Kind.PRAGMA) {
            return afterPragma();
        }
        if (first.kind() == Token.Kind.IDENTIFIER) {
            if (cursor.peek(1).is(":") && !KEYWORDS.contains(first.text())) {
                cursor.next();
                cursor.next();
                return new Stmt.Label(first.span(), first.text(), labelled(first));
            }
            var keyword = keywordStatement(first);
            if (keyword.isPresent()) {
                return keyword.get();
            }
            if (startsDeclaration(first) && !cursor.peek(1).is("(")
                    || STORAGE.contains(first.text())
                    || isTypeof(first.text())) {
                var declaration = declaration();
                return new Stmt.Declare(declaration.span(), declaration);
            }
        }
        if (first.is("{")) {
            return block();
        }
        if (cursor.accept(";")) {
            return new Stmt.Empty(first.span());
        }
        var expr = expressions.expression();
        expect(";", "expected ';' after expression");
        return new Stmt.Evaluate(cursor.spanFrom(first), expr);
    }

    /** The statement behind a label; at the end of a block there may be none. */
    private Stmt labelled(Token label) {
        return cursor.peek().is("}") ? new Stmt.Empty(label.span()) : statement();
    }

    private Stmt afterPragma() {
        var pragma = cursor.next();
        var statement = cursor.peek().is("}") ? new Stmt.Empty(pragma.span()) : statement();
        var words = pragma.text().replaceAll("[()]", " ").strip().split("\\s+");
        int at = words[0].equals("clang") && words.length > 2 && words[1].equals("loop") ? 2 : 0;
        boolean unrolls = words.length > at && words[at].startsWith("unroll");
        if (unrolls && statement instanceof Stmt.For loop) {
            int times =
                    words.length > at + 1 && words[at + 1].matches("\\d{1,6}") ? Integer.parseInt(words[at + 1]) : -1;
            return new Stmt.For(loop.span(), loop.start(), loop.condition(), loop.step(), loop.body(), times);
        }
        return statement;
    }

    private Optional<Stmt> keywordStatement(Token first) {
        switch (first.text()) {
            case "if", "while", "switch", "for", "do", "case", "default", "goto", "continue", "break", "return" ->
                cursor.next();
            case "asm", "__asm__", "__asm" -> {
                cursor.next();
                while (cursor.accept("volatile") || cursor.accept("__volatile__") || cursor.accept("goto")) {
                    // Nothing here moves assembly about.
                }
                var args = cursor.parenthesized().orElseThrow(() -> error("expected '(' after 'asm'"));
                expect(";", "expected ';' after asm");
                return Optional.of(new Stmt.Asm(
                        cursor.spanFrom(first), args.stream().map(Token::text).toList()));
            }
            case "_Static_assert" -> {
                cursor.next();
                cursor.skipParentheses();
                cursor.accept(";");
                return Optional.of(new Stmt.Empty(first.span()));
            }
            default -> {
                return Optional.empty();
            }
        }
        return Optional.of(
                switch (first.text()) {
                    case "if" -> ifStatement(first);
                    case "while" -> {
                        var condition = parenthesizedExpression();
                        yield new Stmt.While(first.span(), condition, statement());
                    }
                    case "switch" -> {
                        var value = parenthesizedExpression();
                        yield new Stmt.Switch(first.span(), value, statement());
                    }
                    case "for" -> forStatement(first);
                    case "do" -> {
                        var body = statement();
                        expect("while", "expected 'while' in do/while loop");
                        var condition = parenthesizedExpression();
                        expect(";", "expected ';' after do/while statement");
                        yield new Stmt.DoWhile(first.span(), body, condition);
                    }
                    case "case" -> {
                        var value = expressions.conditional();
                        Optional<Expr> last =
                                cursor.accept("...") ? Optional.of(expressions.conditional()) : Optional.empty();
                        expect(":", "expected ':' after 'case'");
                        yield new Stmt.Case(first.span(), value, last, labelled(first));
                    }
                    case "default" -> {
                        expect(":", "expected ':' after 'default'");
                        yield new Stmt.Default(first.span(), labelled(first));
                    }
                    case "goto" -> {
                        var label = identifier();
                        expect(";", "expected ';' after goto statement");
                        yield new Stmt.Goto(cursor.spanFrom(first), label.text());
                    }
                    case "continue" -> {
                        expect(";", "expected ';' after continue statement");
                        yield new Stmt.Continue(first.span());
                    }
                    case "break" -> {
                        expect(";", "expected ';' after break statement");
                        yield new Stmt.Break(first.span());
                    }
                    default -> {
                        Optional<Expr> value =
                                cursor.peek().is(";") ? Optional.empty() : Optional.of(expressions.expression());
                        expect(";", "expected ';' after return statement");
                        yield new Stmt.Return(cursor.spanFrom(first), value);
                    }
                });
    }

    private Stmt ifStatement(Token first) {
        var condition = parenthesizedExpression();
        var then = statement();
        Optional<Stmt> otherwise = cursor.accept("else") ? Optional.of(statement()) : Optional.empty();
        return new Stmt.If(first.span(), condition, then, otherwise);
    }

    private Stmt forStatement(Token first) {
        expect("(", "expected '(' after 'for'");
        scopes.push(new HashMap<>());
        try {
            Optional<Stmt> start = cursor.accept(";") ? Optional.empty() : Optional.of(statement());
            Optional<Expr> condition = cursor.peek().is(";") ? Optional.empty() : Optional.of(expressions.expression());
            expect(";", "expected ';' in 'for' statement");
            Optional<Expr> step = cursor.peek().is(")") ? Optional.empty() : Optional.of(expressions.expression());
            expect(")", "expected ')'");
            return new Stmt.For(first.span(), start, condition, step, statement(), 0);
        } finally {
            scopes.pop();
        }
    }

    private Expr parenthesizedExpression() {
        expect("(", "expected '('");
        var expr = expressions.expression();
        expect(")", "expected ')'");
        return expr;
    }

    Token identifier() {
        var token = cursor.peek();
        if (token.kind() != Token.Kind.IDENTIFIER || KEYWORDS.contains(token.text())) {
            throw error("expected identifier");
        }
        return cursor.next();
    }

    void expect(String text, String message) {
        if (!cursor.accept(text)) {
            throw error(cursor.behindPrevious(), message);
        }
    }
}
