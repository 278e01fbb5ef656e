package skep.session.view;

import java.util.List;
import java.util.Optional;
import skep.session.aggregate.Aggregate;

/** A piece of data of a script, ready to be shown: names and symbols are looked up already. */
public sealed interface Value {
    /** An integer of up to 64 bits. */
    record Int(long value, boolean signed) implements Value {
        /** In decimal. */
        public String decimal() {
            return signed ? Long.toString(value) : Long.toUnsignedString(value);
        }
    }

    record Bool(boolean value) implements Value {}

    /** Text of a program, or made by a lookup: a symbol, an address, a time stamp. */
    record Text(String text) implements Value {}

    /** Raw bytes; unprintable ones are shown as {@code \x01}. */
    record Bytes(byte[] bytes) implements Value {
        public Bytes {
            bytes = bytes.clone();
        }

        @Override
        public byte[] bytes() {
            return bytes.clone();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Bytes b && java.util.Arrays.equals(bytes, b.bytes);
        }

        @Override
        public int hashCode() {
            return java.util.Arrays.hashCode(bytes);
        }
    }

    /** Elements in order. */
    record Tuple(List<Value> elements) implements Value {
        public Tuple {
            elements = List.copyOf(elements);
        }
    }

    /** Named elements in order: a record of the language or a C structure. */
    record Rec(List<Member> members) implements Value {
        public Rec {
            members = List.copyOf(members);
        }
    }

    /** A named element. */
    record Member(String name, Value value) {}

    /** Elements of a C array. */
    record Array(List<Value> elements) implements Value {
        public Array {
            elements = List.copyOf(elements);
        }
    }

    /** An address, shown in hexadecimal. */
    record Pointer(long address) implements Value {}

    /** A value of an enumeration; without a name it is shown as a number. */
    record EnumValue(long value, boolean signed, Optional<String> name) implements Value {}

    /** Something with a number behind its text: a symbol, a user, a signal. */
    record Named(long number, String text) implements Value {}

    /** A stack trace, innermost frame first, each frame as it is shown. */
    record Stack(List<String> frames, Indent indent) implements Value {
        public Stack {
            frames = List.copyOf(frames);
        }

        public Stack(List<String> frames) {
            this(frames, Indent.SPACES);
        }
    }

    /** What stands before each frame of a stack. */
    enum Indent {
        SPACES,
        TAB,
        NONE
    }

    /** What a map entry adds up. */
    record Aggregated(Aggregate aggregate) implements Value {}

    static Value of(long value) {
        return new Int(value, true);
    }

    static Value of(String text) {
        return new Text(text);
    }
}
