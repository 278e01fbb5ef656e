package skep.linux;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.XZInputStream;
import skep.btf.Btf;
import skep.elf.DebugTypes;
import skep.elf.Demangler;
import skep.elf.ElfFile;
import skep.elf.LineNumbers;
import skep.elf.MalformedElfException;
import skep.elf.SymbolTable;
import skep.elf.UnwindRow;
import skep.elf.UnwindTable;
import skep.elf.UsdtNotes;
import skep.isa.kernel.Arch;
import skep.isa.kernel.UsdtArgument;
import skep.isa.kernel.UsdtProbe;
import skep.isa.kernel.UserBinary;

/** A program or library of the traced machine: its symbols and static probes, read when they are asked for. */
final class LinuxBinary implements UserBinary {
    /** Where distributions put symbols that they stripped: by identity, or beside the file. */
    private static final String DEBUG = "/usr/lib/debug/";

    /** Bounds on what a compressed section may ask for. */
    private static final int MAX_XZ_KIBIBYTES = 64 << 10;

    private static final int MAX_COMPRESSED_BYTES = 256 << 20;

    private final Host host;
    private final String path;
    private final ElfFile file;
    private List<UnwindTable> unwindTables = List.of();
    private boolean unwindTablesRead;
    private volatile Optional<SymbolTable> symbols = Optional.empty();
    private volatile @Nullable LineNumbers lines;

    private LinuxBinary(Host host, String path, ElfFile file) {
        this.host = host;
        this.path = path;
        this.file = file;
    }

    /** Empty if there is no such file, or it is no ELF file of this machine's kind. */
    static Optional<LinuxBinary> open(Host host, String path) {
        try {
            return Optional.of(new LinuxBinary(host, path, elf(host, path)));
        } catch (MalformedElfException notReadable) {
            return Optional.empty();
        }
    }

    private static ElfFile elf(Host host, String path) {
        return ElfFile.read((offset, length) -> host.files().read(path, offset, length));
    }

    @Override
    public String path() {
        return path;
    }

    ElfFile file() {
        return file;
    }

    SymbolTable symbols() {
        var known = symbols;
        if (known.isEmpty()) {
            synchronized (this) {
                known = symbols;
                if (known.isEmpty()) {
                    known = Optional.of(readSymbols());
                    symbols = known;
                }
            }
        }
        return known.get();
    }

    /** The file's own symbols, or those of its debugging file where they were stripped. */
    private SymbolTable readSymbols() {
        try {
            if (file.section(".symtab").isPresent()) {
                return file.symbols();
            }
            // Names with versions are plain in the file's own table only.
            return debugFile()
                    .map(debug -> file.symbols().with(debug.symbols()))
                    .orElseGet(() -> compressed().map(file.symbols()::with).orElseGet(file::symbols));
        } catch (MalformedElfException damaged) {
            return SymbolTable.empty();
        }
    }

    /** Distributions of the Fedora family put the functions' symbols into a section: an ELF file, compressed with xz. */
    private Optional<SymbolTable> compressed() {
        return file.section(".gnu_debugdata").flatMap(section -> {
            try (var in = new XZInputStream(new ByteArrayInputStream(file.bytes(section)), MAX_XZ_KIBIBYTES)) {
                var bytes = in.readNBytes(MAX_COMPRESSED_BYTES);
                return Optional.of(ElfFile.read((offset, length) -> {
                            int start = Math.clamp(offset, 0, bytes.length);
                            return Arrays.copyOfRange(
                                    bytes, start, (int) Math.min(bytes.length, (long) start + length));
                        })
                        .symbols());
            } catch (IOException | MalformedElfException damaged) {
                return Optional.empty();
            }
        });
    }

    private Optional<ElfFile> debugFile() {
        var own = host.settings().debugFolder();
        var folders = own.isEmpty() ? List.of(DEBUG) : List.of(own + "/", DEBUG);
        for (var debug : folders) {
            var byIdentity = file.buildId()
                    .filter(id -> id.length() > 2)
                    .map(id -> debug + ".build-id/" + id.substring(0, 2) + "/" + id.substring(2) + ".debug");
            if (byIdentity.isPresent() && host.files().exists(byIdentity.get())) {
                return open(host, byIdentity.get()).map(LinuxBinary::file);
            }
        }
        return file.debugLink().flatMap(name -> {
            var folder = path.substring(0, path.lastIndexOf('/') + 1);
            var candidates = new ArrayList<String>();
            if (!own.isEmpty()) {
                candidates.add(own + "/" + name);
            }
            candidates.addAll(List.of(folder + name, folder + ".debug/" + name, DEBUG + folder.substring(1) + name));
            for (var candidate : candidates) {
                if (!candidate.equals(path) && host.files().exists(candidate)) {
                    return open(host, candidate).map(LinuxBinary::file);
                }
            }
            return Optional.empty();
        });
    }

    @Override
    public Optional<Btf> functionTypes(String function) {
        try {
            var own = DebugTypes.of(file);
            var types = own.isEmpty() ? debugFile().map(DebugTypes::of).orElse(own) : own;
            return types.function(function);
        } catch (MalformedElfException damaged) {
            return Optional.empty();
        }
    }

    /** How the caller of a place in its code is found, by the file or its debugging file; empty if neither says. */
    Optional<UnwindRow> unwindRow(long address) {
        return unwindTables().stream()
                .flatMap(table -> table.at(address).stream())
                .findFirst();
    }

    private synchronized List<UnwindTable> unwindTables() {
        if (unwindTables.isEmpty() && !unwindTablesRead) {
            unwindTablesRead = true;
            var tables = new ArrayList<>(UnwindTable.of(file));
            debugFile().map(UnwindTable::of).ifPresent(tables::addAll);
            unwindTables = List.copyOf(tables);
        }
        return unwindTables;
    }

    /** Where in a source file an address of the file comes from. */
    Optional<String> lineAt(long address) {
        try {
            var known = lines;
            if (known == null) {
                known = lineNumbers();
                lines = known;
            }
            return known.at(address);
        } catch (MalformedElfException damaged) {
            return Optional.empty();
        }
    }

    /** The line numbers of the file, or of its debugging file. */
    LineNumbers lineNumbers() {
        var own = LineNumbers.of(file);
        return own.isEmpty() ? debugFile().map(LineNumbers::of).orElse(own) : own;
    }

    @Override
    public List<String> functions() {
        return symbols().functions();
    }

    @Override
    public List<CppFunction> cppFunctions(String pattern) {
        var found = new ArrayList<CppFunction>();
        for (var name : functions()) {
            Demangler.demangle(name)
                    .filter(readable -> isCalled(pattern, readable))
                    .ifPresent(readable -> found.add(new CppFunction(name, readable)));
        }
        return found;
    }

    private static boolean isCalled(String pattern, String readable) {
        var bare = Demangler.withoutParameters(readable);
        // A name may hold characters that mean something in wildcards: operator[].
        return pattern.equals(readable)
                || pattern.equals(bare)
                || Glob.matches(pattern, readable)
                || Glob.matches(pattern, bare);
    }

    @Override
    public boolean hasFunction(String name) {
        return symbols().find(name).isPresent();
    }

    @Override
    public Optional<Symbol> symbol(String name) {
        return symbols().find(name).map(s -> new Symbol(s.address(), s.sizeBytes()));
    }

    @Override
    public boolean isCode(long address) {
        return symbols().at(address).isPresent();
    }

    @Override
    public List<UsdtProbe> staticProbes() {
        var arch = file.machine() == ElfFile.MACHINE_ARM64 ? Arch.ARM64 : Arch.X86_64;
        return places().stream()
                .map(place -> new UsdtProbe(
                        place.provider(),
                        place.name(),
                        place.offset(),
                        place.semaphoreOffset(),
                        UsdtArgument.parse(place.arguments(), arch).stream()
                                .map(argument -> placed(argument, place.offset()))
                                .toList()))
                .toList();
    }

    /** {@code 8+name(%rip)}: a variable of the program, at a fixed distance from the probe wherever the program is loaded. */
    private static final Pattern RELATIVE =
            Pattern.compile("(?:([0-9]+)\\+)?([A-Za-z_.$][A-Za-z0-9_.$]*)(?:([+-][0-9]+))?\\(%rip\\)");

    private UsdtArgument placed(UsdtArgument argument, long probeOffset) {
        if (!(argument.place() instanceof UsdtArgument.Place.Unreadable(var text))) {
            return argument;
        }
        var form = RELATIVE.matcher(text);
        var probe = file.address(probeOffset);
        if (!form.matches() || probe.isEmpty()) {
            return argument;
        }
        long behind = number(form.group(1)) + number(form.group(3));
        return symbols()
                .find(form.group(2))
                .map(symbol -> new UsdtArgument(
                        argument.sizeBytes(),
                        argument.signed(),
                        new UsdtArgument.Place.Memory("rip", symbol.address() + behind - probe.getAsLong(), "", 1)))
                .orElse(argument);
    }

    private static long number(@Nullable String digits) {
        return digits == null ? 0 : Long.parseLong(digits);
    }

    List<UsdtNotes.Place> places() {
        try {
            return UsdtNotes.of(file);
        } catch (MalformedElfException damaged) {
            return List.of();
        }
    }
}
