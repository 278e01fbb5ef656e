package skep.isa.kernel;

/**
 * A feature that a kernel refuses.
 *
 * @param feature what is refused
 * @param reason one clause that completes a sentence, for example {@code this kernel is built without kprobes}
 * @param instead what the user can do, one sentence, or empty
 */
public record Unsupported(Feature feature, String reason, String instead) {}
