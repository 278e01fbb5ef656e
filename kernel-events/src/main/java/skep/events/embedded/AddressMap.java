package skep.events.embedded;

import skep.isa.kernel.Arch;

/**
 * Where things lie in the simulated kernel's address space, as Linux 6.12 lays it out without randomisation.
 *
 * @param text start of the kernel image
 * @param linear start of the linear map: physical address 0
 * @param stacks start of the kernel stacks, in vmalloc space
 * @param data start of what the kernel has once: namespaces, the super block
 * @param pages start of the array of {@code struct page}
 * @param userText where position-independent programs are loaded
 * @param userLibraries where shared libraries begin
 * @param userData where the strings and buffers of programs are
 * @param userStack top of the user stacks
 */
record AddressMap(
        long text,
        long linear,
        long stacks,
        long data,
        long pages,
        long userText,
        long userLibraries,
        long userData,
        long userStack) {
    static AddressMap of(Arch arch) {
        return switch (arch) {
            case ARM64 ->
                new AddressMap(
                        0xffff_8000_8001_0000L,
                        0xffff_0000_0000_0000L,
                        0xffff_8000_8600_0000L,
                        0xffff_8000_8280_0000L,
                        0xffff_fdff_c000_0000L,
                        0xaaaa_aaaa_0000L,
                        0xffff_9000_0000L,
                        0xaaaa_c000_0000L,
                        0xffff_ffff_f000L);
            case X86_64 ->
                new AddressMap(
                        0xffff_ffff_8100_0000L,
                        0xffff_8880_0000_0000L,
                        0xffff_c900_0000_0000L,
                        0xffff_ffff_8280_0000L,
                        0xffff_ea00_0000_0000L,
                        0x5555_5555_4000L,
                        0x7fff_f000_0000L,
                        0x5555_5600_0000L,
                        0x7fff_ffff_f000L);
        };
    }
}
