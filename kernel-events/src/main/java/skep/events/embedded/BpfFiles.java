package skep.events.embedded;

import java.util.List;

/** Programs and maps that services of the machine have loaded: descriptors of anonymous inodes, whose names tell the kind. */
final class BpfFiles {
    private static final int EINVAL = 22;
    private static final int O_RDWR_CLOEXEC = 0x80002;

    private final EmbeddedKernel kernel;
    private final SlabCache files;
    private final Vfs.FileOps program;
    private final Vfs.FileOps map;
    private final Vfs.FileOps link;

    BpfFiles(EmbeddedKernel kernel) {
        this.kernel = kernel;
        files = kernel.slab.cache("filp", kernel.types.sizeBytes("file"));
        var read = refused("ssize_t bpf_dummy_read(struct file *filp, char *buf, size_t siz, loff_t *ppos)");
        var write = refused("ssize_t bpf_dummy_write(struct file *filp, const char *buf, size_t siz, loff_t *ppos)");
        program = kind("bpf-prog", "bpf_prog_fops", read, write, "bpf_prog_release");
        map = kind("bpf-map", "bpf_map_fops", read, write, "bpf_map_release");
        link = kind("bpf-link", "bpf_link_fops", read, write, "bpf_link_release");
    }

    private Routine refused(String declaration) {
        return kernel.leaf(declaration, 20, -EINVAL);
    }

    private Vfs.FileOps kind(String name, String symbol, Routine read, Routine write, String release) {
        var released = kernel.leaf("int " + release + "(struct inode *inode, struct file *filp)", 900);
        return kernel.vfs.ops(name, symbol, read, write, Routine.NONE, released, false);
    }

    /** Whether the files of these operations are such descriptors. */
    boolean owns(Vfs.FileOps ops) {
        return List.of(program, map, link).contains(ops);
    }

    /** Gives a process that is there from the start programs, maps and links, as if it had loaded them. */
    void boot(Process process, int programs, int maps, int links) {
        install(process, program, programs);
        install(process, map, maps);
        install(process, link, links);
    }

    private void install(Process process, Vfs.FileOps ops, int count) {
        for (int i = 0; i < count; i++) {
            long file = kernel.slab.take(files, process.pid);
            process.install(new OpenFile(kernel, file, ops, ops, null, O_RDWR_CLOEXEC));
        }
    }
}
