package skep.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InsnCodecTest {
    @Property(seed = "20261130")
    void whatIsEncodedDecodesToTheSame(@ForAll("insns") Insn insn) {
        assertEquals(List.of(insn), InsnCodec.decode(InsnCodec.encode(List.of(insn))));
    }

    @Property(seed = "20261130")
    void whatIsPrintedIsReadBack(@ForAll("insns") Insn insn) {
        var code = InsnCodec.encode(List.of(insn));
        assertEquals(code, Assembler.assemble(Disassembler.text(code)), () -> Disassembler.text(insn));
    }

    @Property(seed = "20261130", tries = 20_000)
    void slotsAreEitherRefusedOrEncodeToThemselves(@ForAll long first, @ForAll int high) {
        var code = Bytecode.of(first, Bytecode.pack(0, 0, 0, 0, high));
        try {
            var insn = InsnCodec.decode(code, 0);
            assertEquals(first, InsnCodec.encode(insn), () -> Disassembler.text(insn));
        } catch (InvalidInsnException refused) {
            assertEquals(0, refused.slot());
        }
    }

    @Property(seed = "20261130", tries = 20_000)
    void everyOpcodeWithSmallFieldsIsEitherRefusedOrEncodesToItself(
            @ForAll byte opcode,
            @ForAll("smallRegs") int dst,
            @ForAll("smallRegs") int src,
            @ForAll("smallOffs") int off,
            @ForAll("smallImms") int imm) {
        slotsAreEitherRefusedOrEncodeToThemselves(Bytecode.pack(opcode, dst, src, off, imm), 0);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ff00000000000000 | unknown opcode 0xff
            07 0b 0000 00000000 | register r11 does not exist
            07 00 0200 00000000 | arithmetic with unknown offset field 2
            bf 10 2000 01000000 | arithmetic uses reserved fields
            bc 10 2000 00000000 | arithmetic with unknown offset field 32
            87 10 0000 00000000 | negation uses reserved fields
            8f 10 0000 00000000 | negation with a register operand
            dc 01 0000 30000000 | byte swap of 48 bits
            df 01 0000 10000000 | unknown opcode 0xdf
            18 01 0000 00000000 | 64-bit immediate load without its second slot
            1801000000000000 0001000000000000 | second slot of a 64-bit immediate load holds more than the immediate
            1871000000000000 0000000000000000 | 64-bit immediate load with unknown pseudo source 7
            61 10 0000 01000000 | load uses reserved fields
            62 11 0000 00000000 | store of an immediate uses reserved fields
            63 10 0000 01000000 | store uses reserved fields
            99 10 0000 00000000 | unknown opcode 0x99
            d3 10 0000 00000000 | atomic operation of 1 bytes
            db 10 0000 02000000 | unknown atomic operation 0x2
            38 00 0000 00000000 | unknown opcode 0x38
            30 10 0000 00000000 | packet load uses reserved fields
            05 00 0000 01000000 | jump uses reserved fields
            85 30 0000 00000000 | call with unknown pseudo source 3
            85 00 0100 00000000 | call uses reserved fields
            95 00 0000 01000000 | exit uses reserved fields
            96 00 0000 00000000 | unknown opcode 0x96
            e5 10 0000 00000000 | may_goto uses reserved fields
            15 10 0000 00000000 | branch uses reserved fields
            """)
    void whatIsNoInstructionIsRefusedWithAReason(String hex, String reason) {
        var refused = assertThrows(InvalidInsnException.class, () -> InsnCodec.decode(code(hex)));
        assertEquals(reason, refused.reason());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            b7 01 0000 05000000 | r1 = 5
            b4 01 0000 ffffffff | w1 = -1
            bf 21 0000 00000000 | r1 = r2
            bf 21 0800 00000000 | r1 = (s8)r2
            bc 21 1000 00000000 | w1 = (s16)w2
            bf 21 0100 01000000 | r1 = addr_space_cast(r2, 0, 1)
            3f 21 0100 00000000 | r1 s/= r2
            cc 21 0000 00000000 | w1 s>>= w2
            87 03 0000 00000000 | r3 = -r3
            dc 03 0000 10000000 | r3 = be16 r3
            d7 03 0000 40000000 | r3 = bswap64 r3
            79 a1 f8ff 00000000 | r1 = *(u64 *)(r10 -8)
            81 a1 0400 00000000 | r1 = *(s32 *)(r10 +4)
            7a 0a f8ff 05000000 | *(u64 *)(r10 -8) = 5
            6b 1a f8ff 00000000 | *(u16 *)(r10 -8) = r1
            db 21 0000 00000000 | lock *(u64 *)(r1 +0) += r2
            c3 21 0000 41000000 | r2 = atomic_fetch_or((u32 *)(r1 +0), r2)
            db 21 0000 e1000000 | r2 = atomic64_xchg((u64 *)(r1 +0), r2)
            db 21 0000 f1000000 | r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)
            d3 12 0000 00010000 | r2 = load_acquire((u8 *)(r1 +0))
            db 21 0000 10010000 | store_release((u64 *)(r1 +0), r2)
            30 00 0000 0e000000 | r0 = *(u8 *)skb[14]
            48 60 0000 0e000000 | r0 = *(u16 *)skb[r6 + 14]
            18 01 0000 ffffffff 0000000001000000 | r1 = 0x1ffffffff
            18 11 0000 03000000 0000000000000000 | r1 = map[fd:3]
            18 21 0000 03000000 0000000008000000 | r1 = map[fd:3][0]+8
            18 41 0000 03000000 0000000000000000 | r1 = subprog[+3]
            05 00 0300 00000000 | goto pc+3
            06 00 0000 fdffffff | gotol pc-3
            65 01 0300 05000000 | if r1 s> 0x5 goto pc+3
            4e 21 0300 00000000 | if w1 & w2 goto pc+3
            e5 00 0300 00000000 | may_goto pc+3
            85 00 0000 01000000 | call bpf_map_lookup_elem#1
            85 10 0000 03000000 | call pc+3
            85 20 0000 d2040000 | call kfunc#1234
            8d 03 0000 00000000 | callx r3
            95 00 0000 00000000 | exit
            """)
    void instructionsAreWrittenAsTheKernelDoes(String hex, String text) {
        var code = code(hex);
        assertEquals(text, Disassembler.text(InsnCodec.decode(code, 0)));
        assertEquals(code, Assembler.assemble(text));
    }

    @Provide
    Arbitrary<Insn> insns() {
        return InsnArbitraries.insns();
    }

    @Provide
    Arbitrary<Integer> smallRegs() {
        return InsnArbitraries.numbers(0, 11);
    }

    @Provide
    Arbitrary<Integer> smallOffs() {
        return InsnArbitraries.numbers(-2, 33);
    }

    @Provide
    Arbitrary<Integer> smallImms() {
        return net.jqwik.api.Arbitraries.of(0, 0, 0, 1, 16, 32, 64, 0x40, 0x41, 0xe1, 0xf1, 0x100, 0x110, -1);
    }

    static Bytecode code(String hex) {
        return Bytecode.ofBytes(java.util.HexFormat.of().parseHex(hex.replace(" ", "")));
    }
}
