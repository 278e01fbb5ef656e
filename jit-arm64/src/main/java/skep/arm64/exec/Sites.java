package skep.arm64.exec;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import skep.vm.VmCpu;
import skep.vm.VmFault;

/** What emitted code calls, by number: one table for all programs, since a tail call leads from one program's code into another's. */
final class Sites {
    private final List<@Nullable Site> sites = new ArrayList<>();
    private final BitSet taken = new BitSet();

    /** A function of the JVM that code calls with x0 to x4. */
    interface Site {
        Runner.Answer call(VmCpu cpu, long a, long b, long c, long d, long e);
    }

    /** Gives a function a number, from 1. */
    synchronized int add(Site site) {
        int number = taken.nextClearBit(1);
        taken.set(number);
        while (sites.size() <= number) {
            sites.add(null);
        }
        sites.set(number, site);
        return number;
    }

    synchronized void remove(int number) {
        taken.clear(number);
        sites.set(number, null);
    }

    Runner.Answer call(long number, VmCpu cpu, long a, long b, long c, long d, long e) {
        Site site;
        synchronized (this) {
            site = number > 0 && number < sites.size() ? sites.get((int) number) : null;
        }
        if (site == null) {
            throw new VmFault("the code called out with the number " + number + ", which nothing has");
        }
        return site.call(cpu, a, b, c, d, e);
    }
}
