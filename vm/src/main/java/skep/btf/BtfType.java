package skep.btf;

import java.util.List;

/**
 * One type. Other types are referred to by id; {@link Btf#type} turns an id into a record. The id 0 is {@code void}.
 */
public sealed interface BtfType {
    /** The name, or an empty string for what has none. */
    default String name() {
        return "";
    }

    BtfKind kind();

    /** The type {@code void}, id 0. */
    record Void() implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.UNKN;
        }
    }

    /**
     * @param sizeBytes storage: 1, 2, 4, 8 or 16
     * @param bits bits of the value, less than the storage in a bit-field of old style
     * @param offsetBits where the value begins in its storage, nearly always 0
     */
    record Int(String name, int sizeBytes, int bits, int offsetBits, Encoding encoding) implements BtfType {
        /** What an integer stands for; the kernel's BTF uses {@code SIGNED}, {@code BOOL} and {@code UNSIGNED}. */
        public enum Encoding {
            UNSIGNED(0),
            SIGNED(1),
            CHAR(2),
            SIGNED_CHAR(3),
            BOOL(4);

            private final int number;

            Encoding(int number) {
                this.number = number;
            }

            public int number() {
                return number;
            }
        }

        public static Int unsigned(String name, int sizeBytes) {
            return new Int(name, sizeBytes, 8 * sizeBytes, 0, Encoding.UNSIGNED);
        }

        public static Int signed(String name, int sizeBytes) {
            return new Int(name, sizeBytes, 8 * sizeBytes, 0, Encoding.SIGNED);
        }

        public boolean isSigned() {
            return (encoding.number & 1) != 0;
        }

        @Override
        public BtfKind kind() {
            return BtfKind.INT;
        }
    }

    record Pointer(int typeId) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.PTR;
        }
    }

    record Array(int elementId, int indexId, int count) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.ARRAY;
        }
    }

    /** A struct or union. */
    sealed interface Composite extends BtfType {
        long sizeBytes();

        List<Member> members();
    }

    record Struct(String name, long sizeBytes, List<Member> members) implements Composite {
        public Struct {
            members = List.copyOf(members);
        }

        @Override
        public BtfKind kind() {
            return BtfKind.STRUCT;
        }
    }

    record Union(String name, long sizeBytes, List<Member> members) implements Composite {
        public Union {
            members = List.copyOf(members);
        }

        @Override
        public BtfKind kind() {
            return BtfKind.UNION;
        }
    }

    /**
     * @param name empty for an anonymous struct or union, whose members belong to the enclosing type
     * @param offsetBits from the start of the enclosing type
     * @param bitFieldBits width of a bit-field, 0 for an ordinary member
     */
    record Member(String name, int typeId, long offsetBits, int bitFieldBits) {
        public static Member at(String name, int typeId, long offsetBytes) {
            return new Member(name, typeId, 8 * offsetBytes, 0);
        }
    }

    /**
     * An enumeration of either width.
     *
     * @param wide whether the values are stored in 64 bits ({@code ENUM64})
     */
    record Enumeration(String name, int sizeBytes, boolean signed, boolean wide, List<Enumerator> values)
            implements BtfType {
        public Enumeration {
            values = List.copyOf(values);
        }

        @Override
        public BtfKind kind() {
            return wide ? BtfKind.ENUM64 : BtfKind.ENUM;
        }
    }

    /** A constant; sign- or zero-extended as its enumeration says. */
    record Enumerator(String name, long value) {}

    record Forward(String name, boolean union) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.FWD;
        }
    }

    record Typedef(String name, int typeId) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.TYPEDEF;
        }
    }

    /** {@code volatile}, {@code const} or {@code restrict}. */
    record Qualified(BtfKind kind, int typeId) implements BtfType {
        public Qualified {
            assert kind == BtfKind.VOLATILE || kind == BtfKind.CONST || kind == BtfKind.RESTRICT;
        }
    }

    record Function(String name, int protoId, Linkage linkage) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.FUNC;
        }
    }

    /** Linkage of functions and variables. */
    enum Linkage {
        STATIC,
        GLOBAL,
        EXTERN
    }

    record Prototype(int returnId, List<Parameter> parameters) implements BtfType {
        public Prototype {
            parameters = List.copyOf(parameters);
        }

        /** Whether the last parameter is the C ellipsis: nameless and without a type. */
        public boolean isVariadic() {
            return !parameters.isEmpty() && parameters.getLast().typeId() == 0;
        }

        @Override
        public BtfKind kind() {
            return BtfKind.FUNC_PROTO;
        }
    }

    record Parameter(String name, int typeId) {}

    record Variable(String name, int typeId, Linkage linkage) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.VAR;
        }
    }

    /** A section of variables such as {@code .maps} or {@code .data}. */
    record DataSection(String name, long sizeBytes, List<Slot> variables) implements BtfType {
        public DataSection {
            variables = List.copyOf(variables);
        }

        /** A variable in its section. */
        public record Slot(int typeId, long offsetBytes, long sizeBytes) {}

        @Override
        public BtfKind kind() {
            return BtfKind.DATASEC;
        }
    }

    record Float(String name, int sizeBytes) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.FLOAT;
        }
    }

    /** An annotation of a type, or of its member or parameter {@code component}; -1 for the whole. */
    record DeclTag(String name, int typeId, int component) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.DECL_TAG;
        }
    }

    /** An annotation of a pointee, such as {@code user} or {@code rcu}. */
    record TypeTag(String name, int typeId) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.TYPE_TAG;
        }
    }
}
