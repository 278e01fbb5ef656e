package skep.c.pp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.c.lex.Token;
import skep.source.Diagnostic;
import skep.source.Diagnostics;
import skep.source.Source;

/** What goes in and what the parser gets to see. */
class PreprocessorTest {
    private static final IncludeProvider HEADERS = (name, angled, includer) -> switch (name) {
        case "a.h" -> Optional.of(new Source("a.h", "#ifndef A_H\n#define A_H\nint a;\n#endif\n"));
        case "once.h" -> Optional.of(new Source("once.h", "#pragma once\nint once;\n"));
        case "self.h" -> Optional.of(new Source("self.h", "#include \"self.h\"\n"));
        default -> Optional.empty();
    };

    private static String run(String text, Diagnostics diagnostics) {
        var tokens = new Preprocessor(HEADERS, diagnostics).process(new Source("t.c", text.replace('¶', '\n')));
        var out = new StringBuilder();
        for (var token : tokens) {
            if (token.spaceBefore() && !out.isEmpty() && !token.isEnd()) {
                out.append(' ');
            }
            out.append(token.kind() == Token.Kind.PRAGMA ? "[pragma " + token.text() + "]" : token.text());
        }
        return out.toString().strip();
    }

    /** {@code ¶} stands for the end of a line. */
    @ParameterizedTest
    @CsvSource(
            delimiterString = " => ",
            quoteCharacter = '`',
            value = {
                "a /* b */ c // d => a c",
                "a\\¶b c => ab c",
                "#define N 4¶int x[N]; => int x[4];",
                "#define F(a,b) a+b¶F(1,(2,3)) => 1+(2,3)",
                "#define F() x¶F() F => x F",
                "#define F(x) x x¶F(F)(3) => F F(3)",
                "#define A B¶#define B A¶A B => A B",
                "#define S(x) #x¶S( a  + \"q\\n\" ) => \"a + \\\"q\\\\n\\\"\"",
                "#define X 7¶#define S(x) #x¶#define T(x) S(x)¶S(X) T(X) => \"X\" \"7\"",
                "#define G(a,b) a##b¶#define xy 5¶G(x,y) G(x,) G(,y) => 5 x y",
                "#define G(a,b,c) a##b##c¶G(1,2,3) => 123",
                "#define P(f,...) p(f,__VA_ARGS__)¶P(1,2,3) => p(1,2,3)",
                "#define P(f,...) p(f,##__VA_ARGS__)¶P(1) P(1,2) => p(1) p(1,2)",
                "#define P(f,args...) p(f,args)¶P(1,2,3) => p(1,2,3)",
                "#define P(f,...) p(f __VA_OPT__(,) __VA_ARGS__)¶P(1) P(1,2) => p(1) p(1 , 2)",
                "#define ID(x) x¶ID(¶1¶)+2 => 1+2",
                "#define f(x) x+g¶#define g(x) f(x)¶f(1)(2) => 1+2+g",
                "#if 1+2*3==7 && defined(X) || !defined Y¶yes¶#else¶no¶#endif => yes",
                "#define V 3¶#if V > 3¶a¶#elif V == 3¶b¶#elif 1¶c¶#else¶d¶#endif => b",
                "#if 0¶#if 1¶a¶#else¶b¶#endif¶#else¶c¶#endif => c",
                "#if -1 > 0u¶unsigned¶#endif => unsigned",
                "#if 0 && 1/0¶a¶#else¶b¶#endif => b",
                "#if 'A' == 65 && 0x10 == 020 + 0b0¶a¶#endif => a",
                "#if __has_include(\"a.h\") && !__has_include(<b.h>)¶a¶#endif => a",
                "#include \"a.h\"¶#include <a.h>¶b => int a; b",
                "#include \"once.h\"¶#include \"once.h\"¶b => int once; b",
                "#define H <a.h>¶#include H => int a;",
                "#define X¶#undef X¶#ifdef X¶a¶#endif¶b => b",
                "#pragma unroll¶for => [pragma unroll] for",
                "x¶__LINE__ __FILE__ __COUNTER__ __COUNTER__ => x 2 \"t.c\" 0 1",
                "#if 0¶don't mind¶#endif¶x => x",
            })
    void text_becomes(String in, String out) {
        var diagnostics = new Diagnostics();
        var result = run(in, diagnostics);
        assertEquals(out, result);
        assertEquals(
                List.of(),
                diagnostics.list().stream()
                        .filter(d -> !d.code().equals("unterminated-literal"))
                        .toList());
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = " => ",
            quoteCharacter = '`',
            value = {
                "#include <none.h> => t.c:1:2-18: ERROR: 'none.h' file not found",
                "#define F(a) a¶x F(1,2) => t.c:2:3-4: ERROR: too many arguments provided to function-like macro invocation 'F': 2 instead of 1",
                "#define F(a) a¶F(1 => t.c:2:1-2: ERROR: unterminated function-like macro invocation 'F'",
                "#if 1¶a => t.c:1:1-2: ERROR: unterminated conditional directive",
                "#endif => ERROR: #endif without #if",
                "#if 1 +¶#endif => ERROR: expected value in expression",
                "#if 1/0¶#endif => ERROR: division by zero",
                "#error no  way => ERROR: no way",
                "#include \"self.h\" => ERROR: #include nested too deeply",
                "#define A 1¶#define A 2 => WARNING: 'A' macro redefined",
                "#frob => ERROR: invalid preprocessing directive #frob",
                "/* x => ERROR: unterminated /* comment",
            })
    void mistakes_are_told(String in, String message) {
        var diagnostics = new Diagnostics();
        run(in, diagnostics);
        var all = diagnostics.list().stream().map(Diagnostic::render).collect(Collectors.joining());
        assertTrue(all.contains(message), all);
    }

    @Test
    void the_value_of_a_macro_can_be_asked_for() {
        var preprocessor = new Preprocessor(IncludeProvider.NONE, new Diagnostics());
        preprocessor.define("B", "2");
        preprocessor.process(new Source("t.c", "#define A (B + 1)\n#define F(x) x\n"));
        assertEquals("[(, 2, +, 1, )]", preprocessor.value("A").orElseThrow().toString());
        assertTrue(preprocessor.value("F").isEmpty());
    }

    @Property(seed = "20261130", tries = 300)
    void any_text_is_survived(@ForAll @StringLength(max = 200) String text) {
        run(text, new Diagnostics());
    }

    private static final String[] PIECES = {
        "#define ",
        "#if ",
        "#endif\n",
        "#else\n",
        "#include \"a.h\"\n",
        "A",
        "B",
        "F",
        "(",
        ")",
        ",",
        "##",
        "#",
        "...",
        "\n",
        " ",
        "1",
        "__VA_ARGS__",
        "__VA_OPT__",
        "defined",
        "\"",
        "'",
        "+",
        "\\\n"
    };

    @Property(seed = "20261130", tries = 500)
    void any_sequence_of_its_own_pieces_is_survived(@ForAll long seed) {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            text.append(PIECES[random.nextInt(PIECES.length)]);
        }
        run(text.toString(), new Diagnostics());
    }
}
