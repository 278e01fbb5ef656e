package skep.isa.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What a helper takes and gives, as the verifier judges it. Written as text in {@link Helper}:
 *
 * <pre>
 *   result(argument, …)      result:   int void value? sock? ringbuf-mem? btf?:NAME …
 *   argument                 [modifier] kind[?][:detail]
 *   modifier                 release: the reference ends here;  new: an uninitialized dynptr;  const: a dynptr only read;
 *                            out: memory that the helper fills
 *   ?                        may be null
 *   :detail                  size in bytes of fixed memory (in:20), name of a struct (btf:task_struct), kind of a dynptr
 *   in out inout             memory that is read, filled, or both; its size is the next argument unless it is fixed
 * </pre>
 *
 * @param result what r0 holds afterwards
 * @param parameters at most five
 */
public record HelperPrototype(Result result, List<Parameter> parameters, Set<Property> properties) {
    public HelperPrototype {
        parameters = List.copyOf(parameters);
        properties = Set.copyOf(properties);
    }

    /** What a helper needs, or lets pass. */
    public enum Property {
        /** Only programs with a GPL-compatible licence. */
        GPL_ONLY,
        /** Packet memory may be passed as an argument. */
        PACKET_ACCESS,
        /** Only sleepable programs. */
        MAY_SLEEP
    }

    /** What a parameter accepts. */
    public enum Kind {
        ANYTHING("any"),
        CONTEXT("ctx"),
        MAP("map"),
        MAP_KEY("key"),
        MAP_VALUE("value"),
        MEMORY("in"),
        SIZE("size"),
        SIZE_OR_ZERO("size0"),
        ALLOC_SIZE("alloc-size"),
        ALLOC_SIZE_OR_ZERO("alloc-size0"),
        SPIN_LOCK("lock"),
        SOCK_COMMON("sock-common"),
        BTF_SOCK_COMMON("btf-sock"),
        SOCKET("sock"),
        BTF("btf"),
        RINGBUF_MEMORY("ringbuf-mem"),
        PERCPU_BTF("percpu"),
        FUNCTION("func"),
        STACK("stack"),
        CONST_STRING("str"),
        TIMER("timer"),
        KPTR("kptr"),
        DYNPTR("dynptr");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        static Kind of(String word) {
            for (var kind : values()) {
                if (kind.word.equals(word)) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("no parameter kind " + word);
        }
    }

    /**
     * One parameter.
     *
     * @param reads for memory: it must be initialized
     * @param writes for memory: the helper may change it
     * @param sizeBytes of memory of fixed size, else 0
     * @param detail struct name of {@code BTF}, kind of {@code DYNPTR}, or empty
     */
    public record Parameter(
            Kind kind,
            boolean nullable,
            boolean release,
            boolean reads,
            boolean writes,
            int sizeBytes,
            String detail) {}

    /** What r0 is. */
    public enum ResultKind {
        INTEGER("int"),
        VOID("void"),
        MAP_VALUE("value"),
        SOCKET("sock"),
        SOCK_COMMON("sock-common"),
        TCP_SOCK("tcp-sock"),
        RINGBUF_MEMORY("ringbuf-mem"),
        DYNPTR_MEMORY("dynptr-mem"),
        BTF("btf"),
        MEMORY_OR_BTF("mem-or-btf");

        private final String word;

        ResultKind(String word) {
            this.word = word;
        }

        static ResultKind of(String word) {
            for (var kind : values()) {
                if (kind.word.equals(word)) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("no result kind " + word);
        }
    }

    /**
     * The result.
     *
     * @param struct behind a kernel pointer, or empty
     */
    public record Result(ResultKind kind, boolean nullable, boolean trusted, String struct) {}

    public boolean has(Property property) {
        return properties.contains(property);
    }

    static HelperPrototype parse(String text, Property... properties) {
        int open = text.indexOf('(');
        var parameters = new ArrayList<Parameter>();
        var list = text.substring(open + 1, text.length() - 1);
        if (!list.isEmpty()) {
            for (var word : list.split(", ")) {
                parameters.add(parameter(word));
            }
        }
        return new HelperPrototype(result(text.substring(0, open)), parameters, Set.of(properties));
    }

    private static Result result(String text) {
        boolean trusted = text.startsWith("trusted ");
        var rest = trusted ? text.substring(8) : text;
        int colon = rest.indexOf(':');
        var word = colon < 0 ? rest : rest.substring(0, colon);
        boolean nullable = word.endsWith("?");
        var name = nullable ? word.substring(0, word.length() - 1) : word;
        return new Result(ResultKind.of(name), nullable, trusted, colon < 0 ? "" : rest.substring(colon + 1));
    }

    private static Parameter parameter(String text) {
        int space = text.lastIndexOf(' ');
        var modifier = space < 0 ? "" : text.substring(0, space);
        var rest = text.substring(space + 1);
        int colon = rest.indexOf(':');
        var detail = colon < 0 ? "" : rest.substring(colon + 1);
        var word = colon < 0 ? rest : rest.substring(0, colon);
        boolean nullable = word.endsWith("?");
        var name = nullable ? word.substring(0, word.length() - 1) : word;
        boolean out = name.equals("out") || modifier.equals("out") || modifier.equals("new");
        boolean inOut = name.equals("inout");
        var kind = Kind.of(name.equals("out") || inOut ? "in" : name);
        int size = kind == Kind.MEMORY && !detail.isEmpty() ? Integer.parseInt(detail) : 0;
        boolean constant = modifier.equals("const");
        return new Parameter(
                kind,
                nullable,
                modifier.equals("release"),
                !out,
                out || inOut || (kind == Kind.DYNPTR && !constant),
                size,
                size == 0 ? detail : "");
    }
}
