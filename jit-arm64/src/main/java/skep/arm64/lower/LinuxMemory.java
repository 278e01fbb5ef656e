package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.SCRATCH_1;
import static skep.arm64.lower.RegisterMap.SCRATCH_2;
import static skep.arm64.lower.RegisterMap.SCRATCH_3;

import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.isa.AtomicOp;
import skep.isa.DecodedProgram;
import skep.isa.Insn;
import skep.isa.MemSize;
import skep.isa.Operand;
import skep.isa.Reg;

/** Loads, stores and atomics as Linux lowers them. */
final class LinuxMemory {
    private static final int SCALED_LIMIT = 4096;
    /** Where compare-and-exchange and friends keep an operand. */
    private static final int OPERAND = 9;

    private final Assembler asm;
    private final LoweringOptions options;
    private final LinuxFrame frame;

    LinuxMemory(Assembler asm, LoweringOptions options, LinuxFrame frame) {
        this.asm = asm;
        this.options = options;
        this.frame = frame;
    }

    /** How far below r10 the function's accesses go, rounded down to eight: what lies lower is reached from r10. */
    static int belowFrame(DecodedProgram program, int start, int end) {
        int lowest = 0;
        for (int slot = start; slot < end; slot = program.next(slot)) {
            int off = switch (program.at(slot)) {
                case Insn.Load load when load.base() == Reg.R10 -> load.off();
                case Insn.Store store when store.base() == Reg.R10 -> store.off();
                default -> 0;
            };
            lowest = Math.min(lowest, off);
        }
        return -lowest / 8 * 8;
    }

    void lower(Insn.Load insn) {
        boolean signed = insn.signed() && insn.size() != MemSize.DW;
        if (signed && options.style() == LoweringOptions.Style.LINUX_6_1) {
            throw new UnsupportedInsnException(-1, "Linux 6.1 has no sign-extending loads");
        }
        access(
                signed ? signedScaled(insn.size()) : Encoding.LDR_UIMM,
                signed ? signedIndexed(insn.size()) : Encoding.LDR_REG,
                insn.size(),
                RegisterMap.of(insn.dst()),
                insn.base(),
                insn.off(),
                SCRATCH_1);
    }

    private static Encoding signedScaled(MemSize size) {
        return switch (size) {
            case B -> Encoding.LDRSB_X_UIMM;
            case H -> Encoding.LDRSH_X_UIMM;
            case W -> Encoding.LDRSW_UIMM;
            case DW -> Encoding.LDR_UIMM;
        };
    }

    private static Encoding signedIndexed(MemSize size) {
        return switch (size) {
            case B -> Encoding.LDRSB_X_REG;
            case H -> Encoding.LDRSH_X_REG;
            case W -> Encoding.LDRSW_REG;
            case DW -> Encoding.LDR_REG;
        };
    }

    void lower(Insn.Store insn) {
        switch (insn.src()) {
            case Operand.OfReg(var reg) ->
                access(
                        Encoding.STR_UIMM,
                        Encoding.STR_REG,
                        insn.size(),
                        RegisterMap.of(reg),
                        insn.base(),
                        insn.off(),
                        SCRATCH_1);
            case Operand.OfImm(int imm) -> {
                LinuxAlu.move32(asm, 1, SCRATCH_1, imm);
                access(Encoding.STR_UIMM, Encoding.STR_REG, insn.size(), SCRATCH_1, insn.base(), insn.off(), SCRATCH_2);
            }
        }
    }

    private void access(Encoding scaled, Encoding indexed, MemSize size, int data, Reg base, int off, int scratch) {
        int x = Integer.numberOfTrailingZeros(size.bytes());
        boolean stack = base == Reg.R10;
        int place = stack ? off + frame.stackBaseBelow() : off;
        boolean sized = scaled.width('x') > 0;
        if (place >= 0 && place % size.bytes() == 0 && place / size.bytes() < SCALED_LIMIT) {
            int register = stack ? frame.stackBase() : RegisterMap.of(base);
            int immediate = place / size.bytes();
            asm.emit(
                    sized
                            ? scaled.word("xind", x, immediate, register, data)
                            : scaled.word("ind", immediate, register, data));
        } else {
            int register = RegisterMap.of(base);
            LinuxAlu.move32(asm, 1, scratch, off);
            asm.emit(
                    sized
                            ? indexed.word("xmond", x, scratch, 3, register, data)
                            : indexed.word("mond", scratch, 3, register, data));
        }
    }

    void lower(Insn.Atomic insn) {
        int x = Integer.numberOfTrailingZeros(insn.size().bytes());
        int src = RegisterMap.of(insn.src());
        int address = RegisterMap.of(insn.base());
        if (insn.off() != 0) {
            LinuxAlu.move32(asm, 1, SCRATCH_1, insn.off());
            asm.emit(Encoding.ADD_REG, "smnd", 1, address, SCRATCH_1, SCRATCH_1);
            address = SCRATCH_1;
        }
        if (options.lse()) {
            oneInstruction(insn.op(), x, address, src);
        } else {
            exclusiveLoop(insn.op(), x, x == 3 ? 1 : 0, address, src);
        }
    }

    private void oneInstruction(AtomicOp op, int x, int address, int src) {
        int sf = x == 3 ? 1 : 0;
        switch (op) {
            case ADD -> asm.emit(Encoding.STADD, "xmn", x, src, address);
            case OR -> asm.emit(Encoding.STSET, "xmn", x, src, address);
            case XOR -> asm.emit(Encoding.STEOR, "xmn", x, src, address);
            case AND -> {
                asm.emit(Encoding.MVN, "smd", sf, src, SCRATCH_2);
                asm.emit(Encoding.STCLR, "xmn", x, SCRATCH_2, address);
            }
            case FETCH_ADD -> fetching(Encoding.LDADD, x, src, address, src);
            case FETCH_OR -> fetching(Encoding.LDSET, x, src, address, src);
            case FETCH_XOR -> fetching(Encoding.LDEOR, x, src, address, src);
            case FETCH_AND -> {
                asm.emit(Encoding.MVN, "smd", sf, src, SCRATCH_2);
                fetching(Encoding.LDCLR, x, SCRATCH_2, address, src);
            }
            case XCHG -> fetching(Encoding.SWP, x, src, address, src);
            case CMPXCHG -> asm.emit(Encoding.CAS, "xALmnd", x, 1, 1, RegisterMap.of(Reg.R0), address, src);
            case LOAD_ACQ, STORE_REL -> throw none(op);
        }
    }

    private static UnsupportedInsnException none(AtomicOp op) {
        return new UnsupportedInsnException(-1, "Linux 6.1 and 6.12 have no " + op);
    }

    private void fetching(Encoding row, int x, int operand, int address, int old) {
        asm.emit(row, "xALmnd", x, 1, 1, operand, address, old);
    }

    private void exclusiveLoop(AtomicOp op, int x, int sf, int address, int src) {
        int again = asm.label();
        switch (op) {
            case ADD, OR, AND, XOR -> {
                asm.bind(again);
                asm.emit(Encoding.LDXR, "xnd", x, address, SCRATCH_2);
                combine(op, sf, src, SCRATCH_2);
                asm.emit(Encoding.STXR, "xmnd", x, SCRATCH_3, address, SCRATCH_2);
                asm.conditional(Encoding.CBNZ.word("sd", 0, SCRATCH_3), again);
            }
            case FETCH_ADD, FETCH_OR, FETCH_AND, FETCH_XOR -> {
                LinuxAlu.move(asm, sf, OPERAND, src);
                asm.bind(again);
                asm.emit(Encoding.LDXR, "xnd", x, address, src);
                combine(op, sf, OPERAND, src);
                asm.emit(Encoding.STLXR, "xmnd", x, SCRATCH_3, address, SCRATCH_2);
                asm.conditional(Encoding.CBNZ.word("sd", 0, SCRATCH_3), again);
                asm.emit(Encoding.DMB_ISH.word(""));
            }
            case XCHG -> {
                LinuxAlu.move(asm, sf, SCRATCH_2, src);
                asm.bind(again);
                asm.emit(Encoding.LDXR, "xnd", x, address, src);
                asm.emit(Encoding.STLXR, "xmnd", x, SCRATCH_3, address, SCRATCH_2);
                asm.conditional(Encoding.CBNZ.word("sd", 0, SCRATCH_3), again);
                asm.emit(Encoding.DMB_ISH.word(""));
            }
            case CMPXCHG -> {
                int r0 = RegisterMap.of(Reg.R0);
                int done = asm.label();
                LinuxAlu.move(asm, sf, SCRATCH_2, r0);
                asm.bind(again);
                asm.emit(Encoding.LDXR, "xnd", x, address, r0);
                asm.emit(Encoding.EOR_REG, "smnd", sf, SCRATCH_2, r0, SCRATCH_3);
                asm.conditional(Encoding.CBNZ.word("sd", sf, SCRATCH_3), done);
                asm.emit(Encoding.STLXR, "xmnd", x, SCRATCH_3, address, src);
                asm.conditional(Encoding.CBNZ.word("sd", 0, SCRATCH_3), again);
                asm.emit(Encoding.DMB_ISH.word(""));
                asm.bind(done);
            }
            case LOAD_ACQ, STORE_REL -> throw none(op);
        }
    }

    /** {@code x11 = old op operand} */
    private void combine(AtomicOp op, int sf, int operand, int old) {
        var row = switch (op) {
            case ADD, FETCH_ADD -> Encoding.ADD_REG;
            case OR, FETCH_OR -> Encoding.ORR_REG;
            case AND, FETCH_AND -> Encoding.AND_REG;
            case XOR, FETCH_XOR -> Encoding.EOR_REG;
            case XCHG, CMPXCHG, LOAD_ACQ, STORE_REL -> throw new AssertionError(op);
        };
        asm.emit(row, "smnd", sf, operand, old, SCRATCH_2);
    }
}
