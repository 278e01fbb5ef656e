package skep.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.isa.kernel.Feature;
import skep.session.Session;
import skep.session.SessionOptions;
import skep.session.Targets;
import skep.session.view.TextRenderer;
import skep.target.TargetException;

/** Typed arguments of a program's functions, from its debugging information, on the live kernel. */
class UserArgumentsTest {
    private static final String PROGRAM = """
            #include <stdbool.h>
            struct inner { short a; char tag[8]; };
            typedef unsigned long count_t;
            enum color { RED, GREEN = 5 };
            struct node { struct node *next; struct inner in; count_t n; unsigned low : 3; unsigned high : 5; };
            __attribute__((noinline)) long work(int x, const char *name, struct node *p, enum color c, bool yes, count_t many)
            {
              __asm__ volatile("" :: "r"(x), "r"(name), "r"(p), "r"(c), "r"((int)yes), "r"(many) : "memory");
              return x + p->n + many;
            }
            int main(void) {
              volatile struct node last = {0, {7, "last"}, 9, 1, 2}, first = {(struct node *)&last, {-3, "first"}, 77, 5, 17};
              volatile char name[] = "ada";
              return work(-42, (const char *)name, (struct node *)&first, GREEN, true, 1UL << 40) == 0;
            }
            """;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "gcc -g -O1",
                "gcc -gdwarf-2 -O0",
                "gcc -gdwarf-3 -O0",
                "gcc -gdwarf-4 -O0",
                "gcc -g -gz=zlib -O2",
                "clang -g -O1",
                "clang -gdwarf-4 -O0"
            })
    void argumentsOfAFunctionHaveTheirNamesAndTypes(String compiler) throws Exception {
        var words = compiler.split(" ");
        Assumptions.assumeTrue(Files.exists(Path.of("/usr/bin", words[0])), "there is no " + words[0]);
        var source = Files.writeString(folder.resolve("p.c"), PROGRAM);
        var binary = folder.resolve("p");
        var build = new ProcessBuilder("sh", "-c", compiler + " -w -o " + binary + " " + source).start();
        assertEquals(0, build.waitFor(), compiler);
        var script = "uprobe:" + binary + ":work { printf(\"%d %s %d %s %s %d %d %ld %d\\n\", args.x, str(args.name), "
                + "args.p.in.a, args.p.in.tag, args.p.next.in.tag, args.c, args.yes, args.many, args.p.n);"
                + " printf(\"%d %d\\n\", args.p.low, args.p.high); }";
        var text = new StringBuilder();
        var renderer = new TextRenderer();
        try (var target = Targets.open(Targets.LIVE)) {
            Assumptions.assumeTrue(target.kernel().unsupported(Feature.UPROBE).isEmpty(), "this kernel has no uprobes");
            var options = SessionOptions.DEFAULT.withCommand(binary.toString());
            try (var session = Session.prepare(target, "stdin", script, options, view -> {
                if (!renderer.isForStandardError(view)) {
                    text.append(renderer.render(view));
                }
            })) {
                session.run();
            }
        } catch (TargetException refused) {
            Assumptions.abort("Unsupported " + refused.getMessage());
        }
        assertEquals(
                "-42 ada -3 first last 5 1 1099511627776 77\n5 17",
                text.toString().strip());
    }
}
