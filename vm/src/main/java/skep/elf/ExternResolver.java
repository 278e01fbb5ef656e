package skep.elf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.isa.Bytecode;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.KernelVersion;
import skep.isa.object.Octets;
import skep.isa.object.ProgramSpec;

/** Fills in what programs take from one kernel by name. What is weak and not there becomes 0. */
final class ExternResolver {
    private static final int PSEUDO_BTF_ID = 3;
    private static final int PSEUDO_KFUNC_CALL = 2;
    private static final long U32 = 0xffff_ffffL;
    /** What a call of a function becomes that the kernel lacks: calls of kernel function 0, which verifiers refuse unless dead. */
    private static final int NO_FUNCTION = 0;

    private static final String UNSEEN = "which this kernel does not show";

    private final Optional<Btf> own;
    private final Optional<KernelInfo> kernel;

    ExternResolver(Optional<Btf> own, Optional<KernelInfo> kernel) {
        this.own = own;
        this.kernel = kernel;
    }

    ProgramSpec apply(ProgramSpec program, List<ElfObject.Use> uses) {
        if (uses.isEmpty()) {
            return program;
        }
        var slots = program.code().slots();
        for (var use : uses) {
            if (use.call()) {
                int id = typeId(use.name(), BtfKind.FUNC).orElse(NO_FUNCTION);
                require(
                        id != NO_FUNCTION || use.weak(),
                        "function",
                        use.name(),
                        program.name(),
                        kernel.map(k -> k.missingFunction(use.name())).orElse(UNSEEN));
                setSource(slots, use.slot(), PSEUDO_KFUNC_CALL);
                slots[use.slot()] = slots[use.slot()] & U32 | (long) id << 32;
            } else {
                load(slots, use, program.name());
            }
        }
        return program.withCode(Bytecode.of(slots));
    }

    private void load(long[] slots, ElfObject.Use use, String program) {
        var id = use.typed() ? typeId(use.name(), BtfKind.VAR, BtfKind.FUNC) : OptionalInt.empty();
        long value = 0;
        if (id.isPresent()) {
            setSource(slots, use.slot(), PSEUDO_BTF_ID);
            value = id.getAsInt();
        } else {
            setSource(slots, use.slot(), 0);
            var address = use.typed() ? Optional.<Long>empty() : kernel.flatMap(k -> k.symbolAddress(use.name()));
            require(address.isPresent() || use.weak(), "symbol", use.name(), program, UNSEEN);
            value = address.orElse(0L);
        }
        slots[use.slot()] = slots[use.slot()] & U32 | value << 32;
        slots[use.slot() + 1] = slots[use.slot() + 1] & U32 | value >>> 32 << 32;
    }

    private static void require(boolean condition, String what, String name, String program, String why) {
        if (!condition) {
            throw new ElfException("program " + program + " needs the kernel's " + what + " " + name + ", " + why);
        }
    }

    private static void setSource(long[] slots, int slot, int source) {
        slots[slot] = slots[slot] & ~0xf000L | (long) source << 12;
    }

    private OptionalInt typeId(String name, BtfKind... kinds) {
        var types = kernel.flatMap(KernelInfo::types);
        for (var kind : kinds) {
            var id = types.map(btf -> btf.find(name, kind)).orElse(OptionalInt.empty());
            if (id.isPresent()) {
                return id;
            }
        }
        return OptionalInt.empty();
    }

    // ---- settings

    /** The contents of the map of settings. */
    Octets settings(Externs externs) {
        var bytes = ByteBuffer.allocate(externs.settingsBytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (var setting : externs.settings()) {
            var value = value(setting.name());
            if (value.isEmpty() && !setting.weak()) {
                throw new ElfException("the kernel's setting " + setting.name() + " is not known");
            }
            value.ifPresent(text -> put(bytes, setting, text));
        }
        return Octets.of(bytes.array());
    }

    /** As in the configuration file: {@code y}, {@code m}, {@code 250}, {@code 0x10}, {@code "text"}. */
    private Optional<String> value(String name) {
        return switch (name) {
            case "LINUX_KERNEL_VERSION" ->
                kernel.map(KernelInfo::version).map(ExternResolver::code).map(String::valueOf);
            case "LINUX_HAS_BPF_COOKIE" -> kernel.map(KernelInfo::version).map(v -> v.isAtLeast(5, 15) ? "1" : "0");
            case "LINUX_HAS_SYSCALL_WRAPPER" ->
                kernel.map(KernelInfo::version).map(v -> v.isAtLeast(4, 17) ? "1" : "0");
            default -> kernel.flatMap(k -> k.configuration(name));
        };
    }

    private static int code(KernelVersion version) {
        return version.major() << 16 | version.minor() << 8 | Math.min(version.patch(), 255);
    }

    private void put(ByteBuffer bytes, Externs.Setting setting, String text) {
        var types = own.orElseThrow();
        if (types.resolved(setting.typeId()) instanceof BtfType.Array array) {
            var chars = text.replaceAll("^\"|\"$", "").getBytes(StandardCharsets.UTF_8);
            int room = (int) Math.min(Integer.toUnsignedLong(array.count()), bytes.capacity() - setting.offsetBytes());
            bytes.put(setting.offsetBytes(), chars, 0, Math.max(0, Math.min(chars.length, room - 1)));
            return;
        }
        long size = types.sizeBytes(setting.typeId());
        long number = number(setting, text, types.resolved(setting.typeId()) instanceof BtfType.Enumeration);
        boolean fits = size == 8 || number >> 8 * size == 0 || number >> 8 * size - 1 == -1;
        if (!fits) {
            throw new ElfException(
                    "the kernel's setting " + setting.name() + "=" + text + " does not fit its variable");
        }
        for (int i = 0; i < size; i++) {
            bytes.put(setting.offsetBytes() + i, (byte) (number >> 8 * i));
        }
    }

    /** {@code enum libbpf_tristate}: no, yes, module. */
    private static long number(Externs.Setting setting, String text, boolean tristate) {
        return switch (text) {
            case "n" -> 0;
            case "y" -> 1;
            case "m" -> {
                if (!tristate) {
                    throw new ElfException(
                            "the kernel's setting " + setting.name() + "=m is a module's, its variable is no tristate");
                }
                yield 2;
            }
            default -> {
                try {
                    yield text.startsWith("0x") ? Long.parseUnsignedLong(text.substring(2), 16) : Long.parseLong(text);
                } catch (NumberFormatException _) {
                    throw new ElfException("the kernel's setting " + setting.name() + "=" + text + " is no number");
                }
            }
        };
    }
}
