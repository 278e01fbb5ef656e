package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import skep.dsl.Type;
import skep.dsl.ast.Script;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.source.Diagnostics;

/**
 * Compiles probes at kernel functions for trampolines (fentry, fexit) where a kernel has no kprobes but allows those, and where
 * the script sees the same: arguments that the function declares, its result, its name. What only registers and the stack of
 * a kprobe have (arguments behind the declared ones, {@code reg}, kernel stacks, offsets) stays a kprobe, and is refused.
 */
final class TrampolinePrograms {
    /** Trampolines take these many arguments on every kernel that has them (x86-64 before 6.6). */
    private static final int MAX_PARAMETERS = 6;

    private static final int WORD_BYTES = 8;

    /** What differs at a trampoline: it has no registers, and stacks begin with its own frames. */
    private static final Set<String> ONLY_AT_KPROBES = Set.of("reg", "ctx", "kstack", "caller", "usermode", "override");

    private final Checking checking;

    TrampolinePrograms(Checking checking) {
        this.checking = checking;
    }

    /** The programs of a probe, those at kernel functions made for trampolines where that is needed and possible. */
    List<Checker.Instance> substituted(Script.Probe probe, List<Checker.Instance> instances, Diagnostics diagnostics) {
        // Asking the kernel what it allows costs more than compiling a short script.
        if (instances.stream().noneMatch(one -> isAtFunction(one.context().kind()))) {
            return instances;
        }
        var refusal = checking.kernel.unsupported(Feature.KPROBE);
        if (refusal.isEmpty() || checking.kernel.unsupported(Feature.FENTRY).isPresent()) {
            return instances;
        }
        var uses = Uses.of(probe);
        var programs = new ArrayList<Checker.Instance>();
        var traced = new ArrayList<String>();
        var leftOut = new ArrayList<String>();
        for (var one : instances) {
            if (!isAtFunction(one.context().kind())) {
                programs.add(one);
                continue;
            }
            for (int i = 0; i < one.specs().size(); i++) {
                var spec = one.specs().get(i);
                var program = program(probe, one, spec, one.shownAs().get(i), uses);
                if (program.isPresent()) {
                    programs.add(program.get());
                    traced.add(one.shownAs().get(i));
                } else if (isWildcard(probe)) {
                    leftOut.add(one.shownAs().get(i));
                } else {
                    return instances;
                }
            }
        }
        if (traced.isEmpty()) {
            return instances;
        }
        diagnostics.warning(
                "substituted",
                probe.span(),
                shown(traced) + (traced.size() == 1 ? " is" : " are") + " traced with "
                        + (isAtReturn(instances) ? "fexit" : "fentry") + " instead: "
                        + refusal.get().reason(),
                leftOut.isEmpty() ? "" : "Left out, since that cannot stand for them: " + shown(leftOut));
        return programs;
    }

    private static final int MAX_SHOWN = 4;

    private static String shown(List<String> names) {
        return names.size() <= MAX_SHOWN
                ? String.join(", ", names)
                : String.join(", ", names.subList(0, MAX_SHOWN)) + " and " + (names.size() - MAX_SHOWN) + " more";
    }

    private static boolean isAtReturn(List<Checker.Instance> instances) {
        return instances.stream().anyMatch(one -> one.context().kind() == ProbeKind.KRETPROBE);
    }

    private static boolean isAtFunction(ProbeKind kind) {
        return kind == ProbeKind.KPROBE || kind == ProbeKind.KRETPROBE;
    }

    private static boolean isWildcard(Script.Probe probe) {
        return probe.attachPoints().stream()
                .anyMatch(point -> Glob.isGlob(point.span().text()));
    }

    /** The same at a trampoline; empty if something of it would differ. */
    private Optional<Checker.Instance> program(
            Script.Probe probe, Checker.Instance one, ProbeSpec spec, String shownAs, Uses uses) {
        var signature = checking.function(spec);
        if (signature.isEmpty() || spec.offset() != 0 || !isEquivalent(signature.get(), uses)) {
            return Optional.empty();
        }
        boolean atReturn = spec.kind() == ProbeKind.KRETPROBE;
        var c = one.context();
        var context = new ProbeContext(
                c.kind(),
                shownAs,
                spec.target(),
                c.category(),
                0,
                c.arch(),
                Optional.empty(),
                true,
                false,
                signature.get().parameters(),
                List.of(),
                Optional.of(signature.get().result()),
                Optional.empty());
        return Optional.of(new Checker.Instance(
                probe,
                context,
                ProgramType.TRACING,
                Optional.of(atReturn ? AttachType.TRACE_FEXIT : AttachType.TRACE_FENTRY),
                Checking.attachTo(spec),
                one.role(),
                List.of(spec),
                List.of(shownAs),
                List.of(),
                new Scope()));
    }

    private static boolean isEquivalent(CTypes.Signature signature, Uses uses) {
        int parameters = signature.parameters().size();
        boolean inWords = signature.parameters().stream()
                .allMatch(p -> !(p.type() instanceof Type.Struct) && p.type().sizeBytes() <= WORD_BYTES);
        return inWords
                && parameters <= MAX_PARAMETERS
                && ONLY_AT_KPROBES.stream().noneMatch(uses::uses)
                && !(signature.result() instanceof Type.Void && uses.uses("retval"))
                && uses.names().stream().allMatch(name -> !isArgument(name) || argument(name) < parameters);
    }

    private static boolean isArgument(String name) {
        return name.matches("s?arg[0-9]");
    }

    /** Which declared argument a name stands for; a word of the stack stands for none. */
    private static int argument(String name) {
        return name.startsWith("s") ? Integer.MAX_VALUE : name.charAt(3) - '0';
    }
}
