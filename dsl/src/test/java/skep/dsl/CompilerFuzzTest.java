package skep.dsl;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import skep.source.Source;

/** Broken scripts go through the whole compiler: whatever comes in, a script or diagnostics come out. */
class CompilerFuzzTest {
    private static final int ROUNDS = 1500;
    private static final long SEED = 5;

    private static final List<String> SCRIPTS = List.of(
            "kprobe:vfs_read /pid == 1 && arg2 > 10/ { @s[tid, comm] = nsecs; @h = hist(arg2, 2); }",
            "begin { $a = (1, \"x\", (uint8)3); print($a.1); @m[$a] = count(); for ($kv : @m) { print($kv.0.2); } }",
            "begin { let $x : uint64 = 5; $p = &$x; print(*$p); $r = (a=1, b=\"c\"); print($r.b); exit(3); }",
            "macro add($x, y) { $x += y; $x } begin { $v = 1; print(add($v, 2)); if comptime (1 == 2) { fail(\"no\"); } }",
            "fn f($a : int64, $b : uint32) : int64 { if ($a > 3) { return $b; } return 0; } begin { print(f(1, 2)); }",
            "tracepoint:sched:sched_switch { @[args.prev_comm] = lhist(args.prev_pid, 0, 100, 10); printf(\"%s %d\\n\", comm, pid); }",
            "struct S { int a; char b[8]; struct { u8 c : 3; u8 d : 5; }; }; uprobe:/bin/sh:main { $s = (struct S *)arg0; print($s->b); print($s->d); }",
            "config = { max_strlen = 128; stack_mode = perf } interval:s:1 { @t = tseries(rand % 7, 1s, 5, \"avg\"); clear(@t); }",
            "begin { for ($i : 0..10) { if ($i == 3) { continue; } @x[$i % 3] += $i; unroll(2) { $z = str(kptr(1), 8); } } }",
            "let @l = lruhash(10); begin { @l[\"a\"] = 1; delete(@l, \"a\"); @y = @l[\"b\"] ?: 7; print(@l, 3, 2); }");

    private static final String PIECES = "{}()[];,.:$@\"/\\*&|<>=!+-%^~?#0123456789abcxyz \n";

    @Test
    void brokenScriptsGiveDiagnosticsOrAScript() {
        var random = new Random(SEED);
        var broken = new ArrayList<String>();
        for (int round = 0; round < ROUNDS; round++) {
            var text = broken(SCRIPTS.get(random.nextInt(SCRIPTS.size())), random);
            try {
                var result = Compiler.compile(new Source("fuzz", text), FakeKernel.X86, CompileOptions.DEFAULT);
                if (result.script().isEmpty() && result.diagnostics().isEmpty()) {
                    broken.add(text + "\n  neither a script nor a diagnostic");
                }
            } catch (RuntimeException | StackOverflowError | AssertionError bug) {
                var at = bug.getStackTrace().length > 0 ? bug.getStackTrace()[0].toString() : "";
                broken.add(text + "\n  " + bug + " " + at);
            }
        }
        assertTrue(broken.isEmpty(), () -> broken.size() + " with seed " + SEED + "\n" + String.join("\n", broken));
    }

    private static String broken(String script, Random random) {
        var text = new StringBuilder(script);
        for (int i = random.nextInt(3); i >= 0 && !text.isEmpty(); i--) {
            int at = random.nextInt(text.length());
            int length = Math.min(text.length() - at, 1 + random.nextInt(8));
            switch (random.nextInt(5)) {
                case 0 -> text.delete(at, at + length);
                case 1 -> text.insert(at, PIECES.charAt(random.nextInt(PIECES.length())));
                case 2 -> text.setCharAt(at, PIECES.charAt(random.nextInt(PIECES.length())));
                case 3 -> text.insert(random.nextInt(text.length()), text.substring(at, at + length));
                default -> {
                    var other = SCRIPTS.get(random.nextInt(SCRIPTS.size()));
                    int from = random.nextInt(other.length());
                    text.insert(at, other, from, Math.min(other.length(), from + 4 * length));
                }
            }
        }
        return text.toString();
    }
}
