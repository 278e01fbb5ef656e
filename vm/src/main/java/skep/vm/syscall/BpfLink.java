package skep.vm.syscall;

import java.util.Optional;
import skep.isa.kernel.AttachType;
import skep.vm.VmProgram;
import skep.vm.maps.BpfMap;

/**
 * A program attached to a point. The program can be exchanged; once detached a link stays, without effect, until its last
 * reference goes.
 */
public final class BpfLink implements AutoCloseable {
    private final BpfSystem system;
    private final int id;
    private final AttachPoint point;
    private final long cookie;
    private VmProgram program;
    private boolean attached = true;
    private Optional<BpfMap> walked = Optional.empty();

    /**
     * Where programs attach.
     *
     * @param type empty for raw tracepoints, which have none
     * @param target name of a tracepoint or function, or number of a cgroup or interface
     */
    public record AttachPoint(Optional<AttachType> type, String target) {}

    BpfLink(BpfSystem system, int id, AttachPoint point, VmProgram program, long cookie) {
        this.system = system;
        this.id = id;
        this.point = point;
        this.program = program;
        this.cookie = cookie;
    }

    /** The system-wide number, from 1. */
    public int id() {
        return id;
    }

    public AttachPoint point() {
        return point;
    }

    /** The number that whoever made the link gave to it. */
    public long cookie() {
        return cookie;
    }

    /** The map whose elements an iterator walks; the link keeps it. */
    Optional<BpfMap> walked() {
        return walked;
    }

    void walks(BpfMap map) {
        walked = Optional.of(map);
    }

    public synchronized VmProgram program() {
        return program;
    }

    public synchronized boolean attached() {
        return attached;
    }

    /** Exchanges the program; returns the old one, whose reference is the caller's now. */
    synchronized VmProgram exchange(VmProgram next) {
        var old = program;
        program = next;
        return old;
    }

    /** Whether it was attached. */
    synchronized boolean detach() {
        boolean was = attached;
        attached = false;
        return was;
    }

    @Override
    public void close() {
        system.forget(this);
    }
}
