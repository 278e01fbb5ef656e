package skep.btf;

/** The types of a kernel, module or program in the BPF Type Format. */
public final class Btf {}
