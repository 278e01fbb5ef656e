package skep.c.bcc;

import java.util.List;

/**
 * A C type as user space needs it to read and write keys, values and events: complete, with sizes in bytes and offsets
 * as the compiler laid them out.
 */
public sealed interface CTypeInfo {
    /** Size of a value in bytes. */
    int sizeBytes();

    /** How C writes the type, for example {@code unsigned long long}, {@code struct key_t}, {@code char [16]}. */
    String name();

    /**
     * An integer of 1, 2, 4, 8 or 16 bytes.
     *
     * @param character whether it is {@code char}: an array of it is text
     */
    record IntegerType(String name, int sizeBytes, boolean signed, boolean character) implements CTypeInfo {}

    record BoolType(String name) implements CTypeInfo {
        @Override
        public int sizeBytes() {
            return 1;
        }
    }

    record FloatType(String name, int sizeBytes) implements CTypeInfo {}

    record PointerType(String name) implements CTypeInfo {
        @Override
        public int sizeBytes() {
            return 8;
        }
    }

    record EnumType(String name, int sizeBytes, boolean signed, List<EnumConstant> constants) implements CTypeInfo {
        public EnumType {
            constants = List.copyOf(constants);
        }
    }

    record EnumConstant(String name, long value) {}

    record ArrayType(CTypeInfo element, int count) implements CTypeInfo {
        @Override
        public int sizeBytes() {
            return element.sizeBytes() * count;
        }

        @Override
        public String name() {
            return element.name() + " [" + count + "]";
        }

        /** Whether it is an array of {@code char}: text that ends at the first zero. */
        public boolean isText() {
            return element instanceof IntegerType i && i.character();
        }
    }

    /**
     * A structure or union.
     *
     * @param tag as written behind {@code struct}; empty for an anonymous one
     */
    record CompositeType(String tag, boolean union, int sizeBytes, List<Member> members) implements CTypeInfo {
        public CompositeType {
            members = List.copyOf(members);
        }

        @Override
        public String name() {
            return (union ? "union " : "struct ") + tag;
        }
    }

    /**
     * A member.
     *
     * @param name empty for an anonymous structure or union, whose members are reached through the outer type
     * @param offsetBytes of the member; of a bit-field, of the unit of its declared type that holds it
     * @param bitOffset of a bit-field inside that unit, from the least significant bit
     * @param bitSize width of a bit-field; 0 for an ordinary member
     */
    record Member(String name, CTypeInfo type, int offsetBytes, int bitOffset, int bitSize) {}

    /** {@code void}, or a type without a definition. */
    record VoidType() implements CTypeInfo {
        @Override
        public int sizeBytes() {
            return 0;
        }

        @Override
        public String name() {
            return "void";
        }
    }
}
