package skep.jupyter.cell;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import skep.bindings.java.Chart;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;
import skep.session.Targets;
import skep.target.TargetException;

/** The line magics: {@code %name rest} above the body of a cell. */
final class Magics {
    /** A magic and its line of help. */
    enum Name {
        TARGET("target [SPEC]", "what is traced: embedded[:options], linux, ssh:user@host, …; without SPEC says it"),
        SCENARIO("scenario [NAME [PARAMETER=VALUE …]]", "what the embedded kernel is busy with"),
        DURATION("duration [TIME|none]", "how long a trace runs; none: until Stop"),
        TRUTH("truth [WORDS]", "what truly happened in the embedded kernel during the last trace"),
        VARS("vars", "the variables that all languages see"),
        STOP("stop NAME", "ends a trace that runs in the background, and waits until its results stand below its cell"),
        WAIT("wait NAME", "waits until a trace in the background has ended by itself"),
        SHOW(
                "show NAME [FORM] [SETTINGS]",
                "a map or run as histogram, heatmap, flame, timeline, lanes, table (sort=@b top=9 percentiles …), text"),
        COMPARE(
                "compare NAME NAME",
                "how two runs differ: overlay, quantiles with intervals, differential flame graph"),
        EXPORT("export NAME [FORM:]FILE", "writes a map or run: csv, json, folded, pprof, trace, svg, png, html, txt"),
        TIME("%time", "says how long the cell took (first line of a cell)"),
        LSMAGIC("lsmagic", "all magics"),
        CLEAR("clear", "takes away what the cell has shown so far"),
        HELP("help", "how cells work");

        private final String usage;
        private final String help;

        Name(String usage, String help) {
            this.usage = usage;
            this.help = help;
        }

        String word() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    private static final Pattern SCENARIO = Pattern.compile("([:,])scenario=[^,]*");

    private final Workspace workspace;
    private final Collection<CellLanguage> languages;

    Magics(Workspace workspace, Collection<CellLanguage> languages) {
        this.workspace = workspace;
        this.languages = languages;
    }

    static List<String> words() {
        return java.util.Arrays.stream(Name.values()).map(Name::word).toList();
    }

    /**
     * Obeys a magic. Empty if the cell goes on; else how it ended.
     *
     * @param last whether nothing follows in the cell, so that what it tells is the cell's value
     */
    Optional<Kernel.Outcome> obey(Cell.Magic magic, boolean last, CellOutput output) {
        var name = java.util.Arrays.stream(Name.values())
                .filter(known -> known.word().equals(magic.name()))
                .findFirst();
        if (name.isEmpty()) {
            return Optional.of(
                    Errors.of("UnknownMagic", "there is no %" + magic.name() + "; %lsmagic lists what there is"));
        }
        try {
            switch (name.get()) {
                case CLEAR -> output.clear(false);
                case SHOW -> named().show(magic.rest()).forEach(chart -> show(chart, magic.rest(), output));
                case COMPARE -> named().compare(magic.rest()).forEach(chart -> show(chart, "", output));
                default -> {}
            }
            var told = tell(name.get(), magic.rest());
            if (name.get() == Name.HELP && last) {
                return Optional.of(new Kernel.Outcome.Done(List.of(MimeBundle.plain(told))));
            }
            if (!told.isEmpty()) {
                var bundle = MimeBundle.plain(told);
                if (last) {
                    output.result(bundle);
                } else {
                    output.display(bundle);
                }
            }
            return Optional.empty();
        } catch (TargetException | IllegalArgumentException e) {
            return Optional.of(Errors.of("MagicError", "%" + magic.name() + ": " + String.valueOf(e.getMessage())));
        }
    }

    private String tell(Name name, String rest) {
        return switch (name) {
            case TARGET -> {
                if (!rest.isEmpty()) {
                    workspace.retarget(rest);
                }
                yield workspace.spec();
            }
            case SCENARIO -> {
                if (!rest.isEmpty()) {
                    workspace.retarget(withScenario(workspace.spec(), rest));
                }
                yield workspace.spec();
            }
            case DURATION -> {
                if (rest.equals("none")) {
                    workspace.setDuration(Optional.empty());
                } else if (!rest.isEmpty()) {
                    workspace.setDuration(Optional.of(Durations.parse(rest)
                            .orElseThrow(() ->
                                    new IllegalArgumentException(rest + " is no time; write 500ms, 3s, 2m or none"))));
                }
                yield workspace.duration().map(Durations::show).orElse("until Stop");
            }
            case TRUTH -> truth(rest);
            case VARS -> vars();
            case EXPORT -> named().export(rest);
            case STOP -> named().trace(rest).stop().await() == 0 ? "" : rest + " ended with a status other than 0";
            case WAIT -> named().trace(rest).await() == 0 ? "" : rest + " ended with a status other than 0";
            case LSMAGIC -> list();
            case HELP -> help();
            case TIME, CLEAR, SHOW, COMPARE -> "";
        };
    }

    private static String withScenario(String spec, String scenario) {
        if (!spec.startsWith("embedded")) {
            return "embedded:scenario=" + scenario.replace(' ', ',');
        }
        var without =
                SCENARIO.matcher(spec).replaceAll("$1").replaceAll(":,", ":").replaceAll(",$|:$", "");
        return without + (without.contains(":") ? "," : ":") + "scenario=" + scenario.replace(' ', ',');
    }

    private String truth(String words) {
        var truth = new TreeMap<>(workspace.groundTruth());
        truth.keySet().removeIf(name -> !name.contains(words));
        if (truth.isEmpty()) {
            throw new IllegalArgumentException(
                    workspace.groundTruth().isEmpty()
                            ? "only the embedded kernel knows, and only after a trace"
                            : "nothing of that name; %truth alone lists all");
        }
        return String.join(
                "\n",
                truth.entrySet().stream()
                        .map(entry -> String.format("%-32s %d", entry.getKey(), entry.getValue()))
                        .toList());
    }

    private String vars() {
        var lines = named().list();
        return lines.isEmpty() ? "no variables yet" : String.join("\n", lines);
    }

    private Named named() {
        return new Named(workspace.variables());
    }

    private static void show(Chart chart, String words, CellOutput output) {
        boolean textOnly = words.strip().endsWith(" text");
        for (var bundle : MapBundles.ofValue(chart)) {
            output.display(textOnly ? MimeBundle.plain(bundle.data().getOrDefault(MimeBundle.PLAIN, "")) : bundle);
        }
    }

    private String list() {
        var text = new StringBuilder();
        for (var name : Name.values()) {
            text.append(String.format("%%%-38s %s%n", name.usage, name.help));
        }
        for (var language : languages) {
            text.append(String.format("%%%%%-37s %s%n", language.name(), language.title()));
        }
        return text.toString().stripTrailing();
    }

    private String help() {
        return """
                A cell is a script of the tracing language, for example
                    kprobe:vfs_read { @bytes[comm] = hist(arg2); }
                It runs for its duration (%duration) or until Stop, which shows what was gathered so far.
                Tab completes probes, fields, functions and maps; Shift-Tab on a probe shows its arguments.
                The first line may choose another language (%%name). Traced is:
                """ + workspace.spec() + "\n" + Targets.describe(workspace.target()) + "\n\n" + list();
    }
}
