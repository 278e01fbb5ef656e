package skep.isa.object;

/**
 * A relocation: the 64-bit immediate load at slot {@code insn} refers to a map. Its pseudo source is already set
 * (map fd or map value); the loader puts the descriptor into the low word.
 */
public record MapReference(int insn, String map) {}
