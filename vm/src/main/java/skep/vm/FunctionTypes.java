package skep.vm;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.btf.Btf;
import skep.btf.BtfException;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.isa.Bytecode;
import skep.isa.DecodedProgram;
import skep.isa.InvalidInsnException;
import skep.isa.kernel.ProgramType;
import skep.isa.object.ProgramSpec;
import skep.vm.verifier.VerifierInput.FunctionInfo;
import skep.vm.verifier.VerifierInput.Parameter;

/**
 * What a loader tells the verifier of a program's functions: which there are, and of global ones what they take. Rules
 * as in Linux 6.18, kernel/bpf/btf.c, {@code btf_prepare_func_args}.
 */
final class FunctionTypes {
    private static final String ARGUMENT_TAG = "arg:";

    private final Btf types;
    private final ProgramType programType;

    private FunctionTypes(Btf types, ProgramType programType) {
        this.types = types;
        this.programType = programType;
    }

    static List<FunctionInfo> of(ProgramSpec program, Bytecode code, Optional<Btf> types) {
        if (types.isEmpty() || program.functions().size() < 2) {
            return untyped(code);
        }
        var known = new FunctionTypes(types.get(), program.type());
        var functions = new ArrayList<FunctionInfo>();
        for (var entry : program.functions()) {
            functions.add(
                    entry.global() && entry.insn() != 0
                            ? known.global(entry)
                            : new FunctionInfo(entry.insn(), entry.name(), false, true, List.of()));
        }
        return functions;
    }

    /**
     * Without types: that they are functions. Without that none could be called back. Of malformed code nothing is told; the verifier says what
     * is wrong with it.
     */
    private static List<FunctionInfo> untyped(Bytecode code) {
        DecodedProgram program;
        try {
            program = DecodedProgram.of(code);
        } catch (InvalidInsnException _) {
            return List.of();
        }
        var functions = new ArrayList<FunctionInfo>();
        for (int i = 0; program.functionCount() > 1 && i < program.functionCount(); i++) {
            int start = program.functionStart(i);
            functions.add(new FunctionInfo(start, "function_" + start, false, true, List.of()));
        }
        return functions;
    }

    /** A function is global only if its types are such that it can be judged alone; else it is judged where it is called. */
    private FunctionInfo global(ProgramSpec.FunctionEntry entry) {
        try {
            if (types.type(entry.typeId()) instanceof BtfType.Function function
                    && types.type(function.protoId()) instanceof BtfType.Prototype prototype) {
                var parameters = new ArrayList<Parameter>();
                for (int i = 0; i < prototype.parameters().size(); i++) {
                    var parameter = parameter(prototype.parameters().get(i).typeId(), tags(entry.typeId(), i));
                    if (parameter.isEmpty()) {
                        return judgedAtCalls(entry);
                    }
                    parameters.add(parameter.get());
                }
                var result = types.resolved(prototype.returnId());
                boolean scalar = result instanceof BtfType.Int || result instanceof BtfType.Enumeration;
                return new FunctionInfo(entry.insn(), entry.name(), true, scalar, parameters);
            }
        } catch (BtfException _) {
            // Types that lead nowhere say nothing.
        }
        return judgedAtCalls(entry);
    }

    private static FunctionInfo judgedAtCalls(ProgramSpec.FunctionEntry entry) {
        return new FunctionInfo(entry.insn(), entry.name(), false, true, List.of());
    }

    /** {@code __arg_nonnull} and the like: declaration tags of a function's parameter. */
    private List<String> tags(int functionId, int parameter) {
        return types.ids(BtfKind.DECL_TAG)
                .mapToObj(id -> (BtfType.DeclTag) types.type(id))
                .filter(tag -> tag.typeId() == functionId
                        && tag.component() == parameter
                        && tag.name().startsWith(ARGUMENT_TAG))
                .map(tag -> tag.name().substring(ARGUMENT_TAG.length()))
                .toList();
    }

    private Optional<Parameter> parameter(int typeId, List<String> tags) {
        boolean nonNull = tags.contains("nonnull");
        return switch (types.resolved(typeId)) {
            case BtfType.Int _, BtfType.Enumeration _ -> Optional.of(of(Parameter.Kind.SCALAR, 0, false, ""));
            case BtfType.Pointer pointer -> pointer(pointer, tags, nonNull);
            default -> Optional.empty();
        };
    }

    private Optional<Parameter> pointer(BtfType.Pointer pointer, List<String> tags, boolean nonNull) {
        var pointee = types.resolved(pointer.typeId());
        if (tags.contains("ctx") || isContext(pointer.typeId())) {
            return Optional.of(of(Parameter.Kind.CONTEXT, 0, true, ""));
        }
        if (tags.contains("arena")) {
            return Optional.of(of(Parameter.Kind.ARENA, 0, false, ""));
        }
        if (pointee instanceof BtfType.Struct struct && struct.name().equals("bpf_dynptr")) {
            return Optional.of(of(Parameter.Kind.DYNPTR, 0, true, ""));
        }
        if (tags.contains("trusted") || tags.contains("untrusted")) {
            boolean trusted = tags.contains("trusted");
            var kind = trusted ? Parameter.Kind.KERNEL_TRUSTED : Parameter.Kind.KERNEL_UNTRUSTED;
            return Optional.of(of(kind, 0, trusted && !tags.contains("nullable"), pointee.name()));
        }
        long size = pointee instanceof BtfType.Void || pointee instanceof BtfType.Forward
                ? 0
                : types.sizeBytes(pointer.typeId());
        return size <= 0 || size > Integer.MAX_VALUE
                ? Optional.empty()
                : Optional.of(of(Parameter.Kind.MEMORY, (int) size, nonNull, ""));
    }

    private static Parameter of(Parameter.Kind kind, int sizeBytes, boolean nonNull, String struct) {
        return new Parameter(kind, sizeBytes, nonNull, struct);
    }

    /** Whether a pointer to this is what programs of the type are given. */
    private boolean isContext(int typeId) {
        int id = typeId;
        while (types.type(id) instanceof BtfType.Qualified qualified) {
            id = qualified.typeId();
        }
        if (types.name(id).equals("bpf_user_pt_regs_t")) {
            return programType == ProgramType.KPROBE || programType == ProgramType.PERF_EVENT;
        }
        var expected = switch (programType) {
            case SOCKET_FILTER,
                    SCHED_CLS,
                    SCHED_ACT,
                    CGROUP_SKB,
                    SK_SKB,
                    LWT_IN,
                    LWT_OUT,
                    LWT_XMIT,
                    LWT_SEG6LOCAL,
                    FLOW_DISSECTOR -> "__sk_buff";
            case XDP -> "xdp_md";
            case KPROBE -> "pt_regs";
            case PERF_EVENT -> "bpf_perf_event_data";
            case RAW_TRACEPOINT, RAW_TRACEPOINT_WRITABLE -> "bpf_raw_tracepoint_args";
            case CGROUP_SOCK -> "bpf_sock";
            case CGROUP_SOCK_ADDR -> "bpf_sock_addr";
            case SOCK_OPS -> "bpf_sock_ops";
            case SK_MSG -> "sk_msg_md";
            case SK_REUSEPORT -> "sk_reuseport_md";
            case SK_LOOKUP -> "bpf_sk_lookup";
            case CGROUP_DEVICE -> "bpf_cgroup_dev_ctx";
            case CGROUP_SYSCTL -> "bpf_sysctl";
            case CGROUP_SOCKOPT -> "bpf_sockopt";
            default -> "";
        };
        return !expected.isEmpty() && types.name(types.resolve(id)).equals(expected);
    }
}
