package skep.vm.syscall;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import skep.btf.Btf;
import skep.vm.IdTable;
import skep.vm.Machine;
import skep.vm.VmCpu;
import skep.vm.VmProgram;
import skep.vm.maps.BpfMap;
import skep.vm.syscall.BpfLink.AttachPoint;

/**
 * The kernel's side of {@code bpf()}: what all processes share. Closing it gives up pins and links; the machine is the
 * caller's. Safe from any thread.
 */
public final class BpfSystem implements AutoCloseable {
    private final Machine machine;
    private final Bpffs files = new Bpffs();
    private final IdTable<BpfLink> links = new IdTable<>();
    private final IdTable<LoadedBtf> types = new IdTable<>();
    private final Set<Integer> frozenMaps = ConcurrentHashMap.newKeySet();
    private final Map<AttachPoint, CopyOnWriteArrayList<VmProgram>> attached = new ConcurrentHashMap<>();
    private final Map<AttachPoint, CopyOnWriteArrayList<BpfLink>> linked = new ConcurrentHashMap<>();
    private final AtomicInteger statsUsers = new AtomicInteger();

    public BpfSystem(Machine machine) {
        this.machine = machine;
    }

    public Machine machine() {
        return machine;
    }

    public Bpffs files() {
        return files;
    }

    IdTable<BpfLink> links() {
        return links;
    }

    IdTable<LoadedBtf> types() {
        return types;
    }

    // ---- references

    void retain(KernelObject object) {
        switch (object) {
            case KernelObject.OfMap map -> machine.retainMap(map.map().id());
            case KernelObject.OfProgram program ->
                machine.programs().retain(program.program().id());
            case KernelObject.OfLink link -> links.retain(link.link().id());
            case KernelObject.OfBtf btf -> types.retain(btf.btf().id());
            case KernelObject.OfIteration walk -> {
                links.retain(walk.link().id());
                machine.programs().retain(walk.program().id());
            }
            case KernelObject.OfStats _ -> useStats();
        }
    }

    void release(KernelObject object) {
        switch (object) {
            case KernelObject.OfMap map -> machine.releaseMap(map.map().id());
            case KernelObject.OfProgram program ->
                machine.releaseProgram(program.program().id());
            case KernelObject.OfLink link -> links.release(link.link().id(), Runnable::run);
            case KernelObject.OfBtf btf -> types.release(btf.btf().id(), Runnable::run);
            case KernelObject.OfIteration walk -> {
                walk.walk().close();
                machine.releaseProgram(walk.program().id());
                links.release(walk.link().id(), Runnable::run);
            }
            case KernelObject.OfStats _ -> machine.enableStats(statsUsers.decrementAndGet() > 0);
        }
    }

    void useStats() {
        statsUsers.incrementAndGet();
        machine.enableStats(true);
    }

    LoadedBtf addTypes(Btf btf) {
        return types.add(id -> new LoadedBtf(id, btf));
    }

    /** Removes a pinned file or an empty folder. */
    public void unlink(String path) {
        files.remove(path).ifPresent(this::release);
    }

    // ---- frozen maps

    boolean isFrozen(BpfMap map) {
        return map.frozen() || frozenMaps.contains(map.id());
    }

    boolean freeze(BpfMap map) {
        map.freeze();
        return frozenMaps.add(map.id());
    }

    // ---- attach points

    BpfLink link(AttachPoint point, VmProgram program, long cookie) {
        var link = links.add(id -> new BpfLink(this, id, point, program, cookie));
        linked.computeIfAbsent(point, _ -> new CopyOnWriteArrayList<>()).add(link);
        return link;
    }

    boolean detach(BpfLink link) {
        linked.getOrDefault(link.point(), new CopyOnWriteArrayList<>()).remove(link);
        return link.detach();
    }

    /** A link's last reference is gone. */
    void forget(BpfLink link) {
        detach(link);
        machine.releaseProgram(link.program().id());
        link.walked().ifPresent(map -> machine.releaseMap(map.id()));
    }

    CopyOnWriteArrayList<VmProgram> programsAt(AttachPoint point) {
        return attached.computeIfAbsent(point, _ -> new CopyOnWriteArrayList<>());
    }

    /** Numbers of the programs at a point, in the order in which they run. */
    List<Integer> programIdsAt(AttachPoint point) {
        var ids = new java.util.ArrayList<Integer>();
        programsAt(point).forEach(program -> ids.add(program.id()));
        linked.getOrDefault(point, new CopyOnWriteArrayList<>())
                .forEach(link -> ids.add(link.program().id()));
        return ids;
    }

    /**
     * Something happened at a point: runs all programs there.
     *
     * @param context address of the context
     * @return the bits that all results have in common, as cgroup programs are judged; all bits if none is attached
     */
    public long fire(AttachPoint point, VmCpu cpu, long context) {
        long verdict = -1;
        for (var program : attached.getOrDefault(point, new CopyOnWriteArrayList<>())) {
            verdict &= program.run(cpu, context);
        }
        for (var link : linked.getOrDefault(point, new CopyOnWriteArrayList<>())) {
            verdict &= link.program().run(cpu, context);
        }
        return verdict;
    }

    @Override
    public void close() {
        files.clear().forEach(this::release);
        for (var programs : attached.values()) {
            programs.forEach(program -> machine.releaseProgram(program.id()));
            programs.clear();
        }
    }
}
