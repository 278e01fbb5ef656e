package skep.dsl.check;

/** Questions about literal values. */
final class Literal {
    private Literal() {}

    /** Whether it is a constant that signed and unsigned types of enough bits hold alike. */
    static boolean isNonNegative(Typed.Expr expr) {
        return expr instanceof Typed.IntConst constant
                && constant.value() >= 0
                && constant.type() instanceof skep.dsl.Type.Int;
    }
}
