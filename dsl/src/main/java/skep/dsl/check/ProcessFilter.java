package skep.dsl.check;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Script;
import skep.dsl.parse.ThreadLocals;
import skep.isa.kernel.ProbeKind;
import skep.source.Span;

/**
 * {@code -p PID} for probes that the kernel cannot attach to one process: a condition in front of their predicates. The others
 * ({@code uprobe}, {@code profile}, {@code iter}, …) are attached to the process, and {@code interval} belongs to nobody.
 */
final class ProcessFilter {
    private static final Set<ProbeKind> OF_ALL_PROCESSES = EnumSet.of(
            ProbeKind.KPROBE,
            ProbeKind.KRETPROBE,
            ProbeKind.FENTRY,
            ProbeKind.FEXIT,
            ProbeKind.TRACEPOINT,
            ProbeKind.RAWTRACEPOINT);

    private ProcessFilter() {}

    /** The script with the conditions. A probe with attach points of both sorts has one for all of them. */
    static Script apply(Script script, OptionalInt pid) {
        if (pid.isEmpty()) {
            return script;
        }
        var probes = new ArrayList<Script.Probe>();
        for (var probe : script.probes()) {
            boolean added = probe.span().source().name().equals(ThreadLocals.SOURCE);
            boolean ofAll = probe.attachPoints().stream().anyMatch(ProcessFilter::seesAllProcesses);
            probes.add(ofAll && !added ? filtered(probe, pid.getAsInt()) : probe);
        }
        return script.withProbes(probes);
    }

    private static boolean seesAllProcesses(Script.AttachPoint point) {
        var provider = new StringBuilder();
        point.parts().getFirst().pieces().forEach(piece -> provider.append(piece.text()));
        var name = provider.toString();
        return Glob.isGlob(name)
                ? OF_ALL_PROCESSES.stream()
                        .anyMatch(kind -> Glob.matches(name.toLowerCase(Locale.ROOT), kind.longName()))
                : ProbeKind.ofName(name).filter(OF_ALL_PROCESSES::contains).isPresent();
    }

    private static Script.Probe filtered(Script.Probe probe, int pid) {
        Span span = probe.attachPoints().getFirst().span();
        var ofProcess = new Expr.Binary(
                Expr.BinaryOp.EQ, new Expr.Ident("pid", span), new Expr.IntLit(pid, false, false, span), span, span);
        var predicate = probe.predicate()
                .<Expr>map(own -> new Expr.Binary(Expr.BinaryOp.AND, ofProcess, own, own.span(), own.span()))
                .orElse(ofProcess);
        return new Script.Probe(probe.name(), probe.attachPoints(), Optional.of(predicate), probe.body(), probe.span());
    }
}
