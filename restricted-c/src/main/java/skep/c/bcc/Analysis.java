package skep.c.bcc;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.c.bcc.BccTable.Visibility;
import skep.c.bcc.TableMacros.Declared;
import skep.c.check.KnownTypes;
import skep.c.check.TypeLayout;
import skep.c.check.Types;
import skep.c.lex.Token;
import skep.c.lower.Unit;
import skep.c.parse.CType;
import skep.c.parse.Declaration;
import skep.c.parse.Parser;
import skep.c.parse.TranslationUnit;
import skep.c.parse.TranslationUnit.FunctionDefinition;
import skep.c.parse.TypeNames;
import skep.c.pp.Preprocessor;
import skep.isa.kernel.Arch;
import skep.isa.kernel.MapType;
import skep.source.Diagnostics;
import skep.source.Source;

/** Reads a source and what it includes, and sorts out what it declares: types, tables, variables, functions. */
final class Analysis {
    private final BccRequest request;
    private final Diagnostics diagnostics;
    final Source source;
    final Types types;
    final Unit unit;
    final BccDialect dialect;
    final Map<String, FunctionDefinition> entries = new LinkedHashMap<>();
    final Map<String, FunctionDefinition> inner = new LinkedHashMap<>();

    /** Maps that hold variables of the program. */
    final List<Declared> variables = new ArrayList<>();

    private String license = "GPL";

    Analysis(BccRequest request, Diagnostics diagnostics) {
        this.request = request;
        this.diagnostics = diagnostics;
        this.source = new Source(request.fileName(), request.text());
        var layout = new TypeLayout(request.kernel().types(), diagnostics);
        layout.foreign(new TracepointStructures(request.kernel(), layout)::find);
        this.types = new Types(layout);
        this.unit = new Unit(types, source);
        this.dialect = new BccDialect(request.kernel().arch());
    }

    String license() {
        return license;
    }

    void read() {
        var preprocessor = new Preprocessor(new Headers(request.includes()), diagnostics);
        predefine(preprocessor);
        TypeNames names = this::isTypeName;
        var library = new ArrayList<Token>();
        for (var file : List.of("base.h", "kernel.h")) {
            library.addAll(withoutEnd(preprocessor.process(Headers.read(file))));
        }
        library.add(new Token(Token.Kind.END, "", Headers.read("base.h").span(0, 0), true, true));
        types.layout.weakly(true);
        declare(Parser.parse(library, names, diagnostics), names);
        types.layout.weakly(false);
        flags(preprocessor);
        declare(Parser.parse(preprocessor.process(source), names, diagnostics), names);
    }

    private static List<Token> withoutEnd(List<Token> tokens) {
        return !tokens.isEmpty() && tokens.getLast().isEnd() ? tokens.subList(0, tokens.size() - 1) : tokens;
    }

    private boolean isTypeName(String name) {
        return KnownTypes.isKnown(name)
                || types.layout.find(BtfKind.TYPEDEF, name).isPresent();
    }

    // Macros that the machine and the caller define

    private void predefine(Preprocessor preprocessor) {
        var kernel = request.kernel();
        var version = kernel.version();
        long code = ((long) version.major() << 16) + (version.minor() << 8) + Math.min(version.patch(), 255);
        preprocessor.define("LINUX_VERSION_CODE", Long.toString(code));
        preprocessor.define("__KERNEL__", "1");
        preprocessor.define("__BPF__", "1");
        preprocessor.define("__bpf__", "1");
        preprocessor.define("__clang__", "1");
        preprocessor.define("__BPF_TRACING__", "1");
        preprocessor.define("__LITTLE_ENDIAN__", "1");
        preprocessor.define("__BYTE_ORDER__", "1234");
        preprocessor.define("__ORDER_LITTLE_ENDIAN__", "1234");
        preprocessor.define("__ORDER_BIG_ENDIAN__", "4321");
        preprocessor.define("CONFIG_64BIT", "1");
        preprocessor.define("CONFIG_SMP", "1");
        if (kernel.arch() == Arch.ARM64) {
            preprocessor.define("__aarch64__", "1");
            preprocessor.define("CONFIG_ARM64", "1");
            preprocessor.define("__TARGET_ARCH_arm64", "1");
        } else {
            preprocessor.define("__x86_64__", "1");
            preprocessor.define("CONFIG_X86", "1");
            preprocessor.define("CONFIG_X86_64", "1");
            preprocessor.define("__TARGET_ARCH_x86", "1");
        }
        if (hasWrappers(request)) {
            preprocessor.define("CONFIG_ARCH_HAS_SYSCALL_WRAPPER", "1");
        }
        for (var type : MapType.values()) {
            preprocessor.define("BPF_MAP_TYPE_" + type.name(), Integer.toString(type.number()));
        }
        preprocessor.define("DNAME_INLINE_LEN", Long.toString(shortNameBytes()));
    }

    /** Whether system calls take the caller's registers (x86 since Linux 4.17, arm64 since 4.19). */
    static boolean hasWrappers(BccRequest request) {
        var version = request.kernel().version();
        return request.kernel().arch() == Arch.ARM64 ? version.isAtLeast(4, 19) : version.isAtLeast(4, 17);
    }

    /** Names up to this length are kept in the directory entry itself. */
    private long shortNameBytes() {
        return types.structure("dentry")
                .flatMap(d -> types.field(d, "d_iname").or(() -> types.field(d, "d_shortname")))
                .map(f -> types.size(f.type()))
                .orElse(32L);
    }

    private void flags(Preprocessor preprocessor) {
        var flags = request.cflags();
        for (int i = 0; i < flags.size(); i++) {
            var flag = flags.get(i);
            var value = flag.length() > 2 ? flag.substring(2) : i + 1 < flags.size() ? flags.get(i + 1) : "";
            if (flag.startsWith("-D") && !value.isEmpty()) {
                int equals = value.indexOf('=');
                preprocessor.define(
                        equals < 0 ? value : value.substring(0, equals),
                        equals < 0 ? "1" : value.substring(equals + 1));
            } else if (flag.startsWith("-U") && !value.isEmpty()) {
                preprocessor.undefine(value);
            }
        }
    }

    // Declarations

    private void declare(TranslationUnit parsed, TypeNames names) {
        var macros = new TableMacros(types, names, diagnostics);
        for (var external : parsed.externals()) {
            switch (external) {
                case TranslationUnit.Declared d -> declare(d.declaration());
                case FunctionDefinition f -> function(f);
                case TranslationUnit.Invocation i
                when i.name().equals("BPF_LICENSE") ->
                    license = i.args().isEmpty() ? "" : text(i.args().getFirst());
                case TranslationUnit.Invocation i -> macros.read(i).ifPresent(this::table);
            }
        }
    }

    private static String text(List<Token> tokens) {
        var text = new StringBuilder();
        for (var token : tokens) {
            text.append(text.isEmpty() || !token.spaceBefore() ? "" : " ").append(token.text());
        }
        return text.toString().replace("\"", "");
    }

    private void table(Declared table) {
        if (table.name().isEmpty()) {
            diagnostics.error("c-check", table.span(), "a table needs a name");
        } else if (dialect.tables().putIfAbsent(table.name(), table) != null) {
            diagnostics.error("c-check", table.span(), "redefinition of '" + table.name() + "'");
        }
    }

    private void function(FunctionDefinition f) {
        types.layout.idOf(f.type());
        boolean library =
                f.span().source() != source && f.span().source().name().startsWith("<");
        var before = unit.functions().put(f.name(), f);
        if (before != null && before.span().source() == f.span().source()) {
            diagnostics.error("c-check", f.span(), "redefinition of '" + f.name() + "'");
        }
        if (!library) {
            (f.storage().contains("static") || f.storage().contains("inline") ? inner : entries).put(f.name(), f);
        }
    }

    private void declare(Declaration declaration) {
        if (declaration.declarators().isEmpty()) {
            types.layout.idOf(declaration.type());
            return;
        }
        for (var declarator : declaration.declarators()) {
            if (declaration.isTypedef()) {
                types.layout.typedef(declarator.name(), declarator.type());
            } else if (!(declarator.type() instanceof CType.Function)) {
                variable(declaration, declarator);
            }
        }
    }

    private void variable(Declaration declaration, Declaration.Declarator declarator) {
        int type = types.layout.idOf(declarator.type());
        var section = section(declarator.attributes()).or(() -> section(declaration.attributes()));
        if (section.equals(Optional.of("license"))) {
            declarator
                    .initializer()
                    .ifPresent(i -> license = i.span().text().replace("\"", "").strip());
        } else if (section.equals(Optional.of(".maps"))) {
            table(new LibbpfMaps(types, diagnostics).read(declarator, type));
        } else if (!declaration.storage().contains("extern")) {
            boolean constant = declarator.initializer().isPresent();
            var map = "var_" + declarator.name();
            unit.globals().put(declarator.name(), new Unit.Global(declarator, type, constant, map));
            if (!constant) {
                variables.add(new Declared(
                        map,
                        MapType.ARRAY,
                        types.signedInt,
                        type,
                        1,
                        0,
                        Optional.empty(),
                        "",
                        Visibility.PRIVATE,
                        false,
                        declarator.span()));
            }
        }
    }

    static Optional<String> section(List<CType.Attribute> attributes) {
        return attributes.stream()
                .filter(a -> a.name().equals("section") && !a.args().isEmpty())
                .map(a -> a.args().getFirst().replace("\"", ""))
                .findFirst();
    }

    OptionalInt structure(String tag) {
        return types.layout.find(BtfKind.STRUCT, tag);
    }

    /** Number of arguments of a kernel function, if its type is known. */
    Optional<BtfType.Prototype> prototype(String function) {
        return request.kernel().types().flatMap((Btf t) -> t.function(function));
    }
}
