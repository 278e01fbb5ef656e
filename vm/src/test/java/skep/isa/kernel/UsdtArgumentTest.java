package skep.isa.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import skep.isa.kernel.UsdtArgument.Place;

class UsdtArgumentTest {
    @Test
    void x86ArgumentsAreRegistersNumbersAndMemory() {
        assertEquals(
                List.of(
                        new UsdtArgument(4, true, new Place.Register("rdi")),
                        new UsdtArgument(8, false, new Place.Constant(5)),
                        new UsdtArgument(8, true, new Place.Memory("rbp", -12, "", 1)),
                        new UsdtArgument(1, false, new Place.Register("r8")),
                        new UsdtArgument(2, false, new Place.Memory("rax", 0, "rbx", 4)),
                        new UsdtArgument(8, false, new Place.Unreadable("x+8(%rip)")),
                        new UsdtArgument(8, false, new Place.Unreadable("%xmm0"))),
                UsdtArgument.parse(
                        "-4@%edi 8@$5 -8@-12(%rbp) 1@%r8b 2@(%rax,%rbx,4) 8@x+8(%rip) 8f@%xmm0", Arch.X86_64));
    }

    @Test
    void armArgumentsAreRegistersNumbersAndMemory() {
        assertEquals(
                List.of(
                        new UsdtArgument(8, false, new Place.Register("x0")),
                        new UsdtArgument(4, true, new Place.Register("x3")),
                        new UsdtArgument(8, false, new Place.Constant(-7)),
                        new UsdtArgument(4, false, new Place.Memory("sp", 12, "", 1)),
                        new UsdtArgument(8, false, new Place.Memory("x1", 0, "x2", 8))),
                UsdtArgument.parse("8@x0 -4@w3 8@-7 4@[sp, 12] 8@[x1, x2, lsl 3]", Arch.ARM64));
    }
}
