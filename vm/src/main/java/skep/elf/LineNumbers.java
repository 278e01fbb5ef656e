package skep.elf;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Where the lines of source files are in a program: the line programs of {@code .debug_line} (DWARF 2 to 5, section 6.2).
 * They are run anew for each question, since a question is asked once and the rows of a large program are millions.
 */
public final class LineNumbers {
    private static final int STRP = 0x0e;
    private static final int LINE_STRP = 0x1f;
    private static final int STRING = 0x08;
    private static final int PATH = 1;
    private static final int FOLDER = 2;

    /** Rows that are kept to look addresses up. */
    private static final int MAX_ROWS = 2_000_000;

    private final DebugBytes lines;
    private final DebugBytes lineStrings;
    private final DebugBytes strings;

    private @Nullable TreeMap<Long, String> index;

    private LineNumbers(ElfFile file) {
        this.lines = DebugBytes.of(file, ".debug_line");
        this.lineStrings = DebugBytes.of(file, ".debug_line_str");
        this.strings = DebugBytes.of(file, ".debug_str");
    }

    /** The line numbers of a file; of one without debugging information every question's answer is empty. */
    public static LineNumbers of(ElfFile file) {
        return new LineNumbers(file);
    }

    public boolean isEmpty() {
        return lines.isEmpty();
    }

    /**
     * What is known of a line.
     *
     * @param addresses where statements of the line begin, sorted; a line that the compiler copied has several
     * @param others lines of the same file that have code, for who asked for one without
     */
    public record Places(List<Long> addresses, List<Integer> others) {}

    /** A row at which a statement begins. */
    private record Row(long address, int line, int column) {}

    @FunctionalInterface
    private interface Sink {
        void row(String file, Row row, boolean continues);
    }

    /**
     * Looks a line up.
     *
     * @param file the end of the source file's path: {@code main.c}, {@code src/main.c}
     * @throws MalformedElfException if the tables are damaged
     */
    public Places find(String file, int line, OptionalInt column) {
        var found = new TreeSet<Long>(Long::compareUnsigned);
        var others = new TreeSet<Integer>();
        lines.go(0);
        while (lines.hasMore()) {
            unit(path -> endsWith(path, file), (_, row, continues) -> {
                if (row.line == 0) {
                    return;
                }
                others.add(row.line);
                boolean wanted = row.line == line && (column.isEmpty() || column.getAsInt() == row.column);
                if (wanted && !continues) {
                    found.add(row.address);
                }
            });
        }
        return new Places(List.copyOf(found), List.copyOf(others));
    }

    /**
     * Where in a source file an address comes from: {@code /src/main.c:12}. The first call reads all tables.
     *
     * @throws MalformedElfException if the tables are damaged
     */
    public synchronized Optional<String> at(long address) {
        if (index == null) {
            index = new TreeMap<>(Long::compareUnsigned);
            lines.go(0);
            while (lines.hasMore() && index.size() < MAX_ROWS) {
                unit(_ -> true, (file, row, _) -> index.put(row.address, row.line == 0 ? "" : file + ":" + row.line));
            }
        }
        var row = index.floorEntry(address);
        return row == null || row.getValue().isEmpty() ? Optional.empty() : Optional.of(row.getValue());
    }

    /** The files of one unit, by the number that its line program gives them; wanted or not. */
    private record Header(
            int version,
            int minInsnBytes,
            boolean startsStatement,
            int lineBase,
            int lineRange,
            int[] operands,
            List<String> files,
            List<Boolean> wanted) {}

    private void unit(Predicate<String> wantedFile, Sink sink) {
        long length = lines.u4();
        boolean wide = length == 0xffff_ffffL;
        length = wide ? lines.u8() : length;
        int end = Math.toIntExact(Math.addExact(lines.at(), Math.clamp(length, 0, Integer.MAX_VALUE - lines.at())));
        int version = lines.u2();
        if (version < 2 || version > 5) {
            lines.go(end);
            return;
        }
        if (version == 5) {
            lines.skip(2);
        }
        long headerBytes = lines.offset(wide);
        int program = Math.toIntExact(lines.at() + headerBytes);
        int minInsnBytes = lines.u1();
        if (version >= 4) {
            lines.skip(1);
        }
        boolean startsStatement = lines.u1() != 0;
        int lineBase = lines.s1();
        int lineRange = lines.u1();
        var operands = new int[lines.u1()];
        for (int i = 1; i < operands.length; i++) {
            operands[i] = lines.u1();
        }
        var files = version == 5 ? files5(wide) : files();
        var wanted = files.stream().map(wantedFile::test).toList();
        if (wanted.contains(true) && lineRange != 0) {
            lines.go(program);
            run(
                    new Header(version, minInsnBytes, startsStatement, lineBase, lineRange, operands, files, wanted),
                    end,
                    sink);
        }
        lines.go(end);
    }

    private static boolean endsWith(String path, String end) {
        return path.equals(end) || path.endsWith("/" + end) || end.startsWith("./") && endsWith(path, end.substring(2));
    }

    private static String join(String folder, String name) {
        return folder.isEmpty() || name.startsWith("/") ? name : folder + "/" + name;
    }

    /** Folders, then files, each list ended by an empty name; numbered from one. */
    private List<String> files() {
        var folders = new ArrayList<String>();
        folders.add("");
        for (var folder = lines.string(); !folder.isEmpty(); folder = lines.string()) {
            folders.add(folder);
        }
        var files = new ArrayList<String>();
        files.add("");
        for (var name = lines.string(); !name.isEmpty(); name = lines.string()) {
            int folder = (int) lines.uleb();
            lines.uleb();
            lines.uleb();
            files.add(join(folder < folders.size() ? folders.get(folder) : "", name));
        }
        return files;
    }

    /** Since version 5 the lists say themselves what they hold, and are numbered from zero. */
    private List<String> files5(boolean wide) {
        var folders = new ArrayList<String>();
        entries(wide, (path, folder) -> folders.add(folders.isEmpty() ? path : join(folders.getFirst(), path)));
        var files = new ArrayList<String>();
        entries(wide, (path, folder) -> files.add(join(folder < folders.size() ? folders.get(folder) : "", path)));
        return files;
    }

    @FunctionalInterface
    private interface EntrySink {
        void entry(String path, int folder);
    }

    private void entries(boolean wide, EntrySink sink) {
        int fields = lines.u1();
        var contents = new long[fields];
        var forms = new long[fields];
        for (int i = 0; i < fields; i++) {
            contents[i] = lines.uleb();
            forms[i] = lines.uleb();
        }
        long count = lines.uleb();
        for (long n = 0; n < count; n++) {
            var path = "";
            int folder = 0;
            for (int i = 0; i < fields; i++) {
                if (contents[i] == PATH) {
                    path = text((int) forms[i], wide);
                } else {
                    long value = number((int) forms[i], wide);
                    folder = contents[i] == FOLDER ? (int) value : folder;
                }
            }
            sink.entry(path, folder);
        }
    }

    private String text(int form, boolean wide) {
        return switch (form) {
            case STRING -> lines.string();
            case LINE_STRP -> lineStrings.stringAt(lines.offset(wide));
            case STRP -> strings.stringAt(lines.offset(wide));
            default -> throw new MalformedElfException("a path of form " + form + " in a line table");
        };
    }

    private long number(int form, boolean wide) {
        return switch (form) {
            case 0x0b -> lines.u1();
            case 0x05 -> lines.u2();
            case 0x06 -> lines.u4();
            case 0x07 -> lines.u8();
            case 0x0f -> lines.uleb();
            case 0x1e -> {
                lines.skip(16);
                yield 0;
            }
            case 0x09 -> {
                lines.skip(lines.uleb());
                yield 0;
            }
            case STRP, LINE_STRP -> lines.offset(wide);
            case STRING -> lines.string().length();
            default -> throw new MalformedElfException("a field of form " + form + " in a line table");
        };
    }

    /** The state machine of section 6.2.2. */
    private void run(Header header, int end, Sink sink) {
        int opcodeBase = header.operands.length;
        long address = 0;
        int file = 1;
        int line = 1;
        int column = 0;
        boolean statement = header.startsStatement;
        int lastFile = -1;
        int lastLine = -1;
        while (lines.at() < end) {
            int opcode = lines.u1();
            boolean row = false;
            boolean endOfSequence = false;
            if (opcode >= opcodeBase) {
                int special = opcode - opcodeBase;
                address += (long) (special / header.lineRange) * header.minInsnBytes;
                line += header.lineBase + special % header.lineRange;
                row = true;
            } else if (opcode == 0) {
                long length = lines.uleb();
                int next = Math.toIntExact(lines.at() + length);
                int extended = length == 0 ? 0 : lines.u1();
                if (extended == 1) {
                    endOfSequence = true;
                } else if (extended == 2) {
                    address = lines.u8();
                }
                lines.go(next);
            } else {
                switch (opcode) {
                    case 1 -> row = true;
                    case 2 -> address += lines.uleb() * header.minInsnBytes;
                    case 3 -> line += (int) lines.sleb();
                    case 4 -> file = (int) lines.uleb();
                    case 5 -> column = (int) lines.uleb();
                    case 6 -> statement = !statement;
                    case 8 -> address += (long) ((255 - opcodeBase) / header.lineRange) * header.minInsnBytes;
                    case 9 -> address += lines.u2();
                    default -> {
                        for (int i = 0; i < header.operands[opcode]; i++) {
                            lines.uleb();
                        }
                    }
                }
            }
            // Rows that begin no statement do not part those that do.
            if (row && statement) {
                if (file >= 0 && file < header.wanted.size() && header.wanted.get(file)) {
                    boolean continues = file == lastFile && line == lastLine;
                    sink.row(header.files.get(file), new Row(address, line, column), continues);
                }
                lastFile = file;
                lastLine = line;
            } else if (endOfSequence) {
                sink.row("", new Row(address, 0, 0), false);
                address = 0;
                file = 1;
                line = 1;
                column = 0;
                statement = header.startsStatement;
                lastFile = -1;
                lastLine = -1;
            }
        }
    }
}
