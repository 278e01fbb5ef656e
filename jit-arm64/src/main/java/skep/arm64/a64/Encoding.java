package skep.arm64.a64;

import java.util.Optional;

/**
 * The A64 instructions that Skep emits or reads: one row each, with a bit picture (bit 31 on the left) in which
 * digits are fixed and letters are fields.
 *
 * <pre>
 *   s  sf: 0 = 32-bit (w), 1 = 64-bit (x)      i  immediate             c  condition
 *   d  Rd or Rt      n  Rn      m  Rm or Rs    h  shift kind or half    r  immr, q imms, b N of a bitmask
 *   a  Ra            u  Rt2                    k  shift amount          v  nzcv of a conditional compare
 *   x  size: 0 b, 1 h, 2 w, 3 x                o  extend option         e  scaled extend (S)
 *   p  high part of an immediate               A  acquire, L release    y  CRm
 * </pre>
 *
 * <p>{@code operands} is how the assembler writes the operands, in the words that {@link Disassembler} knows. Where several
 * rows fit a word the first one is the preferred form, so aliases stand before what they abbreviate. {@code section} is
 * the section of the Arm Architecture Reference Manual (DDI 0487).
 */
public enum Encoding {
    // Data processing, immediate.
    ADR("adr", "0ii10000pppppppppppppppppppddddd", "Xd adr", "C6.2.11"),
    ADRP("adrp", "1ii10000pppppppppppppppppppddddd", "Xd adrp", "C6.2.12"),
    MOV_SP("mov", "s00100010000000000000011111ddddd", "Rd|sp Rn|sp", "C6.2.236"),
    MOV_FROM_SP("mov", "s001000100000000000000nnnnn11111", "Rd|sp Rn|sp", "C6.2.236"),
    ADD_IMM("add", "s00100010hiiiiiiiiiiiinnnnnddddd", "Rd|sp Rn|sp imm12", "C6.2.4"),
    CMN_IMM("cmn", "s01100010hiiiiiiiiiiiinnnnn11111", "Rn|sp imm12", "C6.2.65"),
    ADDS_IMM("adds", "s01100010hiiiiiiiiiiiinnnnnddddd", "Rd Rn|sp imm12", "C6.2.8"),
    SUB_IMM("sub", "s10100010hiiiiiiiiiiiinnnnnddddd", "Rd|sp Rn|sp imm12", "C6.2.377"),
    CMP_IMM("cmp", "s11100010hiiiiiiiiiiiinnnnn11111", "Rn|sp imm12", "C6.2.68"),
    SUBS_IMM("subs", "s11100010hiiiiiiiiiiiinnnnnddddd", "Rd Rn|sp imm12", "C6.2.383"),
    AND_IMM("and", "s00100100brrrrrrqqqqqqnnnnnddddd", "Rd|sp Rn bitmask", "C6.2.13"),
    ORR_IMM("orr", "s01100100brrrrrrqqqqqqnnnnnddddd", "Rd|sp Rn bitmask", "C6.2.259"),
    EOR_IMM("eor", "s10100100brrrrrrqqqqqqnnnnnddddd", "Rd|sp Rn bitmask", "C6.2.129"),
    TST_IMM("tst", "s11100100brrrrrrqqqqqqnnnnn11111", "Rn bitmask", "C6.2.409"),
    ANDS_IMM("ands", "s11100100brrrrrrqqqqqqnnnnnddddd", "Rd Rn bitmask", "C6.2.15"),
    MOVN("movn", "s00100101hhiiiiiiiiiiiiiiiiddddd", "Rd movwide", "C6.2.241"),
    MOVZ("movz", "s10100101hhiiiiiiiiiiiiiiiiddddd", "Rd movwide", "C6.2.242"),
    MOVK("movk", "s11100101hhiiiiiiiiiiiiiiiiddddd", "Rd imm16", "C6.2.240"),
    SBFM("sbfm", "s00100110brrrrrrqqqqqqnnnnnddddd", "bitfield", "C6.2.312"),
    BFM("bfm", "s01100110brrrrrrqqqqqqnnnnnddddd", "bitfield", "C6.2.31"),
    UBFM("ubfm", "s10100110brrrrrrqqqqqqnnnnnddddd", "bitfield", "C6.2.412"),
    EXTR("extr", "s00100111b0mmmmmqqqqqqnnnnnddddd", "extract", "C6.2.132"),

    // Data processing, register.
    NEG("neg", "s1001011hh0mmmmmkkkkkk11111ddddd", "Rd Rm shift", "C6.2.247"),
    CMP_REG("cmp", "s1101011hh0mmmmmkkkkkknnnnn11111", "Rn Rm shift", "C6.2.69"),
    NEGS("negs", "s1101011hh0mmmmmkkkkkk11111ddddd", "Rd Rm shift", "C6.2.248"),
    CMN_REG("cmn", "s0101011hh0mmmmmkkkkkknnnnn11111", "Rn Rm shift", "C6.2.66"),
    ADD_REG("add", "s0001011hh0mmmmmkkkkkknnnnnddddd", "Rd Rn Rm shift", "C6.2.5"),
    ADDS_REG("adds", "s0101011hh0mmmmmkkkkkknnnnnddddd", "Rd Rn Rm shift", "C6.2.9"),
    SUB_REG("sub", "s1001011hh0mmmmmkkkkkknnnnnddddd", "Rd Rn Rm shift", "C6.2.378"),
    SUBS_REG("subs", "s1101011hh0mmmmmkkkkkknnnnnddddd", "Rd Rn Rm shift", "C6.2.384"),
    ADD_EXT("add", "s0001011001mmmmmoookkknnnnnddddd", "Rd|sp Rn|sp Rm extend", "C6.2.3"),
    SUB_EXT("sub", "s1001011001mmmmmoookkknnnnnddddd", "Rd|sp Rn|sp Rm extend", "C6.2.376"),
    CMP_EXT("cmp", "s1101011001mmmmmoookkknnnnn11111", "Rn|sp Rm extend", "C6.2.67"),
    MOV_REG("mov", "s0101010000mmmmm00000011111ddddd", "Rd Rm", "C6.2.239"),
    MVN("mvn", "s0101010hh1mmmmmkkkkkk11111ddddd", "Rd Rm lshift", "C6.2.246"),
    TST_REG("tst", "s1101010hh0mmmmmkkkkkknnnnn11111", "Rn Rm lshift", "C6.2.410"),
    AND_REG("and", "s0001010hh0mmmmmkkkkkknnnnnddddd", "Rd Rn Rm lshift", "C6.2.14"),
    BIC_REG("bic", "s0001010hh1mmmmmkkkkkknnnnnddddd", "Rd Rn Rm lshift", "C6.2.34"),
    ORR_REG("orr", "s0101010hh0mmmmmkkkkkknnnnnddddd", "Rd Rn Rm lshift", "C6.2.260"),
    ORN_REG("orn", "s0101010hh1mmmmmkkkkkknnnnnddddd", "Rd Rn Rm lshift", "C6.2.258"),
    EOR_REG("eor", "s1001010hh0mmmmmkkkkkknnnnnddddd", "Rd Rn Rm lshift", "C6.2.130"),
    EON_REG("eon", "s1001010hh1mmmmmkkkkkknnnnnddddd", "Rd Rn Rm lshift", "C6.2.128"),
    ANDS_REG("ands", "s1101010hh0mmmmmkkkkkknnnnnddddd", "Rd Rn Rm lshift", "C6.2.16"),
    BICS_REG("bics", "s1101010hh1mmmmmkkkkkknnnnnddddd", "Rd Rn Rm lshift", "C6.2.35"),
    UDIV("udiv", "s0011010110mmmmm000010nnnnnddddd", "Rd Rn Rm", "C6.2.415"),
    SDIV("sdiv", "s0011010110mmmmm000011nnnnnddddd", "Rd Rn Rm", "C6.2.315"),
    LSLV("lsl", "s0011010110mmmmm001000nnnnnddddd", "Rd Rn Rm", "C6.2.229"),
    LSRV("lsr", "s0011010110mmmmm001001nnnnnddddd", "Rd Rn Rm", "C6.2.232"),
    ASRV("asr", "s0011010110mmmmm001010nnnnnddddd", "Rd Rn Rm", "C6.2.19"),
    RORV("ror", "s0011010110mmmmm001011nnnnnddddd", "Rd Rn Rm", "C6.2.306"),
    MUL("mul", "s0011011000mmmmm011111nnnnnddddd", "Rd Rn Rm", "C6.2.245"),
    MADD("madd", "s0011011000mmmmm0aaaaannnnnddddd", "Rd Rn Rm Ra", "C6.2.233"),
    MNEG("mneg", "s0011011000mmmmm111111nnnnnddddd", "Rd Rn Rm", "C6.2.234"),
    MSUB("msub", "s0011011000mmmmm1aaaaannnnnddddd", "Rd Rn Rm Ra", "C6.2.244"),
    SMULH("smulh", "10011011010mmmmm011111nnnnnddddd", "Xd Xn Xm", "C6.2.331"),
    UMULH("umulh", "10011011110mmmmm011111nnnnnddddd", "Xd Xn Xm", "C6.2.426"),
    SMULL("smull", "10011011001mmmmm011111nnnnnddddd", "Xd Wn Wm", "C6.2.332"),
    UMULL("umull", "10011011101mmmmm011111nnnnnddddd", "Xd Wn Wm", "C6.2.427"),
    RBIT("rbit", "s101101011000000000000nnnnnddddd", "Rd Rn", "C6.2.291"),
    REV16("rev16", "s101101011000000000001nnnnnddddd", "Rd Rn", "C6.2.302"),
    REV_W("rev", "0101101011000000000010nnnnnddddd", "Wd Wn", "C6.2.301"),
    REV32("rev32", "1101101011000000000010nnnnnddddd", "Xd Xn", "C6.2.303"),
    REV_X("rev", "1101101011000000000011nnnnnddddd", "Xd Xn", "C6.2.301"),
    CLZ("clz", "s101101011000000000100nnnnnddddd", "Rd Rn", "C6.2.63"),
    CLS("cls", "s101101011000000000101nnnnnddddd", "Rd Rn", "C6.2.62"),
    CSEL("csel", "s0011010100mmmmmcccc00nnnnnddddd", "Rd Rn Rm cond", "C6.2.107"),
    CSINC("csinc", "s0011010100mmmmmcccc01nnnnnddddd", "condselect", "C6.2.110"),
    CSINV("csinv", "s1011010100mmmmmcccc00nnnnnddddd", "condselect", "C6.2.111"),
    CSNEG("csneg", "s1011010100mmmmmcccc01nnnnnddddd", "condselect", "C6.2.112"),
    CCMN_IMM("ccmn", "s0111010010iiiiicccc10nnnnn0vvvv", "Rn imm5 nzcv cond", "C6.2.44"),
    CCMP_IMM("ccmp", "s1111010010iiiiicccc10nnnnn0vvvv", "Rn imm5 nzcv cond", "C6.2.46"),
    CCMP_REG("ccmp", "s1111010010mmmmmcccc00nnnnn0vvvv", "Rn Rm nzcv cond", "C6.2.47"),

    // Branches, hints, system.
    B("b", "000101iiiiiiiiiiiiiiiiiiiiiiiiii", "rel26", "C6.2.25"),
    BL("bl", "100101iiiiiiiiiiiiiiiiiiiiiiiiii", "rel26", "C6.2.36"),
    B_COND("b.", "01010100iiiiiiiiiiiiiiiiiii0cccc", "bcond", "C6.2.26"),
    CBZ("cbz", "s0110100iiiiiiiiiiiiiiiiiiiddddd", "Rd rel19", "C6.2.42"),
    CBNZ("cbnz", "s0110101iiiiiiiiiiiiiiiiiiiddddd", "Rd rel19", "C6.2.41"),
    TBZ("tbz", "p0110110kkkkkiiiiiiiiiiiiiiddddd", "testbit", "C6.2.401"),
    TBNZ("tbnz", "p0110111kkkkkiiiiiiiiiiiiiiddddd", "testbit", "C6.2.400"),
    BR("br", "1101011000011111000000nnnnn00000", "Xn", "C6.2.37"),
    BLR("blr", "1101011000111111000000nnnnn00000", "Xn", "C6.2.38"),
    RET_LR("ret", "11010110010111110000001111000000", "", "C6.2.295"),
    RET("ret", "1101011001011111000000nnnnn00000", "Xn", "C6.2.295"),
    NOP("nop", "11010101000000110010000000011111", "", "C6.2.249"),
    YIELD("yield", "11010101000000110010000000111111", "", "C6.2.432"),
    PACIASP("paciasp", "11010101000000110010001100111111", "", "C6.2.265"),
    AUTIASP("autiasp", "11010101000000110010001110111111", "", "C6.2.22"),
    BTI("bti", "11010101000000110010010000011111", "", "C6.2.40"),
    BTI_C("bti c", "11010101000000110010010001011111", "", "C6.2.40"),
    BTI_J("bti j", "11010101000000110010010010011111", "", "C6.2.40"),
    BTI_JC("bti jc", "11010101000000110010010011011111", "", "C6.2.40"),
    DSB_ISH("dsb ish", "11010101000000110011101110011111", "", "C6.2.118"),
    DMB_ISH("dmb ish", "11010101000000110011101110111111", "", "C6.2.116"),
    DMB_ISHLD("dmb ishld", "11010101000000110011100110111111", "", "C6.2.116"),
    DMB_ISHST("dmb ishst", "11010101000000110011101010111111", "", "C6.2.116"),
    ISB("isb", "11010101000000110011111111011111", "", "C6.2.138"),
    IC_IVAU("ic ivau,", "110101010000101101110101001ddddd", "Xd", "C6.2.137"),
    DC_CVAU("dc cvau,", "110101010000101101111011001ddddd", "Xd", "C6.2.113"),
    MRS_TPIDR_EL0("mrs", "110101010011101111010000010ddddd", "Xd tpidr_el0", "C6.2.243"),
    MRS_TPIDR_EL1("mrs", "110101010011100011010000100ddddd", "Xd tpidr_el1", "C6.2.243"),
    MRS_TPIDR_EL2("mrs", "110101010011110011010000010ddddd", "Xd tpidr_el2", "C6.2.243"),
    MRS_SP_EL0("mrs", "110101010011100001000001000ddddd", "Xd sp_el0", "C6.2.243"),
    MRS_CNTVCT_EL0("mrs", "110101010011101111100000010ddddd", "Xd cntvct_el0", "C6.2.243"),
    MRS_CTR_EL0("mrs", "110101010011101100000000001ddddd", "Xd ctr_el0", "C6.2.243"),
    SVC("svc", "11010100000iiiiiiiiiiiiiiii00001", "uimm", "C6.2.388"),
    BRK("brk", "11010100001iiiiiiiiiiiiiiii00000", "uimm", "C6.2.39"),
    UDF("udf", "0000000000000000iiiiiiiiiiiiiiii", "uimm10", "C6.2.416"),

    // Loads and stores.
    LDR_LITERAL_W("ldr", "00011000iiiiiiiiiiiiiiiiiiiddddd", "Wd rel19", "C6.2.177"),
    LDR_LITERAL_X("ldr", "01011000iiiiiiiiiiiiiiiiiiiddddd", "Xd rel19", "C6.2.177"),
    STR_UIMM("str", "xx11100100iiiiiiiiiiiinnnnnddddd", "Tx mem_uimm", "C6.2.366"),
    LDR_UIMM("ldr", "xx11100101iiiiiiiiiiiinnnnnddddd", "Tx mem_uimm", "C6.2.176"),
    LDRSB_X_UIMM("ldrsb", "0011100110iiiiiiiiiiiinnnnnddddd", "Xd mem_uimm", "C6.2.184"),
    LDRSB_W_UIMM("ldrsb", "0011100111iiiiiiiiiiiinnnnnddddd", "Wd mem_uimm", "C6.2.184"),
    LDRSH_X_UIMM("ldrsh", "0111100110iiiiiiiiiiiinnnnnddddd", "Xd mem_uimm", "C6.2.186"),
    LDRSH_W_UIMM("ldrsh", "0111100111iiiiiiiiiiiinnnnnddddd", "Wd mem_uimm", "C6.2.186"),
    LDRSW_UIMM("ldrsw", "1011100110iiiiiiiiiiiinnnnnddddd", "Xd mem_uimm", "C6.2.188"),
    STUR("stur", "xx111000000iiiiiiiii00nnnnnddddd", "Tx mem_simm", "C6.2.371"),
    LDUR("ldur", "xx111000010iiiiiiiii00nnnnnddddd", "Tx mem_simm", "C6.2.209"),
    LDURSB_X("ldursb", "00111000100iiiiiiiii00nnnnnddddd", "Xd mem_simm", "C6.2.212"),
    LDURSH_X("ldursh", "01111000100iiiiiiiii00nnnnnddddd", "Xd mem_simm", "C6.2.213"),
    LDURSW("ldursw", "10111000100iiiiiiiii00nnnnnddddd", "Xd mem_simm", "C6.2.214"),
    STR_PRE("str", "xx111000000iiiiiiiii11nnnnnddddd", "Tx mem_pre", "C6.2.366"),
    LDR_PRE("ldr", "xx111000010iiiiiiiii11nnnnnddddd", "Tx mem_pre", "C6.2.176"),
    STR_POST("str", "xx111000000iiiiiiiii01nnnnnddddd", "Tx mem_post", "C6.2.366"),
    LDR_POST("ldr", "xx111000010iiiiiiiii01nnnnnddddd", "Tx mem_post", "C6.2.176"),
    STR_REG("str", "xx111000001mmmmmoooe10nnnnnddddd", "Tx mem_reg", "C6.2.367"),
    LDR_REG("ldr", "xx111000011mmmmmoooe10nnnnnddddd", "Tx mem_reg", "C6.2.178"),
    LDRSB_X_REG("ldrsb", "00111000101mmmmmoooe10nnnnnddddd", "Xd mem_reg", "C6.2.185"),
    LDRSH_X_REG("ldrsh", "01111000101mmmmmoooe10nnnnnddddd", "Xd mem_reg", "C6.2.187"),
    LDRSW_REG("ldrsw", "10111000101mmmmmoooe10nnnnnddddd", "Xd mem_reg", "C6.2.190"),
    STP_OFFSET("stp", "s010100100iiiiiiiuuuuunnnnnddddd", "Rd Ru mem_pair", "C6.2.363"),
    LDP_OFFSET("ldp", "s010100101iiiiiiiuuuuunnnnnddddd", "Rd Ru mem_pair", "C6.2.173"),
    STP_PRE("stp", "s010100110iiiiiiiuuuuunnnnnddddd", "Rd Ru mem_pair_pre", "C6.2.363"),
    LDP_PRE("ldp", "s010100111iiiiiiiuuuuunnnnnddddd", "Rd Ru mem_pair_pre", "C6.2.173"),
    STP_POST("stp", "s010100010iiiiiiiuuuuunnnnnddddd", "Rd Ru mem_pair_post", "C6.2.363"),
    LDP_POST("ldp", "s010100011iiiiiiiuuuuunnnnnddddd", "Rd Ru mem_pair_post", "C6.2.173"),

    // Exclusive, acquire and release, atomic (FEAT_LSE).
    STXR("stxr", "xx001000000mmmmm011111nnnnnddddd", "Wm Tx mem", "C6.2.374"),
    STLXR("stlxr", "xx001000000mmmmm111111nnnnnddddd", "Wm Tx mem", "C6.2.352"),
    LDXR("ldxr", "xx00100001011111011111nnnnnddddd", "Tx mem", "C6.2.217"),
    LDAXR("ldaxr", "xx00100001011111111111nnnnnddddd", "Tx mem", "C6.2.158"),
    STLR("stlr", "xx00100010011111111111nnnnnddddd", "Tx mem", "C6.2.347"),
    LDAR("ldar", "xx00100011011111111111nnnnnddddd", "Tx mem", "C6.2.155"),
    CAS("cas", "xx0010001A1mmmmmL11111nnnnnddddd", "Tm Tx mem", "C6.2.50"),
    STADD("stadd", "xx1110000L1mmmmm000000nnnnn11111", "Tm mem", "C6.2.335"),
    STCLR("stclr", "xx1110000L1mmmmm000100nnnnn11111", "Tm mem", "C6.2.338"),
    STEOR("steor", "xx1110000L1mmmmm001000nnnnn11111", "Tm mem", "C6.2.341"),
    STSET("stset", "xx1110000L1mmmmm001100nnnnn11111", "Tm mem", "C6.2.355"),
    LDADD("ldadd", "xx111000AL1mmmmm000000nnnnnddddd", "Tm Tx mem", "C6.2.149"),
    LDCLR("ldclr", "xx111000AL1mmmmm000100nnnnnddddd", "Tm Tx mem", "C6.2.161"),
    LDEOR("ldeor", "xx111000AL1mmmmm001000nnnnnddddd", "Tm Tx mem", "C6.2.164"),
    LDSET("ldset", "xx111000AL1mmmmm001100nnnnnddddd", "Tm Tx mem", "C6.2.194"),
    SWP("swp", "xx111000AL1mmmmm100000nnnnnddddd", "Tm Tx mem", "C6.2.390");

    private static final Encoding[] ALL = values();

    private final String mnemonic;
    private final String operands;
    private final String section;
    private final String picture;
    private final int fixedMask;
    private final int fixedBits;
    /** Per letter: width in the low byte, lowest bit in the next. Fields are contiguous. */
    private final short[] fields = new short[128];

    Encoding(String mnemonic, String picture, String operands, String section) {
        if (picture.length() != 32) {
            throw new AssertionError(mnemonic + ": picture of " + picture.length() + " bits");
        }
        this.mnemonic = mnemonic;
        this.operands = operands;
        this.section = section;
        this.picture = picture;
        int mask = 0;
        int bits = 0;
        for (int i = 0; i < 32; i++) {
            int bit = 31 - i;
            char c = picture.charAt(i);
            if (c == '0' || c == '1') {
                mask |= 1 << bit;
                bits |= (c - '0') << bit;
            } else {
                fields[c] = (short) (bit << 8 | (fields[c] & 0xff) + 1);
            }
        }
        this.fixedMask = mask;
        this.fixedBits = bits;
    }

    /** The mnemonic without what size and ordering add to it. */
    public String mnemonic() {
        return mnemonic;
    }

    String operands() {
        return operands;
    }

    /** The section of the Arm Architecture Reference Manual that describes it. */
    public String section() {
        return section;
    }

    /** 32 characters, bit 31 first. */
    public String picture() {
        return picture;
    }

    /** The width of a field in bits; 0 if the row has no such field. */
    public int width(char field) {
        return fields[field] & 0xff;
    }

    /** A field of an instruction word, unsigned. */
    public int field(int word, char field) {
        int width = width(field);
        return width == 0 ? 0 : word >>> (fields[field] >> 8) & (1 << width) - 1;
    }

    /** A field of an instruction word, sign-extended. */
    public int signedField(int word, char field) {
        int width = width(field);
        return field(word, field) << 32 - width >> 32 - width;
    }

    /** Whether a word is of this row. */
    public boolean matches(int word) {
        return (word & fixedMask) == fixedBits;
    }

    /**
     * Assembles a word. Fields that are not named are zero; negative values are cut to the width of their field.
     *
     * @param names one letter for each value
     * @throws IllegalArgumentException if a value does not fit its field
     */
    public int word(String names, int... values) {
        int word = fixedBits;
        for (int i = 0; i < values.length; i++) {
            int packed = fields[names.charAt(i)];
            int width = packed & 0xff;
            int value = values[i];
            if (width == 0 || (value >> width != 0 && value >> width - 1 != -1)) {
                throw new IllegalArgumentException(
                        this + ": " + names.charAt(i) + " = " + value + " does not fit " + width + " bits");
            }
            word |= (value & (1 << width) - 1) << (packed >> 8);
        }
        return word;
    }

    /** The preferred row of a word; empty for one that the table does not have. */
    public static Optional<Encoding> of(int word) {
        for (var row : ALL) {
            if (row.matches(word)) {
                return Optional.of(row);
            }
        }
        return Optional.empty();
    }
}
