package skep.vm.verifier;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProgramType;

/** What the kernel's BTF tells of structs behind kernel pointers and of typed contexts. */
final class KernelTypes {
    private final Walker w;
    private final Optional<Btf> btf;

    KernelTypes(Walker walker) {
        this.w = walker;
        this.btf = walker.input.kernelTypes();
    }

    /** What lies at an offset of a struct: a number, or a pointer to a struct. */
    private record Found(boolean pointer, String struct, int flags, String field) {}

    private static final Found NUMBER = new Found(false, "", 0, "");

    // ---- loads ----

    void load(String struct, int flags, int off, int size, int valueNo) {
        if (btf.isEmpty()) {
            throw w.denied("struct '%s' is unknown: no kernel BTF", struct);
        }
        var found = find(struct, off, size);
        if (valueNo < 0) {
            return;
        }
        var value = w.regs()[valueNo];
        if (!found.pointer()) {
            w.markUnknown(value);
            return;
        }
        int result = trust(struct, flags, found);
        value.markPointer(RegKind.BTF_ID, result);
        value.struct = found.struct();
        if (Flag.MAYBE_NULL.in(result)) {
            value.id = w.newId();
        }
    }

    private static final Map<String, Set<String>> TRUSTED_FIELDS = Map.of(
            "bpf_iter_meta", Set.of("seq"),
            "bpf_iter__task", Set.of("meta", "task"),
            "linux_binprm", Set.of("file"),
            "file", Set.of("f_inode"));
    private static final Map<String, Set<String>> TRUSTED_OR_NULL_FIELDS =
            Map.of("socket", Set.of("sk"), "dentry", Set.of("d_inode"), "vm_area_struct", Set.of("vm_mm", "vm_file"));
    private static final Map<String, Set<String>> RCU_FIELDS = Map.of(
            "task_struct", Set.of("cpus_ptr", "cgroups", "real_parent", "group_leader"),
            "cgroup", Set.of("kn"),
            "css_set", Set.of("dfl_cgrp"),
            "cgroup_subsys_state", Set.of("cgroup"));
    private static final Map<String, Set<String>> RCU_OR_NULL_FIELDS =
            Map.of("mm_struct", Set.of("exe_file"), "sk_buff", Set.of("sk"), "request_sock", Set.of("sk"));

    private static boolean lists(Map<String, Set<String>> table, String struct, String field) {
        return table.getOrDefault(struct, Set.of()).contains(field);
    }

    /** How far a pointer found behind a pointer is trusted. */
    private int trust(String struct, int parentFlags, Found found) {
        int access = found.flags() & (Flag.USER.bit | Flag.PERCPU.bit);
        if (Flag.UNTRUSTED.in(parentFlags)) {
            return Flag.UNTRUSTED.bit;
        }
        var parent = new RegState();
        parent.kind = RegKind.BTF_ID;
        parent.flags = parentFlags;
        boolean rcu = Flag.RCU.in(parentFlags);
        if (!KernelObjects.isTrusted(parent) && !rcu) {
            return access;
        }
        var field = found.field();
        if (lists(TRUSTED_FIELDS, struct, field)) {
            return Flag.TRUSTED.bit;
        }
        if (lists(TRUSTED_OR_NULL_FIELDS, struct, field)) {
            return Flag.TRUSTED.bit | Flag.MAYBE_NULL.bit;
        }
        var state = w.state();
        boolean protectedNow = state.activeRcuLocks > 0 || state.activeLocks > 0 || !state.sleepable;
        if (protectedNow) {
            if (lists(RCU_FIELDS, struct, field)) {
                return Flag.RCU.bit;
            }
            if (Flag.RCU.in(found.flags()) || lists(RCU_OR_NULL_FIELDS, struct, field)) {
                return Flag.RCU.bit | Flag.MAYBE_NULL.bit;
            }
            return access;
        }
        return Flag.UNTRUSTED.bit;
    }

    private Found find(String struct, int off, int size) {
        var type = btf.orElseThrow().struct(struct);
        if (type.isEmpty()) {
            throw w.denied("struct '%s' is not in the kernel's BTF", struct);
        }
        return find(type.get(), struct, off, size);
    }

    private Found find(BtfType.Composite type, String name, long off, int size) {
        var types = btf.orElseThrow();
        if (off + size > type.sizeBytes() && !endsInFlexibleArray(type, off)) {
            throw w.denied("access beyond struct %s at off %d size %d", name, off, size);
        }
        boolean union = type instanceof BtfType.Union;
        for (var member : type.members()) {
            long start = member.offsetBits() / 8;
            if (member.bitFieldBits() > 0) {
                long end = (member.offsetBits() + member.bitFieldBits() + 7) / 8;
                if (off + size <= start || off >= end) {
                    continue;
                }
                return NUMBER;
            }
            int id = strip(member.typeId());
            var memberType = types.type(id);
            long length = sizeOf(id);
            boolean flexible = memberType instanceof BtfType.Array array && array.count() == 0;
            if (off + size <= start || (off >= start + length && !flexible)) {
                continue;
            }
            if (off < start) {
                continue;
            }
            long inside = off - start;
            var element = memberType;
            int elementId = id;
            while (element instanceof BtfType.Array array) {
                elementId = strip(array.elementId());
                element = types.type(elementId);
                long unit = Math.max(1, sizeOf(elementId));
                inside %= unit;
            }
            if (element instanceof BtfType.Composite composite) {
                if (union && size > 8) {
                    return NUMBER;
                }
                var innerName = types.name(elementId).isEmpty() ? name : types.name(elementId);
                return find(composite, innerName, inside, size);
            }
            if (element instanceof BtfType.Pointer pointer) {
                if (size != 8 || inside != 0) {
                    throw w.denied(
                            "cannot access ptr member %s with moff %d in struct %s with off %d size %d",
                            member.name(), start, name, off, size);
                }
                if (union) {
                    // the other members may hold anything
                    var found = pointee(pointer, member.name());
                    return new Found(
                            found.pointer(), found.struct(), found.flags() | Flag.UNTRUSTED.bit, found.field());
                }
                return pointee(pointer, member.name());
            }
            return NUMBER;
        }
        return NUMBER;
    }

    private boolean endsInFlexibleArray(BtfType.Composite type, long off) {
        if (type.members().isEmpty()) {
            return false;
        }
        var last = type.members().getLast();
        int id = strip(last.typeId());
        return btf.orElseThrow().type(id) instanceof BtfType.Array array
                && array.count() == 0
                && off >= last.offsetBits() / 8;
    }

    private Found pointee(BtfType.Pointer pointer, String field) {
        var types = btf.orElseThrow();
        int flags = 0;
        int id = pointer.typeId();
        while (true) {
            var type = types.type(id);
            if (type instanceof BtfType.TypeTag tag) {
                flags |= switch (tag.name()) {
                    case "user" -> Flag.USER.bit;
                    case "percpu" -> Flag.PERCPU.bit;
                    case "rcu" -> Flag.RCU.bit;
                    default -> 0;
                };
                id = tag.typeId();
            } else if (type instanceof BtfType.Typedef typedef) {
                id = typedef.typeId();
            } else if (type instanceof BtfType.Qualified qualified) {
                id = qualified.typeId();
            } else if (type instanceof BtfType.Struct struct) {
                return new Found(true, struct.name(), flags, field);
            } else {
                return NUMBER;
            }
        }
    }

    private int strip(int typeId) {
        var types = btf.orElseThrow();
        int id = typeId;
        while (true) {
            switch (types.type(id)) {
                case BtfType.Typedef typedef -> id = typedef.typeId();
                case BtfType.Qualified qualified -> id = qualified.typeId();
                case BtfType.TypeTag tag -> id = tag.typeId();
                default -> {
                    return id;
                }
            }
        }
    }

    private long sizeOf(int id) {
        var types = btf.orElseThrow();
        return switch (types.type(id)) {
            case BtfType.Int integer -> integer.sizeBytes();
            case BtfType.Pointer p -> 8;
            case BtfType.Array array -> array.count() * sizeOf(strip(array.elementId()));
            case BtfType.Composite composite -> composite.sizeBytes();
            case BtfType.Enumeration enumeration -> enumeration.sizeBytes();
            case BtfType.Float number -> number.sizeBytes();
            default -> 0;
        };
    }

    /** Whether a pointer to one struct, plus an offset, may serve as a pointer to another. */
    boolean matches(String struct, int off, String wanted) {
        if (off == 0 && struct.equals(wanted)) {
            return true;
        }
        if (btf.isEmpty()) {
            return false;
        }
        var types = btf.get();
        var name = struct;
        long at = off;
        for (int depth = 0; depth < 8; depth++) {
            var type = types.struct(name);
            if (type.isEmpty()) {
                return false;
            }
            long where = at;
            var member = type.get().members().stream()
                    .filter(m -> m.bitFieldBits() == 0
                            && m.offsetBits() / 8 <= where
                            && where < m.offsetBits() / 8 + Math.max(1, sizeOf(strip(m.typeId()))))
                    .findFirst();
            if (member.isEmpty() || !(types.type(strip(member.get().typeId())) instanceof BtfType.Struct inner)) {
                return false;
            }
            at -= member.get().offsetBits() / 8;
            name = inner.name();
            if (at == 0 && name.equals(wanted)) {
                return true;
            }
        }
        return false;
    }

    // ---- typed contexts ----

    private record Attached(String name, List<BtfType.Parameter> parameters, int returnId) {}

    private Optional<Attached> attached() {
        if (btf.isEmpty()) {
            return Optional.empty();
        }
        var types = btf.get();
        var to = w.input.attachTo();
        var attach = w.input.attachType();
        if (attach.filter(a -> a == AttachType.TRACE_RAW_TP).isPresent()) {
            var id = types.find("btf_trace_" + to, BtfKind.TYPEDEF);
            if (id.isEmpty()
                    || !(types.type(strip(id.getAsInt())) instanceof BtfType.Pointer pointer)
                    || !(types.type(pointer.typeId()) instanceof BtfType.Prototype prototype)) {
                return Optional.empty();
            }
            var parameters = prototype.parameters();
            return Optional.of(new Attached(to, parameters.subList(1, parameters.size()), 0));
        }
        var name = to;
        if (attach.filter(a -> a == AttachType.TRACE_ITER).isPresent()) {
            name = "bpf_iter_" + to;
        } else if (w.input.type() == ProgramType.LSM) {
            name = "bpf_lsm_" + to;
        }
        var target = name;
        return types.function(name).map(p -> new Attached(target, p.parameters(), p.returnId()));
    }

    boolean attachedReturnsVoid() {
        return attached().map(a -> a.returnId() == 0).orElse(false);
    }

    boolean attachedReturnsBool() {
        return attached()
                .map(a -> btf.orElseThrow().name(strip(a.returnId())).equals("_Bool"))
                .orElse(false);
    }

    void context(int off, int size, int valueNo) {
        var attached = attached();
        if (attached.isEmpty()) {
            throw w.denied("invalid bpf_context access off=%d size=%d", off, size);
        }
        if (off % 8 != 0) {
            throw w.denied(
                    "func '%s' offset %d is not multiple of 8", attached.get().name(), off);
        }
        var parameters = attached.get().parameters();
        int argument = off / 8;
        boolean returns = w.input
                .attachType()
                .filter(a -> a == AttachType.TRACE_FEXIT || a == AttachType.MODIFY_RETURN || a == AttachType.LSM_MAC)
                .isPresent();
        if (argument == parameters.size() && returns && valueNo >= 0) {
            w.markUnknown(w.regs()[valueNo]);
            return;
        }
        if (argument >= parameters.size()) {
            w.log.line("func '" + attached.get().name() + "' doesn't have " + (argument + 1) + "-th argument");
            throw w.denied("invalid bpf_context access off=%d size=%d", off, size);
        }
        var types = btf.orElseThrow();
        var type = types.type(strip(parameters.get(argument).typeId()));
        if (!(type instanceof BtfType.Pointer pointer)) {
            if (valueNo >= 0) {
                w.markUnknown(w.regs()[valueNo]);
            }
            return;
        }
        int pointee = strip(pointer.typeId());
        if (pointee != 0 && types.type(pointee) instanceof BtfType.Prototype) {
            w.log.line("func '" + w.input.attachTo() + "' arg" + argument + " type FUNC_PROTO is not a struct");
            throw w.denied("invalid bpf_context access off=%d size=%d", off, size);
        }
        if (size != 8) {
            w.log.line("func '" + attached.get().name() + "' size " + size + " must be 8");
            throw w.denied("invalid bpf_context access off=%d size=%d", off, size);
        }
        if (valueNo < 0) {
            return;
        }
        boolean iterator =
                w.input.attachType().filter(a -> a == AttachType.TRACE_ITER).isPresent();
        var to = w.input.attachTo();
        if (iterator && TypedArguments.iteratorBuffer(to, argument)) {
            boolean readOnly = TypedArguments.iteratorBufferReadOnly(to, argument);
            var buffer = w.regs()[valueNo];
            buffer.markPointer(RegKind.BUF, Flag.MAYBE_NULL.bit | (readOnly ? Flag.RDONLY.bit : 0));
            buffer.id = w.newId();
            return;
        }
        var found = pointee(pointer, "");
        tellArgument(attached.get().name(), argument, pointer, types);
        var value = w.regs()[valueNo];
        if (!found.pointer()) {
            w.markUnknown(value);
            return;
        }
        boolean nullable = iterator ? TypedArguments.iteratorNull(to, argument) : nullTracepointArgument(argument);
        boolean trusted = !iterator || TypedArguments.iteratorTrusted(to, argument);
        value.markPointer(RegKind.BTF_ID, (trusted ? Flag.TRUSTED.bit : 0) | (nullable ? Flag.MAYBE_NULL.bit : 0));
        value.struct = found.struct();
        if (nullable) {
            value.id = w.newId();
        }
    }

    private void tellArgument(String function, int argument, BtfType.Pointer pointer, Btf types) {
        int id = strip(pointer.typeId());
        if (w.log.isOff() || !(types.type(id) instanceof BtfType.Composite)) {
            return;
        }
        w.log.append("func '" + function.replaceFirst("^btf_trace_", "") + "' arg" + argument + " has btf_id " + id
                + " type " + types.kind(id) + " '" + types.name(id) + "'\n");
    }

    /** Arguments of tracepoints that the kernel passes as null now and then. */
    private boolean nullTracepointArgument(int argument) {
        if (w.input.attachType().filter(a -> a == AttachType.TRACE_RAW_TP).isEmpty()) {
            return false;
        }
        return TypedArguments.tracepointNull(w.input.attachTo(), argument);
    }

    // ---- kernel symbols ----

    void requireSymbol(int id) {
        if (btf.isEmpty() || id <= 0 || id >= btf.get().endId()) {
            throw w.invalid("ldimm64 insn specifies invalid btf_id %d.", id);
        }
    }

    void loadSymbol(int id, RegState reg) {
        var types = btf.orElseThrow();
        if (!(types.type(id) instanceof BtfType.Variable variable)) {
            w.markUnknown(reg);
            reg.precise = false;
            if (types.kind(id) == BtfKind.FUNC) {
                reg.markPointer(RegKind.MEM, Flag.RDONLY.bit);
                reg.memSize = 0;
            }
            return;
        }
        int type = strip(variable.typeId());
        boolean perCpu = types.ids(BtfKind.DATASEC)
                .filter(s -> types.name(s).equals(".data..percpu"))
                .mapToObj(types::type)
                .map(BtfType.DataSection.class::cast)
                .flatMap(s -> s.variables().stream())
                .anyMatch(slot -> slot.typeId() == id);
        if (perCpu) {
            reg.markPointer(RegKind.BTF_ID, Flag.PERCPU.bit);
            reg.struct = types.name(type);
        } else if (types.type(type) instanceof BtfType.Struct struct) {
            reg.markPointer(RegKind.BTF_ID, 0);
            reg.struct = struct.name();
        } else {
            reg.markPointer(RegKind.MEM, Flag.RDONLY.bit);
            reg.memSize = (int) sizeOf(type);
        }
    }
}
