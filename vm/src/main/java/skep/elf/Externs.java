package skep.elf;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.btf.BtfType;

/**
 * What a file takes from the kernel by name: functions and variables ({@code __ksym}), and settings of its build
 * ({@code __kconfig}), which become a map of their own.
 *
 * @param settings in the order of their places
 */
record Externs(List<Setting> settings, int settingsBytes) {
    static final String SYMBOLS_SECTION = ".ksyms";
    static final String SETTINGS_SECTION = ".kconfig";

    Externs {
        settings = List.copyOf(settings);
    }

    /**
     * A setting of the kernel's build.
     *
     * @param typeId what the program takes it for
     * @param weak whether the program goes without if the kernel does not have it
     */
    record Setting(String name, int typeId, int offsetBytes, boolean weak) {}

    static Externs read(RelocatableFile file, Optional<Btf> types) {
        var settings = new ArrayList<Setting>();
        int end = 0;
        if (types.isPresent()) {
            var btf = types.get();
            for (var slot : section(btf, SETTINGS_SECTION)) {
                if (btf.type(slot.typeId()) instanceof BtfType.Variable variable) {
                    long size = btf.sizeBytes(variable.typeId());
                    int align = Math.clamp(Long.highestOneBit(size), 1, 8);
                    int offset = (end + align - 1) / align * align;
                    settings.add(
                            new Setting(variable.name(), variable.typeId(), offset, isWeak(file, variable.name())));
                    end = Math.addExact(offset, Math.toIntExact(size));
                }
            }
        }
        return new Externs(settings, end);
    }

    private static List<BtfType.DataSection.Slot> section(Btf btf, String name) {
        var id = btf.find(name, BtfKind.DATASEC);
        return id.isPresent() ? ((BtfType.DataSection) btf.type(id.getAsInt())).variables() : List.of();
    }

    private static boolean isWeak(RelocatableFile file, String name) {
        return file.symbols().stream()
                .anyMatch(symbol -> symbol.section() == 0
                        && symbol.isWeak()
                        && symbol.name().equals(name));
    }

    OptionalInt settingOffset(String name) {
        for (var setting : settings) {
            if (setting.name.equals(name)) {
                return OptionalInt.of(setting.offsetBytes);
            }
        }
        return OptionalInt.empty();
    }

    /** The type of an undefined symbol among the file's kernel symbols: FUNC or VAR. */
    static Optional<BtfType> symbolType(Btf btf, String name) {
        for (var slot : section(btf, SYMBOLS_SECTION)) {
            var type = btf.type(slot.typeId());
            if (type.name().equals(name)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
