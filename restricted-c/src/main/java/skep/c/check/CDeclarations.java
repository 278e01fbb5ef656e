package skep.c.check;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.c.lex.Token;
import skep.c.parse.Declaration;
import skep.c.parse.Parser;
import skep.c.parse.TranslationUnit;
import skep.c.parse.TypeNames;
import skep.c.pp.IncludeProvider;
import skep.c.pp.Macro;
import skep.c.pp.Preprocessor;
import skep.source.Diagnostics;
import skep.source.Source;

/**
 * What a piece of C declares: structures, unions, enumerations and type names, laid out and written as BTF on top of the
 * kernel's, and its macros. This is how the tracing language reads the C preamble of a script.
 *
 * <pre>
 * var c = CDeclarations.read(source, kernelTypes, headers, Map.of(), diagnostics);
 * int id = c.struct("event").orElseThrow();
 * c.types().member(id, "pid");
 * </pre>
 *
 * <p>Names that the source does not declare are the kernel's; its own definitions win over those.
 */
public final class CDeclarations {
    private final Preprocessor preprocessor;
    private final TypeLayout layout;
    private final Btf types;
    private final TypeNames names;

    private CDeclarations(Preprocessor preprocessor, TypeLayout layout, TypeNames names) {
        this.preprocessor = preprocessor;
        this.layout = layout;
        this.types = layout.types();
        this.names = names;
    }

    /**
     * Preprocesses, parses and lays out a source. What is wrong is told by the diagnostics; the rest is there all the
     * same.
     *
     * @param defines macros defined beforehand, with their values
     */
    public static CDeclarations read(
            Source source,
            Optional<Btf> kernel,
            IncludeProvider includes,
            Map<String, String> defines,
            Diagnostics diagnostics) {
        var preprocessor = new Preprocessor(includes, diagnostics);
        defines.forEach(preprocessor::define);
        TypeNames names = name -> KnownTypes.isKnown(name)
                || kernel.flatMap(k -> Optional.of(k.find(name, BtfKind.TYPEDEF).isPresent()))
                        .orElse(false);
        var unit = Parser.parse(preprocessor.process(source), names, diagnostics);
        var layout = new TypeLayout(kernel, diagnostics);
        for (var external : unit.externals()) {
            switch (external) {
                case TranslationUnit.Declared d -> declare(d.declaration(), layout);
                case TranslationUnit.FunctionDefinition f ->
                    diagnostics.warning(
                            "c-function",
                            f.span(),
                            "the function " + f.name() + " is not used: only declarations are read",
                            "");
                case TranslationUnit.Invocation i ->
                    diagnostics.error("c-syntax", i.span(), "a declaration cannot begin with '" + i.name() + "(…)'");
            }
        }
        return new CDeclarations(preprocessor, layout, names);
    }

    private static void declare(Declaration declaration, TypeLayout layout) {
        layout.idOf(declaration.type());
        if (declaration.isTypedef()) {
            for (var declarator : declaration.declarators()) {
                layout.typedef(declarator.name(), declarator.type());
            }
        }
    }

    /** All types: the kernel's, if they were given, and the source's own. */
    public Btf types() {
        return types;
    }

    /** The id of a structure with this tag: the source's own, or the kernel's. */
    public OptionalInt struct(String tag) {
        return layout.find(BtfKind.STRUCT, tag);
    }

    public OptionalInt union(String tag) {
        return layout.find(BtfKind.UNION, tag);
    }

    public OptionalInt enumeration(String tag) {
        return layout.find(BtfKind.ENUM, tag);
    }

    /** The id of a type name: of the source, of the kernel, or one that C programs expect to find ({@code u32}). */
    public OptionalInt typedef(String name) {
        return layout.find(BtfKind.TYPEDEF, name);
    }

    /** The ids of the structures, unions, enumerations and type names that the source itself declares, by name. */
    public Map<String, Integer> declared(BtfKind kind) {
        return layout.own(kind);
    }

    /** The values of the enumeration constants that the source declares. */
    public Map<String, Long> enumerators() {
        return layout.enumerators();
    }

    /** The replacements of the source's macros without parameters, as text. */
    public Map<String, String> macros() {
        Map<String, String> texts = new LinkedHashMap<>();
        for (var macro : preprocessor.macros().values()) {
            if (macro.parameters().isEmpty() && !macro.name().startsWith("__STDC")) {
                texts.put(macro.name(), text(macro));
            }
        }
        return texts;
    }

    private static String text(Macro macro) {
        return macro.body().stream()
                .map(t -> (t.spaceBefore() ? " " : "") + t.text())
                .collect(Collectors.joining())
                .strip();
    }

    /** The number that a macro stands for, if it is a constant expression of C. */
    public OptionalLong macroValue(String name) {
        List<Token> tokens = preprocessor.value(name).orElse(List.of());
        var value = Parser.expression(tokens, names).flatMap(layout::constant);
        return value.map(OptionalLong::of).orElse(OptionalLong.empty());
    }
}
