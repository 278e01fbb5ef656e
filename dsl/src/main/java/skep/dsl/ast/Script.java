package skep.dsl.ast;

import java.util.List;
import java.util.Optional;
import skep.source.Source;
import skep.source.Span;

/**
 * A whole script.
 *
 * @param preamble the C lines at its head: {@code #include}, {@code #define}, structures
 * @param probes in order of appearance
 */
public record Script(
        Source source,
        Optional<String> interpreterLine,
        List<CText> preamble,
        List<Setting> config,
        List<Import> imports,
        List<MapDeclaration> mapDeclarations,
        List<Macro> macros,
        List<Subprogram> subprograms,
        List<Probe> probes) {
    public Script {
        preamble = List.copyOf(preamble);
        config = List.copyOf(config);
        imports = List.copyOf(imports);
        mapDeclarations = List.copyOf(mapDeclarations);
        macros = List.copyOf(macros);
        subprograms = List.copyOf(subprograms);
        probes = List.copyOf(probes);
    }

    /** The same script with other C lines at its head. */
    public Script withPreamble(List<CText> others) {
        return new Script(
                source, interpreterLine, others, config, imports, mapDeclarations, macros, subprograms, probes);
    }

    /** The same script with other probes. */
    public Script withProbes(List<Probe> others) {
        return new Script(
                source, interpreterLine, preamble, config, imports, mapDeclarations, macros, subprograms, others);
    }

    /** A stretch of C: a preprocessor line or a declaration. */
    public record CText(Span span) {}

    /** A line of the {@code config} block. */
    public record Setting(String name, Expr value, Span span) {}

    public record Import(String path, Span span) {}

    /** {@code let @a = lruhash(100);}. */
    public record MapDeclaration(String map, String kind, Expr entries, Span kindSpan, Span span) {}

    /** A hygienic macro: parameters are names, variables or maps. */
    public record Macro(String name, List<Expr> parameters, Expr.BlockValue body, Span nameSpan, Span span) {}

    /** {@code fn f($a : int64) : int64 { … }}. */
    public record Subprogram(
            String name, List<Parameter> parameters, TypeRef result, Stmt.Block body, Span nameSpan, Span span) {}

    public record Parameter(Expr.Var variable, TypeRef type) {}

    /** A probe: its attach points, predicate and body. */
    public record Probe(
            Optional<String> name,
            List<AttachPoint> attachPoints,
            Optional<Expr> predicate,
            Stmt.Block body,
            Span span) {
        public Probe {
            attachPoints = List.copyOf(attachPoints);
        }
    }

    /**
     * One attach point: the parts between colons; the first is the provider.
     */
    public record AttachPoint(List<Part> parts, Span span) {
        public AttachPoint {
            parts = List.copyOf(parts);
        }
    }

    /** A part of an attach point: text, quoted text and positional parameters side by side. */
    public record Part(List<Piece> pieces) {
        public Part {
            pieces = List.copyOf(pieces);
        }
    }

    /**
     * A piece of an attach point's part.
     *
     * @param text the text, or the digits of a positional parameter
     * @param quoted whether it stood in quotes: wildcards and offsets do not count then
     */
    public record Piece(String text, boolean positional, boolean quoted) {}
}
