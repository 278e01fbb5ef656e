package skep.dsl.parse;

import java.util.ArrayList;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import skep.dsl.ast.AstWalker;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Script;
import skep.source.Diagnostics;
import skep.source.Source;

/**
 * Thread-local variables, {@code self->name}: each is a map by thread that is not printed, and a probe is added to the script
 * that takes a thread's entries away when the thread ends. So they cannot leak, whatever the script forgets.
 */
public final class ThreadLocals {
    /** What the names of their maps start with: no script can write it. */
    static final String PREFIX = "@self->";

    /** The name of the source of the added probe. */
    public static final String SOURCE = "thread-exit";

    private ThreadLocals() {}

    /** The script with the probe, if it has thread-local variables. */
    public static Script withCleanup(Script script) {
        var names = new TreeSet<String>();
        Consumer<Expr> visitor = expr -> {
            if (expr instanceof Expr.MapRef map && map.name().startsWith(PREFIX)) {
                names.add(map.name().substring(1));
            }
        };
        for (var probe : script.probes()) {
            probe.predicate().ifPresent(predicate -> AstWalker.walk(predicate, visitor));
            AstWalker.walk(probe.body(), visitor);
        }
        script.macros().forEach(macro -> AstWalker.walk(macro.body(), visitor));
        script.subprograms().forEach(fn -> AstWalker.walk(fn.body(), visitor));
        if (names.isEmpty()) {
            return script;
        }
        var body = names.stream().map(name -> "delete(" + name + ");").collect(Collectors.joining(" "));
        var text = "tracepoint:sched:sched_process_exit { " + body + " }";
        var probes = new ArrayList<>(script.probes());
        probes.addAll(Parser.parse(new Source(SOURCE, text), new Diagnostics()).probes());
        return script.withProbes(probes);
    }
}
