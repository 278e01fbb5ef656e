package skep.dsl.parse;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import skep.dsl.CompileOptions;
import skep.dsl.Compiler;
import skep.dsl.FakeKernel;
import skep.dsl.ast.AstPrinter;
import skep.source.Diagnostics;
import skep.source.Source;

/** Whatever is typed, the compiler returns: a script, or diagnostics with spans inside the text. */
class ParserFuzzTest {
    private static final long SEED = 20261122;

    private static final List<String> SEEDS = List.of(
            "BEGIN { @a[1,\"x\"] = count(); printf(\"%d %s\\n\", pid, comm); exit(); }",
            "kprobe:vfs_read /pid == 1 && comm != \"x\"/ { @s[tid] = nsecs; $x = (int32*)arg0; print($x + 1); }",
            "struct S { int a; char b[4]; } #define X 3\nk:f { let $s : struct S *; for ($i : 0..X) { print(($i, 1)); } }",
            "config = { max_strlen = 64 } let @m = lruhash(3); macro add(x, $y, @z) { x + $y } t:sched:* { @m[1] = 2; }",
            "kprobe:f < @[arg1] = delete; > fn g($a : int64) : int64 { return $a ? 1 : 2; }",
            "i:100ms { if (@x++ > 3) { unroll(3) { @h = hist(rand, 2); } } else { while (1) { break; } } }");

    private static final String[] WORDS = {
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "<",
        ">",
        "/",
        ";",
        ",",
        ":",
        "..",
        ".",
        "->",
        "$x",
        "@y",
        "$1",
        "$#",
        "\"s\"",
        "\"",
        "0x",
        "1e99",
        "99999999999999999999",
        "if",
        "else",
        "for",
        "while",
        "let",
        "struct",
        "typeof",
        "sizeof",
        "macro",
        "delete",
        "=",
        "==",
        "++",
        "#define A A\n",
        "#if 1\n",
        "/*",
        "//",
        "\\",
        "\u0000",
        "é",
        "comptime",
        "&",
        "*",
        "?:"
    };

    @Test
    void the_compiler_survives_mutated_scripts() {
        var random = new Random(SEED);
        for (int round = 0; round < 3000; round++) {
            var text = mutate(SEEDS.get(random.nextInt(SEEDS.size())), random);
            var result = compile(text, round);
            for (var diagnostic : result.diagnostics()) {
                var span = diagnostic.span();
                assertTrue(span.start() <= span.end(), () -> "span of: " + diagnostic);
                diagnostic.render();
            }
        }
    }

    @Test
    void the_parser_survives_every_prefix_of_a_script() {
        for (var seed : SEEDS) {
            for (int end = 0; end <= seed.length(); end++) {
                var diagnostics = new Diagnostics();
                AstPrinter.print(Parser.parse(new Source("prefix", seed.substring(0, end)), diagnostics));
            }
        }
    }

    @Test
    void nesting_is_bounded() {
        for (var open : List.of("(", "{", "!", "-", "@x[", "1 ? ", "if 1 {", "1+(")) {
            var text = "BEGIN { $x = " + open.repeat(5000) + " 1; }";
            assertTrue(compile(text, 0).hasErrors(), open);
        }
    }

    private static skep.dsl.CompileResult compile(String text, int round) {
        try {
            return Compiler.compile(new Source("fuzz", text), FakeKernel.X86, CompileOptions.DEFAULT);
        } catch (RuntimeException | StackOverflowError | AssertionError bug) {
            throw new AssertionError("round " + round + " of seed " + SEED + ": " + text, bug);
        }
    }

    private static String mutate(String text, Random random) {
        var mutated = new StringBuilder(text);
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(mutated.length() + 1);
            switch (random.nextInt(4)) {
                case 0 -> mutated.insert(at, WORDS[random.nextInt(WORDS.length)]);
                case 1 -> mutated.delete(at, Math.min(mutated.length(), at + 1 + random.nextInt(5)));
                case 2 -> {
                    if (at < mutated.length()) {
                        mutated.setCharAt(at, (char) (32 + random.nextInt(96)));
                    }
                }
                default -> {
                    int from = random.nextInt(mutated.length() + 1);
                    int to = Math.min(mutated.length(), from + random.nextInt(12));
                    mutated.insert(at, mutated.substring(from, to));
                }
            }
        }
        return mutated.toString();
    }
}
