package skep.vm.maps;

import java.util.Optional;
import skep.vm.AddressSpace;
import skep.vm.Executable;

/** What maps need of the machine that they live in. Safe from any thread. */
public interface MapContext {
    AddressSpace addressSpace();

    /** How many values a per-CPU map has for each key. */
    int possibleCpus();

    /** Accounts memory; {@code false} if the machine's bound would be passed. */
    boolean charge(long bytes);

    void uncharge(long bytes);

    /** A map by id, with a reference that {@link #releaseMap} gives back. */
    Optional<BpfMap> retainMap(int id);

    void releaseMap(int id);

    /** A program by id, with a reference that {@link #releaseProgram} gives back. */
    Optional<Executable> retainProgram(int id);

    void releaseProgram(int id);

    /** Forgets the timer at an address: its map value goes. */
    default void forgetTimer(long address) {}

    /** Forgets all timers of a map. */
    default void forgetTimersOf(long mapHandle) {}

    /** The kernel address of the task that a user-space key (a pid) names, or 0. */
    default long taskOfPid(int pid) {
        return 0;
    }

    /** Runs {@code free} once every program that runs now has ended: none can hold an address of the memory then. */
    void retire(Runnable free);
}
