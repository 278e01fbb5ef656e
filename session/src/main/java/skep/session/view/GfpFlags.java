package skep.session.view;

import java.util.ArrayList;

/**
 * Names of the kernel's page allocation flags, for {@code %gr}. Bits and combinations of Linux 6.12
 * ({@code include/linux/gfp_types.h}); the largest combination that fits is named first, as the kernel's own traces do.
 */
final class GfpFlags {
    private record Flag(String name, long bits) {}

    private static final long DMA = 1L;
    private static final long HIGHMEM = 1L << 1;
    private static final long DMA32 = 1L << 2;
    private static final long MOVABLE = 1L << 3;
    private static final long RECLAIMABLE = 1L << 4;
    private static final long HIGH = 1L << 5;
    private static final long IO = 1L << 6;
    private static final long FS = 1L << 7;
    private static final long ZERO = 1L << 8;
    private static final long DIRECT_RECLAIM = 1L << 10;
    private static final long KSWAPD_RECLAIM = 1L << 11;
    private static final long WRITE = 1L << 12;
    private static final long NOWARN = 1L << 13;
    private static final long RETRY_MAYFAIL = 1L << 14;
    private static final long NOFAIL = 1L << 15;
    private static final long NORETRY = 1L << 16;
    private static final long MEMALLOC = 1L << 17;
    private static final long COMP = 1L << 18;
    private static final long NOMEMALLOC = 1L << 19;
    private static final long HARDWALL = 1L << 20;
    private static final long THISNODE = 1L << 21;
    private static final long ACCOUNT = 1L << 22;
    private static final long RECLAIM = DIRECT_RECLAIM | KSWAPD_RECLAIM;
    private static final long KERNEL = RECLAIM | IO | FS;
    private static final long USER = KERNEL | HARDWALL;
    private static final long HIGHUSER = USER | HIGHMEM;

    // From the widest combination to the single bits.
    private static final Flag[] FLAGS = {
        new Flag("GFP_TRANSHUGE", HIGHUSER | MOVABLE | COMP | NOMEMALLOC | NOWARN),
        new Flag("GFP_HIGHUSER_MOVABLE", HIGHUSER | MOVABLE),
        new Flag("GFP_HIGHUSER", HIGHUSER),
        new Flag("GFP_USER", USER),
        new Flag("GFP_KERNEL_ACCOUNT", KERNEL | ACCOUNT),
        new Flag("GFP_KERNEL", KERNEL),
        new Flag("GFP_NOFS", RECLAIM | IO),
        new Flag("GFP_NOIO", RECLAIM),
        new Flag("GFP_ATOMIC", HIGH | KSWAPD_RECLAIM),
        new Flag("GFP_NOWAIT", KSWAPD_RECLAIM | NOWARN),
        new Flag("GFP_DMA", DMA),
        new Flag("GFP_DMA32", DMA32),
        new Flag("__GFP_HIGHMEM", HIGHMEM),
        new Flag("__GFP_MOVABLE", MOVABLE),
        new Flag("__GFP_RECLAIMABLE", RECLAIMABLE),
        new Flag("__GFP_HIGH", HIGH),
        new Flag("__GFP_IO", IO),
        new Flag("__GFP_FS", FS),
        new Flag("__GFP_ZERO", ZERO),
        new Flag("__GFP_DIRECT_RECLAIM", DIRECT_RECLAIM),
        new Flag("__GFP_KSWAPD_RECLAIM", KSWAPD_RECLAIM),
        new Flag("__GFP_WRITE", WRITE),
        new Flag("__GFP_NOWARN", NOWARN),
        new Flag("__GFP_RETRY_MAYFAIL", RETRY_MAYFAIL),
        new Flag("__GFP_NOFAIL", NOFAIL),
        new Flag("__GFP_NORETRY", NORETRY),
        new Flag("__GFP_MEMALLOC", MEMALLOC),
        new Flag("__GFP_COMP", COMP),
        new Flag("__GFP_NOMEMALLOC", NOMEMALLOC),
        new Flag("__GFP_HARDWALL", HARDWALL),
        new Flag("__GFP_THISNODE", THISNODE),
        new Flag("__GFP_ACCOUNT", ACCOUNT),
    };

    private GfpFlags() {}

    /** For example {@code GFP_KERNEL|__GFP_ZERO}; bits without a name in hexadecimal, nothing set as {@code 0}. */
    static String names(long flags) {
        var names = new ArrayList<String>();
        long rest = flags;
        for (var flag : FLAGS) {
            if ((rest & flag.bits) == flag.bits) {
                names.add(flag.name);
                rest &= ~flag.bits;
            }
        }
        if (rest != 0) {
            names.add("0x" + Long.toHexString(rest));
        }
        return names.isEmpty() ? "0" : String.join("|", names);
    }
}
