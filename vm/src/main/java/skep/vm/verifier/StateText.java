package skep.vm.verifier;

import java.util.Locale;

/** States in words, as the kernel's log prints them: {@code R1=scalar(umax=255) R10=fp0 fp-8=mmmm0000}. */
final class StateText {
    private StateText() {}

    /** Everything of one frame, with a leading space before each item. */
    static String of(PathState state, int frameNumber) {
        return of(state, frameNumber, -1, -1L);
    }

    /** Only the registers and stack slots whose bits are set. */
    static String of(PathState state, int frameNumber, int regMask, long slotMask) {
        var text = new StringBuilder();
        var frame = state.frame(frameNumber);
        if (frame.number != 0) {
            text.append(" frame").append(frame.number).append(':');
        }
        for (int i = 0; i < Frame.REGISTERS; i++) {
            var reg = frame.regs[i];
            if (reg.kind != RegKind.NOT_INIT && (regMask >> i & 1) != 0) {
                text.append(" R").append(i).append('=');
                appendReg(text, frame, reg);
            }
        }
        for (int i = 0; i < frame.stack.length; i++) {
            if (slotMask == -1L || (i < 64 && (slotMask >> i & 1) != 0)) {
                i = appendSlot(text, frame, i);
            }
        }
        appendReferences(text, state);
        if (frame.inCallback) {
            text.append(" cb");
        }
        if (frame.inAsyncCallback) {
            text.append(" async_cb");
        }
        return text.toString();
    }

    /** Registers of a mask, {@code r1,r6}. */
    static String regs(int mask) {
        var text = new StringBuilder();
        for (int r = 0; r < 32; r++) {
            if ((mask >> r & 1) != 0) {
                text.append(text.isEmpty() ? "r" : ",r").append(r);
            }
        }
        return text.toString();
    }

    /** Stack slots of a mask by their offset, {@code -8,-24}. */
    static String slots(long mask) {
        var text = new StringBuilder();
        for (int s = 0; s < 64; s++) {
            if ((mask >> s & 1) != 0) {
                text.append(text.isEmpty() ? "" : ",").append(-8 * (s + 1));
            }
        }
        return text.toString();
    }

    static String reg(Frame frame, RegState reg) {
        var text = new StringBuilder();
        appendReg(text, frame, reg);
        return text.toString();
    }

    private static void appendReferences(StringBuilder text, PathState state) {
        var separator = " refs=";
        for (var reference : state.references) {
            text.append(separator).append(reference.id());
            separator = ",";
        }
    }

    private static int appendSlot(StringBuilder text, Frame frame, int index) {
        var slot = frame.stack[index];
        var letters = new StringBuilder();
        boolean valid = false;
        for (byte type : slot.types) {
            valid |= type != StackSlot.INVALID;
            letters.append(StackSlot.letter(type));
        }
        if (!valid) {
            return index;
        }
        switch (slot.types[StackSlot.BYTES - 1]) {
            case StackSlot.SPILL -> {
                int spill = letters.indexOf("r");
                text.append(" fp").append(-8 * (index + 1)).append('=').append(letters, 0, spill);
                appendReg(text, frame, slot.spilled);
            }
            case StackSlot.DYNPTR -> {
                index += 1;
                var reg = frame.stack[index].spilled;
                text.append(" fp")
                        .append(-8 * (index + 1))
                        .append("=dynptr_")
                        .append(reg.dynptr.text)
                        .append('(');
                var items = new Items(text);
                items.number("id", reg.id);
                items.number("ref_id", reg.refObjId);
                items.number("dynptr_id", reg.dynptrId);
                text.append(')');
            }
            case StackSlot.ITER -> {
                var reg = slot.spilled;
                if (reg.refObjId != 0) {
                    text.append(" fp").append(-8 * (index + 1)).append("=iter_").append(reg.iterator);
                    text.append("(ref_id=").append(reg.refObjId).append(",state=");
                    text.append(reg.iterState.name().toLowerCase(Locale.ROOT)).append(",depth=");
                    text.append(reg.iterDepth).append(')');
                }
            }
            default -> text.append(" fp").append(-8 * (index + 1)).append('=').append(letters);
        }
        return index;
    }

    private static void appendReg(StringBuilder text, Frame frame, RegState reg) {
        if (reg.isScalar() && reg.precise) {
            text.append('P');
        }
        if (reg.isConstant()) {
            text.append(signed(reg.var.value()));
            return;
        }
        text.append(reg.typeName());
        if (reg.kind == RegKind.ARENA) {
            return;
        }
        if (reg.kind == RegKind.STACK) {
            if (frame.number != reg.frame) {
                text.append('[').append(reg.frame).append(']');
            }
            if (reg.var.isConstant()) {
                text.append(signed(reg.var.value() + reg.off));
                return;
            }
        }
        if (reg.kind == RegKind.BTF_ID) {
            text.append(reg.struct);
        }
        text.append('(');
        var items = new Items(text);
        items.number("id", reg.id & ~RegState.ADD_CONST);
        if ((reg.id & RegState.ADD_CONST) != 0) {
            text.append(reg.off >= 0 ? "+" : "").append(reg.off);
        }
        items.number("ref_obj_id", reg.refObjId);
        if (reg.is(Flag.NON_OWN_REF)) {
            items.item("non_own_ref");
        }
        if (reg.kind == RegKind.MAP_PTR || reg.kind == RegKind.MAP_VALUE || reg.kind == RegKind.MAP_KEY) {
            var map = reg.map();
            if (!map.name().isEmpty()) {
                items.item("map=" + map.kernelName());
            }
            items.item("ks=" + map.keySizeBytes() + ",vs=" + map.valueSizeBytes());
        }
        if (!reg.isScalar() && reg.off != 0) {
            items.item("off=" + signed(reg.off));
        }
        if (reg.kind == RegKind.PACKET || reg.kind == RegKind.PACKET_META) {
            items.item("r=" + unsigned(reg.range));
        }
        if (reg.kind == RegKind.MEM) {
            items.item("sz=" + unsigned(reg.memSize));
        }
        if (reg.kind == RegKind.DYNPTR) {
            items.item("type=" + reg.dynptr.text);
        }
        if (reg.var.isConstant()) {
            if (reg.var.value() != 0) {
                items.item("imm=" + signed(reg.var.value()));
            }
        } else {
            ranges(items, reg);
            if (!reg.var.isUnknown()) {
                items.item("var_off=" + reg.var);
            }
        }
        text.append(')');
    }

    /** The ranges that say something; equal ones share their value. */
    private static void ranges(Items items, RegState reg) {
        var names = new String[] {"smin", "smax", "umin", "umax", "smin32", "smax32", "umin32", "umax32"};
        var values = new long[] {
            reg.smin,
            reg.smax,
            reg.umin,
            reg.umax,
            decimal(reg.smin32) ? reg.smin32 : reg.smin32 & 0xffff_ffffL,
            decimal(reg.smax32) ? reg.smax32 : reg.smax32 & 0xffff_ffffL,
            reg.umin32 & 0xffff_ffffL,
            reg.umax32 & 0xffff_ffffL
        };
        var omit = new boolean[] {
            reg.smin == Long.MIN_VALUE,
            reg.smax == Long.MAX_VALUE,
            reg.umin == 0,
            reg.umax == -1,
            reg.smin32 == Integer.MIN_VALUE,
            reg.smax32 == Integer.MAX_VALUE,
            reg.umin32 == 0,
            reg.umax32 == -1
        };
        for (int i = 0; i < names.length; i++) {
            if (omit[i]) {
                continue;
            }
            var item = new StringBuilder(names[i]).append('=');
            boolean negative = names[i].charAt(0) == 's' && values[i] < 0;
            for (int k = i + 2; k < names.length; k += 2) {
                boolean otherNegative = names[k].charAt(0) == 's' && values[k] < 0;
                if (!omit[k] && values[k] == values[i] && negative == otherNegative) {
                    omit[k] = true;
                    item.append(names[k]).append('=');
                }
            }
            item.append(names[i].charAt(0) == 's' ? signed(values[i]) : unsigned(values[i]));
            items.item(item.toString());
        }
    }

    private static boolean decimal(long value) {
        return value >= Short.MIN_VALUE && value <= Short.MAX_VALUE;
    }

    static String signed(long value) {
        return decimal(value) ? Long.toString(value) : "0x" + Long.toHexString(value);
    }

    static String unsigned(long value) {
        return value >= 0 && value <= 0xffff ? Long.toString(value) : "0x" + Long.toHexString(value);
    }

    /** Items with commas between them. */
    private static final class Items {
        private final StringBuilder text;
        private boolean any;

        Items(StringBuilder text) {
            this.text = text;
        }

        void item(String item) {
            if (any) {
                text.append(',');
            }
            any = true;
            text.append(item);
        }

        void number(String name, int value) {
            if (value != 0) {
                item(name + "=" + value);
            }
        }
    }
}
