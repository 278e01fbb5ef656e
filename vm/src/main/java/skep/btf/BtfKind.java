package skep.btf;

/** The kinds of BTF types ({@code BTF_KIND_*}, Linux 6.18), in the order of their numbers. */
public enum BtfKind {
    UNKN(Tail.NONE, 0),
    INT(Tail.FIXED, 1),
    PTR(Tail.NONE, 0),
    ARRAY(Tail.FIXED, 3),
    STRUCT(Tail.PER_ELEMENT, 3),
    UNION(Tail.PER_ELEMENT, 3),
    ENUM(Tail.PER_ELEMENT, 2),
    FWD(Tail.NONE, 0),
    TYPEDEF(Tail.NONE, 0),
    VOLATILE(Tail.NONE, 0),
    CONST(Tail.NONE, 0),
    RESTRICT(Tail.NONE, 0),
    FUNC(Tail.NONE, 0),
    FUNC_PROTO(Tail.PER_ELEMENT, 2),
    VAR(Tail.FIXED, 1),
    DATASEC(Tail.PER_ELEMENT, 3),
    FLOAT(Tail.NONE, 0),
    DECL_TAG(Tail.FIXED, 1),
    TYPE_TAG(Tail.NONE, 0),
    ENUM64(Tail.PER_ELEMENT, 3);

    /** What follows the three words that every type begins with. */
    private enum Tail {
        NONE,
        FIXED,
        PER_ELEMENT
    }

    private static final BtfKind[] ALL = values();

    private final int fixedWords;
    private final int elementWords;

    BtfKind(Tail tail, int words) {
        this.fixedWords = tail == Tail.FIXED ? words : 0;
        this.elementWords = tail == Tail.PER_ELEMENT ? words : 0;
    }

    /** The number in the format. */
    public int number() {
        return ordinal();
    }

    /** By number, how many 32-bit words follow the common three whatever the type; -1 where no kind has the number. */
    static int[] fixedWords() {
        var words = new int[32];
        java.util.Arrays.fill(words, -1);
        for (int number = 1; number < ALL.length; number++) {
            words[number] = ALL[number].fixedWords;
        }
        return words;
    }

    /** By number, how many words follow for each element ({@code vlen}). */
    static int[] elementWords() {
        var words = new int[32];
        for (int number = 1; number < ALL.length; number++) {
            words[number] = ALL[number].elementWords;
        }
        return words;
    }

    /** The kind with a number, or {@link #UNKN} for a number that no kind has. */
    static BtfKind ofNumber(int number) {
        return number < ALL.length ? ALL[number] : UNKN;
    }
}
