package skep.isa.kernel;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A kernel function that programs may call: one row of the table, Linux 6.18. A row is written as
 *
 * <pre>
 *   name: result (argument, …) property …
 *
 *   result:    int  void  ptr:STRUCT  mem
 *   argument:  any          a number
 *              const        a number known before the program runs
 *              STRUCT       a pointer to that struct; a ? behind it admits null
 *              new:ITER     an iterator to be made;  iter:ITER  one in use
 *              dynptr  newdynptr
 *              ctx  map  mem  out  size  str  callback  void
 *   property:  acquire release null trusted rcu sleep destroys, or a program type class: tracing, sockets, syscall, generic, lsm
 * </pre>
 */
public record Kfunc(
        String name, String result, List<String> arguments, Set<Property> properties, Set<Audience> audiences) {
    public Kfunc {
        arguments = List.copyOf(arguments);
        properties = Set.copyOf(properties);
        audiences = Set.copyOf(audiences);
    }

    /** What the kernel's registration says of it. */
    public enum Property {
        ACQUIRE,
        RELEASE,
        NULL,
        TRUSTED,
        RCU,
        SLEEP
    }

    /** Who may call it; nobody named means everyone. */
    public enum Audience {
        TRACING,
        SOCKETS,
        SYSCALL,
        /** Classifiers, XDP and cgroup packet filters too. */
        GENERIC,
        LSM
    }

    public static Optional<Kfunc> ofName(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    /** All rows, by name. */
    public static List<Kfunc> all() {
        return BY_NAME.values().stream()
                .sorted(Comparator.comparing(Kfunc::name))
                .toList();
    }

    public boolean has(Property property) {
        return properties.contains(property);
    }

    /** Whether programs of this type may call it. */
    public boolean callableFrom(ProgramType type) {
        if (audiences.isEmpty()) {
            return true;
        }
        return switch (type) {
            case TRACING, TRACEPOINT, PERF_EVENT -> audiences.contains(Audience.TRACING);
            case STRUCT_OPS -> audiences.contains(Audience.TRACING) || audiences.contains(Audience.SOCKETS);
            case LSM -> audiences.contains(Audience.LSM) || audiences.contains(Audience.TRACING);
            case SYSCALL -> audiences.contains(Audience.SYSCALL);
            case SCHED_CLS, XDP, CGROUP_SKB ->
                audiences.contains(Audience.SOCKETS) || audiences.contains(Audience.GENERIC);
            case SCHED_ACT, SOCKET_FILTER, SK_SKB, NETFILTER, LWT_IN, LWT_OUT, LWT_XMIT ->
                audiences.contains(Audience.SOCKETS);
            default -> false;
        };
    }

    private static final String ROWS = """
            bpf_iter_num_new: int (new:num, any, any)
            bpf_iter_num_next: mem (iter:num) null
            bpf_iter_num_destroy: void (iter:num)
            bpf_iter_bits_new: int (new:bits, void, any)
            bpf_iter_bits_next: mem (iter:bits) null
            bpf_iter_bits_destroy: void (iter:bits)
            bpf_iter_task_new: int (new:task, task_struct?, any) trusted tracing syscall
            bpf_iter_task_next: ptr:task_struct (iter:task) null tracing syscall
            bpf_iter_task_destroy: void (iter:task) tracing syscall
            bpf_iter_task_vma_new: int (new:task_vma, task_struct, any) rcu tracing
            bpf_iter_task_vma_next: ptr:vm_area_struct (iter:task_vma) null tracing
            bpf_iter_task_vma_destroy: void (iter:task_vma) tracing
            bpf_iter_css_new: int (new:css, cgroup_subsys_state, any) trusted rcu tracing
            bpf_iter_css_next: ptr:cgroup_subsys_state (iter:css) null tracing
            bpf_iter_css_destroy: void (iter:css) tracing
            bpf_iter_css_task_new: int (new:css_task, cgroup_subsys_state, any) trusted tracing
            bpf_iter_css_task_next: ptr:task_struct (iter:css_task) null tracing
            bpf_iter_css_task_destroy: void (iter:css_task) tracing
            bpf_task_acquire: ptr:task_struct (task_struct) acquire rcu null tracing syscall generic
            bpf_task_release: void (task_struct) release tracing syscall generic
            bpf_task_from_pid: ptr:task_struct (any) acquire null tracing syscall generic
            bpf_task_from_vpid: ptr:task_struct (any) acquire null tracing syscall generic
            bpf_task_under_cgroup: int (task_struct, cgroup) rcu tracing syscall generic
            bpf_task_get_cgroup1: ptr:cgroup (task_struct, any) acquire rcu null tracing syscall generic
            bpf_cgroup_acquire: ptr:cgroup (cgroup) acquire rcu null tracing syscall generic
            bpf_cgroup_release: void (cgroup) release tracing syscall generic
            bpf_cgroup_ancestor: ptr:cgroup (cgroup, any) acquire rcu null tracing syscall generic
            bpf_cgroup_from_id: ptr:cgroup (any) acquire null tracing syscall generic
            bpf_cpumask_create: ptr:bpf_cpumask () acquire null tracing syscall
            bpf_cpumask_acquire: ptr:bpf_cpumask (bpf_cpumask) acquire trusted tracing syscall
            bpf_cpumask_release: void (bpf_cpumask) release tracing syscall
            bpf_cpumask_first: int (cpumask) rcu tracing syscall
            bpf_cpumask_first_zero: int (cpumask) rcu tracing syscall
            bpf_cpumask_set_cpu: void (any, bpf_cpumask) rcu tracing syscall
            bpf_cpumask_clear_cpu: void (any, bpf_cpumask) rcu tracing syscall
            bpf_cpumask_test_cpu: int (any, cpumask) rcu tracing syscall
            bpf_cpumask_setall: void (bpf_cpumask) rcu tracing syscall
            bpf_cpumask_clear: void (bpf_cpumask) rcu tracing syscall
            bpf_cpumask_weight: int (cpumask) rcu tracing syscall
            bpf_lookup_user_key: ptr:bpf_key (any, any) acquire null sleep tracing lsm
            bpf_lookup_system_key: ptr:bpf_key (any) acquire null tracing lsm
            bpf_key_put: void (bpf_key) release tracing lsm
            bpf_get_task_exe_file: ptr:file (task_struct) acquire trusted null lsm
            bpf_put_file: void (file) release lsm
            bpf_path_d_path: int (path, out, size) trusted lsm
            bpf_get_dentry_xattr: int (dentry, str, dynptr) trusted sleep lsm
            bpf_get_file_xattr: int (file, str, dynptr) trusted sleep lsm
            bpf_rcu_read_lock: void ()
            bpf_rcu_read_unlock: void ()
            bpf_preempt_disable: void ()
            bpf_preempt_enable: void ()
            bpf_dynptr_from_skb: int (ctx, any, newdynptr) sockets
            bpf_dynptr_from_xdp: int (ctx, any, newdynptr) sockets
            bpf_dynptr_slice: mem (dynptr, any, out?, const) null
            bpf_dynptr_slice_rdwr: mem (dynptr, any, out?, const) null
            bpf_dynptr_adjust: int (dynptr, any, any)
            bpf_dynptr_is_null: int (dynptr)
            bpf_dynptr_is_rdonly: int (dynptr)
            bpf_dynptr_size: int (dynptr)
            bpf_dynptr_clone: int (dynptr, newdynptr)
            bpf_rdonly_cast: cast (void, const)
            bpf_cast_to_kern_ctx: kernctx (ctx)
            bpf_arena_alloc_pages: arena (map, void?, any, any, any) sleep
            bpf_arena_free_pages: void (map, void, any) sleep
            bpf_map_sum_elem_count: int (bpf_map) trusted
            bpf_get_kmem_cache: ptr:kmem_cache (any) null rcu
            bpf_cpumask_empty: int (cpumask) rcu tracing syscall
            bpf_throw: void (any)
            """;

    private static final Map<String, Kfunc> BY_NAME = parseAll();

    private static Map<String, Kfunc> parseAll() {
        var rows = new HashMap<String, Kfunc>();
        for (var line : ROWS.strip().split("\n")) {
            var row = parse(line);
            rows.put(row.name(), row);
        }
        return rows;
    }

    private static Kfunc parse(String line) {
        int colon = line.indexOf(':');
        int open = line.indexOf('(');
        int close = line.indexOf(')');
        var arguments = new ArrayList<String>();
        var list = line.substring(open + 1, close);
        if (!list.isEmpty()) {
            arguments.addAll(List.of(list.split(", ")));
        }
        var properties = EnumSet.noneOf(Property.class);
        var audiences = EnumSet.noneOf(Audience.class);
        for (var word : line.substring(close + 1).strip().split(" ")) {
            if (word.isEmpty()) {
                continue;
            }
            var upper = word.toUpperCase(Locale.ROOT);
            switch (word) {
                case "tracing", "sockets", "syscall", "lsm", "generic" -> audiences.add(Audience.valueOf(upper));
                default -> properties.add(Property.valueOf(upper));
            }
        }
        return new Kfunc(
                line.substring(0, colon), line.substring(colon + 1, open).strip(), arguments, properties, audiences);
    }
}
