package skep.vm.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import skep.btf.Btf;
import skep.target.ToolCommand;
import skep.vm.verifier.Verdict;
import skep.vm.verifier.Verifier;
import skep.vm.verifier.VerifierInput.Privilege;

/** {@code skep vm verify [--explain] [--unprivileged] FILE…}. */
public final class VerifyCommand implements ToolCommand {
    private static final Path KERNEL_TYPES = Path.of("/sys/kernel/btf/vmlinux");

    @Override
    public String name() {
        return "vm verify";
    }

    @Override
    public String summary() {
        return """
                judges programs as Linux 6.18 does and compares the verdicts with a kernel's
                usage: skep vm verify [--explain | --table] [--cap-bpf-only] FILE…
                FILE holds one JSON object a line: insns in hexadecimal, fixups, prog_type_id, a reference verdict.
                Prints a JSON line a row (name, verdict, message, insns_processed, us) and a line of totals.
                --explain       draws the explored paths and what each place cost, instead of the JSON lines
                --table         prints the disagreements as a table, for docs/verifier-parity.md
                --cap-bpf-only  judges as for a user without CAP_PERFMON
                """;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        boolean explain = arguments.contains("--explain");
        boolean table = arguments.contains("--table");
        var privilege = arguments.contains("--cap-bpf-only") ? Privilege.BPF_ONLY : Privilege.FULL;
        var files = arguments.stream().filter(a -> !a.startsWith("--")).toList();
        if (files.isEmpty()) {
            err.println("vm verify: a file of rows is needed");
            return 2;
        }
        try {
            var kernel = Files.isReadable(KERNEL_TYPES)
                    ? Optional.of(Btf.parse(Files.readAllBytes(KERNEL_TYPES)))
                    : Optional.<Btf>empty();
            var totals = new Totals();
            for (var file : files) {
                for (var row : VerifierRow.read(Path.of(file), privilege, kernel)) {
                    judge(row, explain, table, totals, out);
                }
            }
            out.println(totals);
            return totals.disagree == 0 ? 0 : 1;
        } catch (IllegalArgumentException e) {
            err.println("vm verify: " + e.getMessage());
            return 2;
        } catch (IOException e) {
            err.println("vm verify: cannot read " + e.getMessage());
            return 2;
        }
    }

    private static final class Totals {
        int agree;
        int disagree;
        int unsafe;

        @Override
        public String toString() {
            return agree + " agree, " + disagree + " disagree (" + unsafe + " accepted that the reference rejects) of "
                    + (agree + disagree);
        }
    }

    private static void judge(VerifierRow row, boolean explain, boolean table, Totals totals, PrintStream out) {
        long start = System.nanoTime();
        var verdict = Verifier.verify(row.input());
        long micros = (System.nanoTime() - start) / 1000;
        boolean accepted = verdict instanceof Verdict.Accepted;
        var message = verdict instanceof Verdict.Rejected rejected ? rejected.message() : "";
        boolean agrees = true;
        if (row.reference().isPresent()) {
            agrees = row.reference().get().accepted() == accepted;
            if (agrees) {
                totals.agree++;
            } else {
                totals.disagree++;
                totals.unsafe += accepted ? 1 : 0;
            }
        }
        if (explain) {
            out.print(ExplorationText.of(
                    row.name(), row.input().code(), row.input().lines(), verdict));
        } else if (table) {
            if (!agrees) {
                out.println("| " + row.name() + " | " + (accepted ? "accept" : "reject: " + message) + " | "
                        + (accepted ? "reject: " + row.reference().get().message() : "accept") + " |");
            }
        } else {
            out.println("{\"name\": " + Json.quote(row.name()) + ", \"verdict\": \"" + (accepted ? "accept" : "reject")
                    + "\", \"message\": " + Json.quote(message) + ", \"insns_processed\": "
                    + verdict.stats().insnsProcessed() + ", \"us\": " + String.format(Locale.ROOT, "%d", micros) + "}");
        }
    }
}
