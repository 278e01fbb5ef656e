package skep.elf;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import skep.btf.Btf;
import skep.btf.BtfExt.CoreRelocation;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.elf.ElfObject.ElfProgram;
import skep.isa.Bytecode;
import skep.isa.object.ProgramSpec;

/**
 * Adapts programs to the layouts of one kernel ("compile once, run everywhere"): offsets, sizes, existence of fields,
 * types and constants are looked up by name in the kernel's types.
 *
 * <p>A name counts up to three underscores ({@code task_struct___old} means {@code task_struct}). What does not exist
 * makes its instruction a call that every verifier refuses, so that it must be in a branch that is never taken.
 */
public final class CoreRelocator {
    /** A call of a helper that never exists, as libbpf poisons. */
    private static final long POISON = 0x85L | 195_896_080L << 32;

    private static final int CLASS_LD = 0;
    private static final int CLASS_LDX = 1;
    private static final int CLASS_ST = 2;
    private static final int CLASS_STX = 3;
    private static final int CLASS_ALU = 4;
    private static final int CLASS_ALU64 = 7;
    private static final int SIZE_MASK = 0x18;

    private final Btf local;
    private final Optional<Btf> target;
    private final Map<Integer, List<Integer>> candidates = new HashMap<>();

    public CoreRelocator(Btf local, Optional<Btf> target) {
        this.local = local;
        this.target = target;
    }

    /** The program with its relocations applied. */
    public ProgramSpec apply(ElfProgram program) {
        var spec = program.spec();
        var slots = spec.code().slots();
        for (var relocation : program.relocations()) {
            patch(slots, relocation, spec.name());
        }
        return spec.withCode(Bytecode.of(slots));
    }

    /** What an instruction becomes; {@code sizeBytes} is that of the target's field if a load should change, else 0. */
    private record Answer(long value, int sizeBytes) {
        static Answer of(long value) {
            return new Answer(value, 0);
        }
    }

    private void patch(long[] slots, CoreRelocation relocation, String program) {
        int slot = relocation.offsetBytes() / Bytecode.SLOT_BYTES;
        if (slot < 0 || slot >= slots.length) {
            throw new ElfException("a CO-RE relocation lies outside program " + program);
        }
        int opcode = (int) slots[slot] & 0xff;
        boolean wide = opcode == 0x18;
        var answer = answer(relocation);
        if (answer.isEmpty()) {
            slots[slot] = POISON;
            if (wide && slot + 1 < slots.length) {
                slots[slot + 1] = POISON;
            }
            return;
        }
        long value = answer.get().value;
        switch (opcode & 7) {
            case CLASS_ALU, CLASS_ALU64 -> setImm(slots, slot, value);
            case CLASS_LDX, CLASS_ST, CLASS_STX -> {
                if (value != (short) value) {
                    throw new ElfException("program " + program + ": offset " + value + " of " + describe(relocation)
                            + " does not fit an instruction");
                }
                slots[slot] = slots[slot] & ~0xffff_0000L | (value & 0xffff) << 16;
                resize(slots, slot, answer.get().sizeBytes);
            }
            case CLASS_LD -> {
                if (!wide || slot + 1 >= slots.length) {
                    throw new ElfException("program " + program + ": a CO-RE relocation of a packet load");
                }
                setImm(slots, slot, value);
                setImm(slots, slot + 1, value >> 32);
            }
            default -> throw new ElfException("program " + program + ": a CO-RE relocation of a jump");
        }
    }

    private static void setImm(long[] slots, int slot, long imm) {
        slots[slot] = slots[slot] & 0xffff_ffffL | imm << 32;
    }

    private static void resize(long[] slots, int slot, int sizeBytes) {
        int code = switch (sizeBytes) {
            case 1 -> 0x10;
            case 2 -> 0x08;
            case 4 -> 0x00;
            case 8 -> 0x18;
            default -> -1;
        };
        if (code >= 0) {
            slots[slot] = slots[slot] & ~(long) SIZE_MASK | code;
        }
    }

    private String describe(CoreRelocation relocation) {
        return local.cName(relocation.typeId()) + " " + relocation.access();
    }

    private Optional<Answer> answer(CoreRelocation relocation) {
        return switch (relocation.kind()) {
            case TYPE_ID_LOCAL -> Optional.of(Answer.of(relocation.typeId()));
            case TYPE_ID_TARGET -> firstCandidate(relocation).map(Answer::of);
            case TYPE_EXISTS -> Optional.of(Answer.of(firstCandidate(relocation).isPresent() ? 1 : 0));
            case TYPE_MATCHES -> Optional.of(Answer.of(matches(relocation) ? 1 : 0));
            case TYPE_SIZE ->
                firstCandidate(relocation)
                        .map(id -> Answer.of(kernel(relocation).sizeBytes(id.intValue())));
            case ENUMVAL_EXISTS -> Optional.of(Answer.of(constant(relocation).isPresent() ? 1 : 0));
            case ENUMVAL_VALUE -> constant(relocation).map(Answer::of);
            case FIELD_EXISTS -> Optional.of(Answer.of(fieldOfTarget(relocation).isPresent() ? 1 : 0));
            case FIELD_BYTE_OFFSET, FIELD_BYTE_SIZE, FIELD_SIGNED, FIELD_LSHIFT_U64, FIELD_RSHIFT_U64 ->
                fieldOfTarget(relocation).map(place -> field(relocation, place));
        };
    }

    private Btf kernel(CoreRelocation relocation) {
        return target.orElseThrow(() -> new ElfException("the program depends on the kernel's " + describe(relocation)
                + ", but there are no types of the kernel"));
    }

    // ---- candidates: types of the kernel with the same essential name and kind

    private Optional<Long> firstCandidate(CoreRelocation relocation) {
        return candidates(relocation).stream().findFirst().map(id -> (long) id);
    }

    private boolean matches(CoreRelocation relocation) {
        var match = new TypeMatch(local, kernel(relocation));
        return candidates(relocation).stream().anyMatch(candidate -> match.matches(relocation.typeId(), candidate));
    }

    private List<Integer> candidates(CoreRelocation relocation) {
        return candidates.computeIfAbsent(relocation.typeId(), id -> findCandidates(kernel(relocation), id));
    }

    private List<Integer> findCandidates(Btf kernel, int localId) {
        int id = localId;
        while (local.type(id) instanceof BtfType.Qualified qualified) {
            id = qualified.typeId();
        }
        var name = essential(local.name(id));
        if (name.isEmpty()) {
            throw new ElfException("a CO-RE relocation of a type without a name: " + local.cName(id));
        }
        var found = new ArrayList<Integer>();
        for (var kind : alike(local.kind(id))) {
            kernel.find(name, kind).ifPresent(found::add);
        }
        return found;
    }

    private static List<BtfKind> alike(BtfKind kind) {
        return switch (kind) {
            case ENUM, ENUM64 -> List.of(BtfKind.ENUM, BtfKind.ENUM64);
            case FWD -> List.of(BtfKind.STRUCT, BtfKind.UNION);
            default -> List.of(kind);
        };
    }

    static String essential(String name) {
        int flavour = name.indexOf("___", 1);
        return flavour > 0 ? name.substring(0, flavour) : name;
    }

    // ---- fields

    /** One step of an access: into a member by name, or to an element by index. */
    private record Step(String name, long index) {}

    private static long[] indices(CoreRelocation relocation) {
        try {
            return java.util.Arrays.stream(relocation.access().split(":"))
                    .mapToLong(Long::parseLong)
                    .toArray();
        } catch (NumberFormatException malformed) {
            throw new ElfException("CO-RE access " + relocation.access() + " is malformed");
        }
    }

    /** The access in names. The first index counts elements of the root type. */
    private List<Step> steps(CoreRelocation relocation) {
        var indices = indices(relocation);
        var steps = new ArrayList<Step>();
        steps.add(new Step("", indices[0]));
        int id = relocation.typeId();
        for (int i = 1; i < indices.length; i++) {
            long index = indices[i];
            switch (local.resolved(id)) {
                case BtfType.Composite composite -> {
                    if (index < 0 || index >= composite.members().size()) {
                        throw new ElfException(describe(relocation) + " has no member " + index);
                    }
                    var member = composite.members().get((int) index);
                    if (!member.name().isEmpty()) {
                        steps.add(new Step(member.name(), 0));
                    }
                    id = member.typeId();
                }
                case BtfType.Array array -> {
                    steps.add(new Step("", index));
                    id = array.elementId();
                }
                default -> throw new ElfException(describe(relocation) + " goes into a type without parts");
            }
        }
        return steps;
    }

    private Optional<Btf.Place> fieldOfTarget(CoreRelocation relocation) {
        var steps = steps(relocation);
        var kernel = kernel(relocation);
        for (int candidate : candidates(relocation)) {
            var place = walk(kernel, candidate, steps);
            if (place.isPresent()) {
                return place;
            }
        }
        return Optional.empty();
    }

    private static Optional<Btf.Place> walk(Btf btf, int root, List<Step> steps) {
        var first = steps.getFirst();
        long start = first.index == 0 ? 0 : Math.multiplyExact(8 * first.index, btf.sizeBytes(root));
        var place = new Btf.Place(root, start, 0);
        for (var step : steps.subList(1, steps.size())) {
            Optional<Btf.Place> next;
            if (step.name.isEmpty()) {
                if (!(btf.resolved(place.typeId()) instanceof BtfType.Array array)
                        || array.count() != 0 && step.index >= Integer.toUnsignedLong(array.count())) {
                    return Optional.empty();
                }
                long offset = 8 * step.index * btf.sizeBytes(array.elementId());
                next = Optional.of(new Btf.Place(array.elementId(), offset, 0));
            } else {
                next = btf.member(place.typeId(), step.name);
            }
            if (next.isEmpty()) {
                return Optional.empty();
            }
            place = new Btf.Place(
                    next.get().typeId(),
                    place.offsetBits() + next.get().offsetBits(),
                    next.get().bitFieldBits());
        }
        return Optional.of(place);
    }

    private Answer field(CoreRelocation relocation, Btf.Place place) {
        var kernel = kernel(relocation);
        long sizeBytes = kernel.sizeBytes(place.typeId());
        long offsetBytes = place.offsetBits() / 8;
        long bits = 8 * sizeBytes;
        if (place.isBitField()) {
            // The aligned storage that holds all of the bits.
            bits = place.bitFieldBits();
            offsetBytes = offsetBytes / sizeBytes * sizeBytes;
            while (place.offsetBits() + bits - 8 * offsetBytes > 8 * sizeBytes && sizeBytes < 8) {
                sizeBytes *= 2;
                offsetBytes = place.offsetBits() / 8 / sizeBytes * sizeBytes;
            }
        }
        return switch (relocation.kind()) {
            case FIELD_BYTE_OFFSET -> new Answer(offsetBytes, loadSize(relocation, kernel, place));
            case FIELD_BYTE_SIZE -> Answer.of(sizeBytes);
            case FIELD_SIGNED -> Answer.of(isSigned(kernel, place.typeId()) ? 1 : 0);
            case FIELD_LSHIFT_U64 -> Answer.of(64 - (place.offsetBits() + bits - 8 * offsetBytes));
            case FIELD_RSHIFT_U64 -> Answer.of(64 - bits);
            default -> throw new AssertionError(relocation.kind());
        };
    }

    /** The size that a load of this field must have where it differs from the program's; 0 to leave it. */
    private int loadSize(CoreRelocation relocation, Btf kernel, Btf.Place place) {
        var own = walk(local, relocation.typeId(), steps(relocation));
        if (place.isBitField() || own.isEmpty() || own.get().isBitField()) {
            return 0;
        }
        var type = kernel.resolved(place.typeId());
        boolean scalar =
                type instanceof BtfType.Int || type instanceof BtfType.Pointer || type instanceof BtfType.Enumeration;
        if (!scalar) {
            return 0;
        }
        long here = kernel.sizeBytes(place.typeId());
        return here == local.sizeBytes(own.get().typeId()) ? 0 : (int) here;
    }

    private static boolean isSigned(Btf btf, int id) {
        return switch (btf.resolved(id)) {
            case BtfType.Int integer -> integer.isSigned();
            case BtfType.Enumeration enumeration -> enumeration.signed();
            default -> false;
        };
    }

    // ---- constants

    private Optional<Long> constant(CoreRelocation relocation) {
        if (!(local.resolved(relocation.typeId()) instanceof BtfType.Enumeration enumeration)) {
            throw new ElfException(describe(relocation) + " is no enumeration");
        }
        var index = OptionalInt.of((int) indices(relocation)[0]);
        if (index.getAsInt() < 0 || index.getAsInt() >= enumeration.values().size()) {
            throw new ElfException(describe(relocation) + " has no such constant");
        }
        var name = essential(enumeration.values().get(index.getAsInt()).name());
        var kernel = kernel(relocation);
        for (int candidate : candidates(relocation)) {
            for (var value : ((BtfType.Enumeration) kernel.type(candidate)).values()) {
                if (essential(value.name()).equals(name)) {
                    return Optional.of(value.value());
                }
            }
        }
        return Optional.empty();
    }
}
