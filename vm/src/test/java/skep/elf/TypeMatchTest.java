package skep.elf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.btf.BtfBuilder;
import skep.btf.BtfType;

/** What CO-RE's TYPE_MATCHES takes for the same type. */
class TypeMatchTest {
    /** A struct with the members, in the types {@code int}, {@code unsigned int} and {@code struct s *}. */
    private static BtfBuilder structOf(String name, String members) {
        var builder = new BtfBuilder();
        int signed = builder.add(BtfType.Int.signed("int", 4));
        int unsigned = builder.add(BtfType.Int.unsigned("unsigned int", 4));
        int pointee = builder.add(new BtfType.Struct("s", members.length(), List.of()));
        int pointer = builder.add(new BtfType.Pointer(pointee));
        var list = new java.util.ArrayList<BtfType.Member>();
        for (int i = 0; i < members.length(); i += 2) {
            int type = switch (members.charAt(i + 1)) {
                case 'i' -> signed;
                case 'u' -> unsigned;
                default -> pointer;
            };
            list.add(BtfType.Member.at(members.substring(i, i + 1), type, 8L * list.size()));
        }
        builder.add(new BtfType.Struct(name, 64, list));
        return builder;
    }

    @ParameterizedTest
    @CsvSource({
        "t, aibu, t, aibu, true",
        "t, ai, t, buai, true",
        "t___mine, ai, t, ai, true",
        "t, aibu, t, ai, false",
        "t, ai, t, au, false",
        "t, ap, t, bpap, true",
        "t, ap, t, ai, false",
        "t, ai, v, ai, false"
    })
    void allMembersOfTheProgramsTypeMustBeThere(
            String name, String own, String other, String theirs, boolean expected) {
        var local = structOf(name, own).build();
        var target = structOf(other, theirs).build();
        assertEquals(expected, new TypeMatch(local, target).matches(5, 5));
    }
}
