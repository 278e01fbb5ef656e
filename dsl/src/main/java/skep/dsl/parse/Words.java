package skep.dsl.parse;

import java.util.Set;

/** Names that the grammar itself must know, because a cast and a parenthesised name look alike. */
public final class Words {
    private Words() {}

    private static final Set<String> TYPES = Set.of(
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "int8_t",
            "int16_t",
            "int32_t",
            "int64_t",
            "uint8_t",
            "uint16_t",
            "uint32_t",
            "uint64_t",
            "bool",
            "string",
            "buffer",
            "void",
            "char",
            "short",
            "int",
            "long",
            "unsigned",
            "signed",
            "size_t",
            "ssize_t",
            "stack_t",
            "ksym_t",
            "usym_t",
            "username_t",
            "inet_t",
            "mac_address_t",
            "cgroup_path_t",
            "timestamp_t",
            "count_t",
            "sum_t",
            "min_t",
            "max_t",
            "avg_t",
            "stats_t",
            "usum_t",
            "umin_t",
            "umax_t",
            "uavg_t",
            "ustats_t",
            "hist_t",
            "lhist_t");

    private static final Set<String> BUILTINS = Set.of(
            "args",
            "cgroup",
            "comm",
            "cpid",
            "has_cpid",
            "cpu",
            "ncpus",
            "curtask",
            "ctx",
            "elapsed",
            "func",
            "gid",
            "uid",
            "tid",
            "pid",
            "jiffies",
            "nsecs",
            "numaid",
            "ppid",
            "pcomm",
            "leader_tid",
            "leader_comm",
            "probe",
            "probetype",
            "rand",
            "random",
            "retval",
            "usermode",
            "username",
            "kstack",
            "dw_ustack",
            "ustack");

    /** Whether it names a type of the language; other types come from C or the kernel. */
    public static boolean isType(String name) {
        return TYPES.contains(name);
    }

    /** Whether it names a builtin. */
    public static boolean isBuiltin(String name) {
        return BUILTINS.contains(name)
                || name.startsWith("__builtin_")
                || isNumbered(name, "arg")
                || isNumbered(name, "sarg");
    }

    private static boolean isNumbered(String name, String prefix) {
        return name.length() == prefix.length() + 1
                && name.startsWith(prefix)
                && Lexer.isDigit(name.charAt(prefix.length()));
    }
}
