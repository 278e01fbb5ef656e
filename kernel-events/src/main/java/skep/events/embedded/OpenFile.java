package skep.events.embedded;

import org.jspecify.annotations.Nullable;

/** An open file ({@code struct file}): a regular file, a pipe end, a socket or a device. Shared by descriptors. */
final class OpenFile {
    /** Address of its {@code struct file}. */
    final long address;

    final Vfs.FileOps ops;
    /** What the operations work on: an {@link Inode} or a channel's end. */
    final Object target;

    final @Nullable Dentry dentry;
    int flags;
    long position;
    int references = 1;
    /** Where read-ahead expects the next page. */
    long nextPage;

    /** Address of its {@code f_pos}. */
    final long positionAddress;

    /** It was made by being opened. */
    final boolean created;

    OpenFile(EmbeddedKernel kernel, long address, Vfs.FileOps ops, Object target, @Nullable Dentry dentry, int flags) {
        this(kernel, address, ops, target, dentry, flags, false);
    }

    OpenFile(
            EmbeddedKernel kernel,
            long address,
            Vfs.FileOps ops,
            Object target,
            @Nullable Dentry dentry,
            int flags,
            boolean created) {
        this.created = created;
        this.address = address;
        this.ops = ops;
        this.target = target;
        this.dentry = dentry;
        this.flags = flags;
        positionAddress = address + kernel.objects.filePosition.offBytes();
        kernel.objects.file(this);
    }
}
