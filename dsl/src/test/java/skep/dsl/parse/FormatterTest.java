package skep.dsl.parse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import skep.dsl.ast.AstPrinter;
import skep.source.Diagnostics;
import skep.source.Source;

class FormatterTest {
    private static final Path ROOT = Path.of(System.getProperty("skep.root", "."));

    private static String format(String text) {
        return Formatter.format(new Source("stdin", text), new Diagnostics());
    }

    @Test
    void aOneLinerGetsALineForEachStatement() {
        assertEquals(
                """
                kprobe:vfs_read /pid == 1/ {
                  @start[tid] = nsecs;
                  if ($x) {
                    @++;
                  } else if (!$y) {
                    print((1, -2));
                  }
                }

                end {}
                """, format("kprobe:vfs_read/pid==1/{@start[tid]=nsecs;if($x){@++}else if(!$y){print((1,-2))}}end{ }"));
    }

    @Test
    void commentsStayWhereTheyWere() {
        assertEquals("""
                #!/usr/bin/env skep
                // head
                #include <linux/sched.h>
                struct S { int a; };

                /* of the probe */
                begin, // first
                kprobe:f {
                  // own line
                  @a = 1; // trailing

                  printf("%d", /* inner */ 3);
                  // last
                }
                // end
                """, format("""
                #!/usr/bin/env skep
                // head
                #include <linux/sched.h>
                struct S { int a; };
                /* of the probe */
                begin, // first
                kprobe:f{
                // own line
                   @a=1 ;   // trailing


                   printf("%d", /* inner */ 3)
                   // last
                }
                // end
                """));
    }

    @Test
    void signsAndPointersAreToldApart() {
        assertEquals(
                """
                k:f {
                  $a = (struct task_struct *)arg0;
                  $b = *$a * -1 - -$c & ~3;
                  $d = $c ? 1 : 2;
                  for ($i : 0..5) {
                    $e = $k.0 + $p->x.y[3];
                  }
                  return -1;
                }
                """,
                format("k:f{$a=(struct task_struct*)arg0;$b=*$a*-1- -$c&~3;$d=$c?1:2;for($i:0..5)"
                        + "{$e=$k.0+$p -> x.y[3]}return -1;}"));
    }

    @Test
    void longLinesAreBrokenAtTheOutermostLevel() {
        var text = format(
                "k:f{printf(\"%d %d %d %d %d %d\\n\", $aaaaaaaaaaaaaa, $bbbbbbbbbbbbbbbb, f($ccccccccccc, $dddddd), "
                        + "$eeeeeeeeeeeeeeee, $f)}");
        assertTrue(text.lines().allMatch(line -> line.length() <= 100), text);
        assertTrue(text.contains("f($ccccccccccc, $dddddd),\n"), text);
    }

    @Test
    void whatIsWrongIsToldAndNotTouched() {
        var diagnostics = new Diagnostics();
        assertEquals("k:f { @ = ", Formatter.format(new Source("stdin", "k:f { @ = "), diagnostics));
        assertTrue(diagnostics.hasErrors());
    }

    @Test
    void formattingChangesNeitherMeaningNorItself() throws IOException {
        var wrong = new ArrayList<String>();
        int formatted = 0;
        for (var script : scripts()) {
            var diagnostics = new Diagnostics();
            var before = Parser.parse(new Source("a", script), diagnostics);
            if (diagnostics.hasErrors()) {
                continue;
            }
            formatted++;
            var text = format(script);
            var again = new Diagnostics();
            var after = Parser.parse(new Source("a", text), again);
            if (again.hasErrors() || !tree(before).equals(tree(after))) {
                wrong.add("MEANING\n" + script + "\n---\n" + text + "\n" + again.list());
            } else if (!format(text).equals(text)) {
                wrong.add("NOT IDEMPOTENT\n" + script + "\n---\n" + text + "\n---\n" + format(text));
            } else if (comments(script) != comments(text)) {
                wrong.add("COMMENTS\n" + script + "\n---\n" + text);
            }
        }
        assertTrue(formatted > 5, "there must be scripts");
        assertTrue(wrong.isEmpty(), wrong.size() + " of " + formatted + "\n" + String.join("\n\n", wrong));
    }

    /** The tree without blanks: the text of types is that of the source. */
    private static String tree(skep.dsl.ast.Script script) {
        return AstPrinter.print(script)
                .lines()
                .map(line -> line.contains("string: ") ? line : line.strip())
                .collect(java.util.stream.Collectors.joining())
                .replaceAll("\\s", "");
    }

    private static long comments(String text) {
        return text.lines()
                                .filter(line -> line.contains("//") || line.contains("/*"))
                                .count()
                        == 0
                ? 0
                : text.split("//|/\\*", -1).length;
    }

    /** Scripts from everywhere, each also with comments and line ends strewn in. */
    private static List<String> scripts() throws IOException {
        var scripts = new ArrayList<>(List.of(
                "struct S { int a; char b[4]; }\n#define X 3\nk:f { let $s : struct S *; for ($i : 0..X) { print(($i, 1)); } }",
                "config = { max_strlen = 64; a=b } let @m = lruhash(3); macro add(x, $y, @z) { x + $y } t:sched:* { @m[1] = 2; }",
                "kprobe:f < @[arg1] = delete; > fn g($a : int64) : int64 { return $a ? 1 : 2; }",
                "i:100ms { if (@x++ > 3) { unroll(3) { @h = hist(rand, 2); } } else { while (1) { break; } } ; ; }",
                "k:f { $x = if ($y) { 1 } else { 2 }; $z = { let $q = 1; $q + 1 }; { $a = 1 } ++$x; - -$x; name!(1) }",
                "n = uprobe:/bin/bash:readline /1/(2/3)/ { print((a=1, b=(2,))); }"));
        var data = ROOT.resolve("../shared/data/tracing-language");
        if (Files.exists(data.resolve("oneliners.txt"))) {
            Files.readAllLines(data.resolve("oneliners.txt")).forEach(line -> scripts.add(line.replace("\\n", "\n")));
            var names = java.util.regex.Pattern.compile(
                    "\"(?:program|prog|code|source|script|input)\": *\"((?:[^\"\\\\]|\\\\.)*)\"");
            for (var file : List.of("unit_cases.jsonl", "runtime_cases.jsonl")) {
                for (var line : Files.readAllLines(data.resolve(file))) {
                    var matcher = names.matcher(line);
                    while (matcher.find()) {
                        scripts.add(unescaped(matcher.group(1)));
                    }
                }
            }
        }
        try (Stream<Path> tools = Files.walk(ROOT.resolve("tools-ported/src"))) {
            for (var tool :
                    tools.filter(path -> path.toString().endsWith(".bt")).toList()) {
                scripts.add(Files.readString(tool));
            }
        } catch (IOException e) {
            // Elsewhere there are no tools.
        }
        int plain = scripts.size();
        for (int i = 0; i < plain; i++) {
            var script = scripts.get(i);
            scripts.add(script.replace("; ", "; // note\n"));
            scripts.add(script.replace("{ ", "{ /* note */\n\n\n "));
            scripts.add(script.replace(", ", ",\n // note\n "));
        }
        return scripts;
    }

    private static String unescaped(String json) {
        return json.replace("\\\"", "\"")
                .replace("\\n", "\n")
                .replace("\\t", "\t")
                .replace("\\\\", "\\");
    }
}
