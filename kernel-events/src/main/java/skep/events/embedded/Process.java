package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A process: what its threads share. */
final class Process {
    static final int MAX_FILES = 1024;

    final int pid;
    final @Nullable Process parent;
    int uid;
    int gid;
    long cgroupId = 1;
    /** The container that it is in, and its number there. */
    Containers.@Nullable Container container;

    int innerPid;
    final ArrayList<@Nullable OpenFile> files = new ArrayList<>();
    final ArrayList<Process> children = new ArrayList<>();
    /** Tasks in {@code wait4} for a child of this process. */
    final WaitQueue childExit = new WaitQueue();
    /** Addresses of its {@code vm_area_struct}s, {@code mm_struct} and the like, freed at exit. */
    final ArrayList<Long> areas = new ArrayList<>();
    /** What {@code mmap} gave it, by address. */
    final HashMap<Long, VirtualMemory.Mapping> mappings = new HashMap<>();
    /** Page frame numbers of its own pages, the oldest first; first ones of its blocks of 2 MiB; how many are swapped out. */
    final ArrayDeque<Long> anonymous = new ArrayDeque<>();

    final ArrayDeque<Long> huge = new ArrayDeque<>();
    long swapped;
    /** Stacks of its threads that have ended. */
    final ArrayDeque<Long> freeStacks = new ArrayDeque<>();
    /** What {@code alloc_percpu} gave for its counters, or 0. */
    long percpuCounters;

    long mm;
    long signals;
    long signalHandlers;
    long fileTable;
    long credentials;
    int threads = 1;

    @Nullable
    Task leader;

    /** What it wants done about signals, where that is not the default. */
    final TreeMap<Integer, Signals.Action> actions = new TreeMap<>();

    boolean zombie;
    int exitCode;
    Program.@Nullable Invocation invocation;

    Process(int pid, @Nullable Process parent, int uid, int gid) {
        this.pid = pid;
        this.parent = parent;
        this.uid = uid;
        this.gid = gid;
        if (parent != null) {
            cgroupId = parent.cgroupId;
            container = parent.container;
            innerPid = parent.container == null ? 0 : parent.innerPid + 1 + pid % 97;
        }
    }

    /** Puts a file at the lowest free descriptor; -24 (EMFILE) if there is none. */
    int install(OpenFile file) {
        int fd = files.indexOf(null);
        if (fd < 0) {
            if (files.size() >= MAX_FILES) {
                return -24;
            }
            fd = files.size();
            files.add(file);
        } else {
            files.set(fd, file);
        }
        return fd;
    }

    @Nullable
    OpenFile file(long fd) {
        return fd >= 0 && fd < files.size() ? files.get((int) fd) : null;
    }

    long residentPages() {
        return anonymous.size() + (long) VirtualMemory.hugePages() * huge.size();
    }

    boolean kernelThread() {
        return mm == 0;
    }
}
