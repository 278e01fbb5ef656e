package skep.c.parse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import skep.c.pp.IncludeProvider;
import skep.c.pp.Preprocessor;
import skep.source.Diagnostic;
import skep.source.Diagnostics;
import skep.source.Source;

/** The C of BPF programs, as trees. */
class ParserTest {
    private static final TypeNames NAMES = Set.of("u8", "u16", "u32", "u64", "pid_t", "size_t")::contains;

    private static TranslationUnit parse(String text, Diagnostics diagnostics) {
        var tokens = new Preprocessor(IncludeProvider.NONE, diagnostics).process(new Source("t.c", text));
        return Parser.parse(tokens, NAMES, diagnostics);
    }

    private static TranslationUnit parse(String text) {
        var diagnostics = new Diagnostics();
        var unit = parse(text, diagnostics);
        assertEquals("", render(diagnostics));
        return unit;
    }

    private static String render(Diagnostics diagnostics) {
        return diagnostics.list().stream().map(Diagnostic::render).collect(Collectors.joining());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int f(void) { return 0; }",
                "static inline u64 f(u64 a, u64 b) { return a + b; }",
                "int f(struct pt_regs *ctx, int fd, const char __user *name) { u64 id = (u64)fd << 32 | (u32)fd; return id; }",
                "struct data_t { u32 pid; char comm[16]; }; int f() { struct data_t d = {}; d.pid = 1; return d.pid; }",
                "int f() { struct s { int a; } x = { .a = 1 }, *p = &x; return p->a; }",
                "int f() { int a[4] = { [0] = 1, [2 ... 3] = 5 }; return a[1]; }",
                "int f(int n) { for (int i = 0; i < n; i++) { if (i == 3) continue; else break; } return 0; }",
                "int f(int n) { int i; for (i = 0;;) { i += 2; } while (n--) ; do { n++; } while (n < 5); return n; }",
                "int f(int n) { switch (n) { case 1: case 2: return 1; case 3 ... 5: break; default: ; } return 0; }",
                "int f(int n) { if (!n) goto out; n = n ?: 4; n = n > 2 ? 1 : 2; out: return n; }",
                "int f() { u64 *p = 0, v = ({ u64 t = 1; t + 2; }); return *p + sizeof(*p) + sizeof(struct pt_regs) + v; }",
                "typedef struct { int x; } t; int f(t *a) { t b = *a; return (b.x) + (t *)0 == 0; }",
                "typedef int t; int f() { int t = 3; return (t) + 1; }",
                "int f() { return __builtin_offsetof(struct s, a.b[2]) + __builtin_types_compatible_p(int, u32); }",
                "int f() { asm volatile (\"\" : : : \"memory\"); return 0; }",
                "int f() { __typeof__(1 + 2) x = 1; typeof(int *) y = &x; return *y; }",
                "int (*fp)(int, char *); int *a[3]; int (*b)[3]; extern int g(int, ...);",
                "int f() { struct s *p = (struct s){ 1, 2 }.q; return ((struct s *)p)->x[1].y++; }",
                "char LICENSE[] __attribute__((section(\"license\"), used)) = \"Dual\" \" MIT/GPL\";",
                "union { u64 whole; struct { u32 low; u32 high; }; } u; enum color { RED, GREEN = 2, };",
                "int f(int a) { return a == 1 && (a | 2) || ~a & -a, a; }",
                "_Static_assert(sizeof(int) == 4, \"int\"); int x;",
                "unsigned long long int a; long unsigned b; signed char c; unsigned __int128 d; _Bool e;",
                "int f() { int x = 'a' + '\\n' + '\\x41' + 0x1fUL + 017 + 0b11; label: return x; }",
            })
    void it_is_c(String text) {
        parse(text);
    }

    @Test
    void declarators_read_inside_out() {
        var declared = (TranslationUnit.Declared)
                parse("int *(*table[3])(u32 a, char);").externals().getFirst();
        var type = declared.declaration().declarators().getFirst().type();
        var array = (CType.Array) type;
        var pointer = (CType.Pointer) array.element();
        var function = (CType.Function) pointer.to();
        assertEquals(2, function.parameters().size());
        assertTrue(function.result() instanceof CType.Pointer p && p.to().equals(new CType.Basic("int")));
    }

    @Test
    void two_dimensions_are_an_array_of_arrays() {
        var declared =
                (TranslationUnit.Declared) parse("int a[2][3];").externals().getFirst();
        var outer =
                (CType.Array) declared.declaration().declarators().getFirst().type();
        var two = (Expr.IntLiteral) outer.size().orElseThrow();
        assertEquals(2, two.value());
    }

    @Test
    void operators_bind_as_in_c() {
        var unit = parse("int x = 1 + 2 * 3 << 1 & 7;");
        var declared = (TranslationUnit.Declared) unit.externals().getFirst();
        var value = (Initializer.Value)
                declared.declaration().declarators().getFirst().initializer().orElseThrow();
        var and = (Expr.Binary) value.expr();
        var shift = (Expr.Binary) and.left();
        var sum = (Expr.Binary) shift.left();
        assertEquals("& << +", and.op() + " " + shift.op() + " " + sum.op());
        assertEquals("1 + 2 * 3 << 1", shift.span().text());
    }

    @Test
    void calls_outside_of_functions_are_left_to_the_dialect() {
        var unit = parse("BPF_HASH(counts, u32, struct key_t);\nTRACEPOINT_PROBE(sched, sched_switch) { return 0; }");
        var map = (TranslationUnit.Invocation) unit.externals().get(0);
        assertEquals("[[counts], [u32], [struct, key_t]]", map.args().toString());
        assertTrue(Parser.typeName(map.args().get(2), NAMES).orElseThrow() instanceof CType.Composite);
        var probe = (TranslationUnit.Invocation) unit.externals().get(1);
        assertEquals(1, probe.body().orElseThrow().statements().size());
    }

    @Test
    void a_pragma_asks_for_unrolling() {
        var unit = parse("int f() {\n#pragma unroll\nfor (int i = 0; i < 4; i++) { }\n#pragma clang loop unroll(full)\n"
                + "for (;;) { }\nreturn 0; }");
        var body = ((TranslationUnit.FunctionDefinition) unit.externals().getFirst()).body();
        assertEquals(-1, ((Stmt.For) body.statements().get(0)).unroll());
        assertEquals(-1, ((Stmt.For) body.statements().get(1)).unroll());
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = " => ",
            quoteCharacter = '`',
            value = {
                "int f() { int x = ; return 0; } => t.c:1:19-20: ERROR: expected expression",
                "int f() { x = 1 return 0; } => ERROR: expected ';' after expression",
                "int f() { foo_t x; } => ERROR: expected ';' after expression",
                "foo_t x; => t.c:1:1-6: ERROR: unknown type name 'foo_t'",
                "int f() { if (1 { } } => ERROR: expected ')'",
                "int f() { return 0; => ERROR: expected '}' to match this '{'",
                "struct { int a; => ERROR: expected '}'",
                "int f() { int = 3; } => ERROR: expected identifier or '('",
                "unsigned signed x; => ERROR: cannot combine unsigned signed",
                "int f() { return 1.5; } => ERROR: '1.5' is no integer",
            })
    void mistakes_are_told(String text, String message) {
        var diagnostics = new Diagnostics();
        parse(text, diagnostics);
        assertTrue(render(diagnostics).contains(message), render(diagnostics));
    }

    @Test
    void several_mistakes_are_told_in_one_run() {
        var diagnostics = new Diagnostics();
        var unit = parse("int f() { a b; c = ; return 0; }\nfoo x;\nint g() { return 1; }", diagnostics);
        assertEquals(3, diagnostics.list().size(), render(diagnostics));
        assertEquals(2, unit.externals().size());
    }

    private static final String[] PIECES = {
        "int ",
        "struct ",
        "s ",
        "x",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ";",
        ",",
        "*",
        "=",
        "1",
        "\"t\"",
        "if ",
        "for ",
        "return ",
        "typedef ",
        ".",
        "->",
        "+",
        "?",
        ":",
        "sizeof ",
        "case ",
        "enum ",
        "u32 ",
        "...",
        "&",
        "__attribute__((packed))"
    };

    @Property(seed = "20261130", tries = 1000)
    void any_sequence_of_its_own_pieces_is_survived(@ForAll long seed) {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (int i = 0; i < 50; i++) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        parse(text.toString(), new Diagnostics());
    }
}
