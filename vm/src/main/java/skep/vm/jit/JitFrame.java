package skep.vm.jit;

import skep.vm.RegionCache;
import skep.vm.VmCpu;

/** What the parts of a long function hand on. */
final class JitFrame {
    long r0;
    long r1;
    long r2;
    long r3;
    long r4;
    long r5;
    long r6;
    long r7;
    long r8;
    long r9;
    final long r10;
    int mayGotos = JitSupport.MAX_MAY_GOTOS;
    final RegionCache reads;
    final RegionCache writes;

    JitFrame(VmCpu cpu, long fp, long a, long b, long c, long d, long e) {
        r10 = fp;
        r1 = a;
        r2 = b;
        r3 = c;
        r4 = d;
        r5 = e;
        reads = new RegionCache(cpu, false);
        writes = new RegionCache(cpu, true);
    }
}
