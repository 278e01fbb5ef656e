package skep.dsl.check;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import skep.dsl.Action;
import skep.dsl.ast.Expr;
import skep.source.Span;

/**
 * {@code printa(@a, @b, …)} and {@code print(@m, form, …)}: which maps, in which form, how arranged.
 *
 * <pre>
 * show      = ( "printa" | "print" ) "(" map { "," map } [ "," form ] { "," string } ")"
 * string    = words separated by blanks: "top=N" "sort=COLUMN" "div=N" "rate" "percent" "percentiles" "descending" or a file name
 * </pre>
 */
final class ShowChecker {
    private static final Set<String> WITH_VALUE = Set.of("top", "sort", "div");

    private static final Set<String> WORDS = Set.of("rate", "percent", "percentiles", "descending");

    private ShowChecker() {}

    /** Whether a {@code print} asks for more than bpftrace's: several maps, a form, or settings. */
    static boolean asks(Expr.Call c, Checking checking) {
        var arguments = c.arguments();
        if (arguments.size() < 2
                || !(arguments.getFirst() instanceof Expr.MapRef m)
                || m.key().isPresent()) {
            return false;
        }
        return arguments.get(1) instanceof Expr.MapRef
                || arguments.get(1) instanceof Expr.StrLit
                || arguments.get(1) instanceof Expr.Ident i && Action.Show.FORMS.contains(i.name())
                || arguments.get(1) instanceof Expr.Ident word
                        && !skep.dsl.parse.Words.isBuiltin(word.name())
                        && checking.types.declared().define(word.name()).isEmpty();
    }

    static Typed.Expr check(Expr.Call c, Checking checking) {
        var maps = new ArrayList<String>();
        var forms = new ArrayList<String>();
        Optional<String> file = Optional.empty();
        Map<String, String> settings = new LinkedHashMap<>();
        for (var argument : c.arguments()) {
            switch (argument) {
                case Expr.MapRef m
                when m.key().isEmpty() && forms.isEmpty() ->
                    maps.add(checking.definedMap(m.name(), m.span()).name());
                case Expr.Ident i when forms.isEmpty() && !maps.isEmpty() -> forms.add(form(i));
                case Expr.StrLit s
                when !maps.isEmpty() -> {
                    for (var word : s.value().strip().split("[ ,]+")) {
                        if (!setting(word, settings, maps, s.span()) && !word.isEmpty()) {
                            file = Optional.of(word);
                        }
                    }
                }
                default ->
                    throw new CheckError(
                            "show",
                            argument.span(),
                            c.name() + "() expects maps, then a form, then settings or a file name",
                            "for example printa(@count, @bytes, \"sort=@bytes top=10\") or print(@stacks, flame, \"out.svg\")");
            }
        }
        if (maps.isEmpty()) {
            throw new CheckError("show", c.span(), c.name() + "() expects at least one map");
        }
        var shown = new Action.Show(maps, forms.isEmpty() ? "table" : forms.getFirst(), file, settings, c.span());
        requireFits(shown, checking);
        return new Typed.Emit(List.of(), _ -> shown, c.span());
    }

    private static String form(Expr.Ident i) {
        if (Action.Show.FORMS.contains(i.name())) {
            return i.name();
        }
        throw new CheckError(
                "show",
                i.span(),
                "'" + i.name() + "' is no form in which maps are shown",
                NearestNames.hint(i.name(), Action.Show.FORMS.stream())
                        .replaceFirst("^$", "forms: " + String.join(", ", Action.Show.FORMS)));
    }

    private static boolean setting(String word, Map<String, String> settings, List<String> maps, Span span) {
        int equals = word.indexOf('=');
        var name = equals < 0 ? word : word.substring(0, equals);
        if (equals < 0) {
            if (WORDS.contains(word)) {
                settings.put(word, "");
                return true;
            }
            return false;
        }
        var value = word.substring(equals + 1);
        if (!WITH_VALUE.contains(name)) {
            throw new CheckError(
                    "show",
                    span,
                    "there is no setting '" + name + "'",
                    "settings: top=N, sort=COLUMN, div=N, rate, percent, percentiles, descending");
        }
        if (!name.equals("sort") && (!value.matches("[0-9]{1,18}") || value.matches("0+"))) {
            throw new CheckError("show", span, name + " wants a positive number, found '" + value + "'");
        }
        if (name.equals("sort")
                && !value.matches("key[0-9]*")
                && maps.stream().noneMatch(map -> value.equals(map) || value.startsWith(map + "."))) {
            throw new CheckError(
                    "show",
                    span,
                    "there is no column '" + value + "' to sort by",
                    "columns: key, " + String.join(", ", maps) + "; of statistics " + maps.getFirst()
                            + ".count and so on");
        }
        settings.put(name, value);
        return true;
    }

    /** Forms that need certain values say so when the script is compiled. */
    private static void requireFits(Action.Show show, Checking checking) {
        if (!checking.last) {
            return;
        }
        var wanted = switch (show.form()) {
            case "heatmap" -> "a histogram: @m[time] = hist(…), or time series: @m[cpu] = tseries(…)";
            case "lanes" -> "@m[lane, nsecs] = what, or @m[lane, nsecs, what] = duration";
            case "timeline" -> "a time series: @m = tseries(…)";
            default -> "";
        };
        for (var name : show.maps()) {
            var map = checking.maps.get(name);
            var type = map.value();
            boolean fits = switch (show.form()) {
                case "heatmap" ->
                    type instanceof skep.dsl.Type.Hist
                            || type instanceof skep.dsl.Type.LinearHist
                            || type instanceof skep.dsl.Type.LogLinearHist
                            || type instanceof skep.dsl.Type.TimeSeries;
                case "timeline" -> type instanceof skep.dsl.Type.TimeSeries;
                case "lanes" ->
                    map.key().orElse(type) instanceof skep.dsl.Type.Tuple key
                            && key.elements().size() > 1
                            && key.elements().get(1) instanceof skep.dsl.Type.Int;
                default -> true;
            };
            if (!fits) {
                throw new CheckError(
                        "show",
                        show.span(),
                        show.form() + " does not fit " + name + ", which is of type " + type.display(),
                        "it wants " + wanted);
            }
        }
    }
}
