package skep.isa.classic;

/**
 * One instruction of classic BPF ({@code struct sock_filter}).
 *
 * <pre>
 *   bytes 0..1   2    3    4..7
 *        +------+----+----+--------+
 *        | code | jt | jf |   k    |   little-endian
 *        +------+----+----+--------+
 * </pre>
 *
 * @param code 16 bits; {@link ClassicOp} names the valid ones
 * @param jt slots to skip when a condition holds, 0 to 255
 * @param jf slots to skip when it does not
 */
public record ClassicInsn(int code, int jt, int jf, int k) {
    /** Size in bytes. */
    public static final int BYTES = 8;

    ClassicInsn(ClassicOp op, int k) {
        this(op.code(), 0, 0, k);
    }
}
